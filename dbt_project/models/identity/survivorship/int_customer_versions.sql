-- Grain: one row per customer and export date from which its attributes differ: who said each, and until when it held.
{% set attributes = surviving_attributes() %}
with
    members as (select record_no, customer_id from {{ ref("int_record_customers") }}),

    days as (select * from {{ ref("int_customer_days") }}),

    hashed as (
        select days.*, {{ run_hash(attributes + ["sources", "record_count", "is_deleted"]) }} as content from days
    ),

    -- By narrow rows, which cost less to put in order.
    changed as (
        select
            person_no,
            change_date as valid_from,
            lead(change_date) over (partition by person_no order by change_date) as valid_to
        from
            (
                select person_no, change_date
                from hashed
                qualify lag(content) over (partition by person_no order by change_date) is distinct from content
            ) as differing
    ),

    final as (
        select
            members.customer_id,
            {% for attribute in attributes %} hashed.{{ attribute }}, hashed.{{ attribute }}_record_no, {% endfor %}
            hashed.sources,
            hashed.record_count,
            hashed.is_deleted,
            changed.valid_from,
            changed.valid_to,
            hashed.first_seen_at,
            hashed.last_seen_at
        from hashed
        inner join changed on hashed.person_no = changed.person_no and hashed.change_date = changed.valid_from
        inner join members on hashed.person_no = members.record_no
    )

select *
from final
