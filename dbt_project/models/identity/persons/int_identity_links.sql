-- Grain: one row per record and link that it hangs on, by numbers; `identity_links` says who the records are, and
-- leaves
-- out those that are nobody's.
with
    persons as not materialized(
        select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only
    ),

    links as (
        {% for relation in [
            ref("int_linked_records"),
            ref("int_contact_links"),
            ref("int_following_links"),
            ref("int_must_link_records"),
        ] -%}
            select * from {{ relation }} {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    -- What a link is called follows from its first record and its value, so that it is the same in every run. Named
    -- before its records are looked up, or every record's link would be hashed.
    link_names as materialized(
        select
            links.link_key,
            {{
                stable_key(
                    [
                        "min(links.rule)",
                        "min(links.rule_detail)",
                        "min(links.id_type)",
                        "min(links.id_namespace)",
                        "max(coalesce(links.id_value, persons.alias_id))",
                        "min(persons.alias_id)",
                    ]
                )
            }} as link_id
        from links
        inner join persons on links.record_no = persons.record_no
        group by links.link_key
        having min(links.record_no) < max(links.record_no)
    ),

    final as (
        select
            links.record_no,
            link_names.link_id,
            links.rule,
            links.rule_detail,
            links.id_type,
            links.id_namespace,
            links.id_value,
            links.is_refused
        from links
        inner join link_names on links.link_key = link_names.link_key
    )

select *
from final
