-- Grain: one row per id ever possible, and per id ever published: the person it means today. An id of a record that is
-- gone means the person that holds most of the records its person had; where nobody holds any, it is retired.
with
    records as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    issued as (select * from {{ source("internal", "issued_ids") }}),

    run_settings as (select * from {{ source("internal", "run_settings") }}),

    gone as (
        select issued.*
        from issued
        left join records on issued.alias_id = records.alias_id
        where records.alias_id is null
    ),

    successors as (
        select issued.customer_id as former_id, records.customer_id, count(*) as record_count
        from issued
        inner join records on issued.alias_id = records.alias_id
        where issued.customer_id in (select customer_id from gone)
        group by issued.customer_id, records.customer_id
    ),

    chosen as (
        select former_id, customer_id
        from successors
        qualify row_number() over (partition by former_id order by record_count desc, customer_id) = 1
    ),

    final as (
        select alias_id, customer_id, cast(null as timestamptz) as retired_at
        from records

        union all

        select
            gone.alias_id,
            chosen.customer_id,
            case
                when chosen.customer_id is null
                then coalesce(gone.retired_at, cast(run_settings.as_of_date as timestamptz))
            end as retired_at
        from gone
        cross join run_settings
        left join chosen on gone.customer_id = chosen.former_id
    )

select *
from final
