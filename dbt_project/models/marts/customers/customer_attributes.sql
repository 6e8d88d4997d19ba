-- Grain: one row per customer, vendor record, attribute and value: the shop's own fields of people, as the vendors
-- deliver them. Of each attribute the newest version of the record that says something counts: one that leaves it out,
-- or empty, takes nothing back. A record that its vendor has deleted says nothing, and begins anew if it is back.
with
    staged as (select * from {{ source("staging", "customers") }}),

    records as (select * from {{ ref("bridge_customer_records") }}),

    numbers as (select * from {{ ref("int_records") }}),

    deletions as (select * from {{ ref("int_record_versions") }} where is_deleted),

    gone as (
        select numbers.alias_id, max(deletions.valid_from) as gone_on
        from deletions
        inner join numbers on deletions.record_no = numbers.record_no
        group by numbers.alias_id
    ),

    versions as (
        select
            records.customer_id,
            staged.source,
            staged.source_account,
            staged.stream,
            staged.source_record_id,
            staged.attributes,
            unnest(json_keys(staged.attributes)) as attribute,
            coalesce(staged.source_updated_at, staged.extracted_at) as observed_at,
            {{ newest("staged") }} as recency
        from staged
        inner join
            records
            on staged.source = records.source
            and staged.source_account = records.source_account
            and staged.stream = records.stream
            and staged.source_record_id = records.source_record_id
        left join gone on records.alias_id = gone.alias_id
        where gone.alias_id is null or staged.last_export_date > gone.gone_on
    ),

    said as (select *, {{ member("attributes", "attribute") }} as value from versions),

    newest as (
        select
            customer_id,
            source,
            source_account,
            stream,
            source_record_id,
            attribute,
            max_by(observed_at, recency) as observed_at,
            max_by(value, recency) as value
        from said
        where trim(json_extract_string(value, '$')) not in ('', '[]', '{}')
        group by customer_id, source, source_account, stream, source_record_id, attribute
    ),

    -- A list says each of its members.
    members as (
        select
            * replace (
                unnest(case when json_type(value) = 'ARRAY' then json_extract(value, '$[*]') else [value] end) as value
            )
        from newest
    ),

    typed as (
        select
            * replace (trim(json_extract_string(value, '$')) as value),
            case
                when json_type(value) = 'VARCHAR'
                then 'text'
                when json_type(value) = 'BOOLEAN'
                then 'boolean'
                when json_type(value) in ('OBJECT', 'ARRAY')
                then 'json'
                else 'number'
            end as value_type
        from members
    ),

    final as (
        select distinct
            customer_id, attribute, value, value_type, source, source_account, stream, source_record_id, observed_at
        from typed
        where trim(value) <> ''
    )

select *
from final
