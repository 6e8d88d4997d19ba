-- Grain: one row per customer and export date from which its attributes differ: who said each, and until when it held.
-- Per attribute: source priority, then vendor records before contacts, then what may link, then the latest change, then order.
{% set attributes = surviving_attributes() %}
with
    members as (select * from {{ ref('int_record_customers') }} where customer_id is not null and not is_lead_only),

    versions as (select * from {{ ref('int_record_versions') }}),

    version_contacts as (select * from {{ ref('int_version_contacts') }}),

    priorities as (select * from {{ ref('int_source_priorities') }}),

    told as (
        select
            members.customer_id,
            members.source,
            members.is_belonging,
            members.is_contact,
            {{ record_order('members') }} as record_order,
            versions.*,
            version_contacts.email,
            version_contacts.phone,
            version_contacts.is_email_usable,
            version_contacts.is_phone_usable
        from versions
        inner join members on versions.record_no = members.record_no
        left join version_contacts on versions.record_no = version_contacts.record_no and versions.valid_from = version_contacts.valid_from
    ),

    changes as (
        select customer_id, valid_from as change_date
        from told
        group by customer_id, valid_from
    ),

    ranked as (
        select
            changes.change_date,
            told.*,
            row_number() over (
                partition by changes.customer_id, changes.change_date order by told.is_contact, told.changed_at desc, told.record_order
            ) as record_rank
        from changes
        inner join
            told
            on changes.customer_id = told.customer_id
            and changes.change_date >= told.valid_from
            and (changes.change_date < told.valid_to or told.valid_to is null)
    ),

    survived as (
        select
            ranked.customer_id,
            ranked.change_date,
            {% for attribute in attributes %}
                {% set preference %}
                    {{ attribute }}_priority * 1000000000000
                    {%- if attribute in ('email', 'phone') %} + cast(not coalesce(is_{{ attribute }}_usable, false) as bigint) * 100000000000{% endif %}
                    + record_rank
                {% endset %}
                min_by({{ attribute }}, {{ preference }}) filter (where {{ attribute }} is not null) as {{ attribute }},
                min_by(record_no, {{ preference }}) filter (where {{ attribute }} is not null) as {{ attribute }}_record_no,
            {% endfor %}
            {{ sorted_set('ranked.source') }} as sources,
            count(*) filter (where not is_belonging) as record_count,
            bool_and(is_deleted) as is_deleted,
            min(first_seen_at) as first_seen_at,
            max(last_seen_at) as last_seen_at
        from ranked
        inner join priorities on ranked.source = priorities.source
        group by ranked.customer_id, ranked.change_date
    ),

    compared as (
        select
            survived.*,
            {{ run_hash(attributes + ['sources', 'record_count', 'is_deleted']) }} as content,
            lag({{ run_hash(attributes + ['sources', 'record_count', 'is_deleted']) }}) over (partition by customer_id order by change_date)
            as previous_content
        from survived
    ),

    final as (
        select
            compared.* exclude (change_date, content, previous_content),
            change_date as valid_from,
            lead(change_date) over (partition by customer_id order by change_date) as valid_to
        from compared
        where previous_content is distinct from content
    )

select *
from final
