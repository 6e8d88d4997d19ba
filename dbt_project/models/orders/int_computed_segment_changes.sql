-- Grain: one row per computed segment, customer and day on which membership began or ended.
-- Kept from night to night and never rebuilt: what held on an earlier day cannot be computed again. A day computed again
-- replaces what that day and later ones said.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        pre_hook="{% if is_incremental() %} delete from {{ this }} where as_of_date >= (select as_of_date from {{ source('internal', 'run_settings') }}) {% endif %}",
    )
}}
with
    members as (select * from {{ ref('int_computed_segment_members') }}),

    settings as (select * from {{ source('internal', 'run_settings') }}),

    aliases as (select * from {{ ref('customer_id_aliases') }}),

    -- State after the last day before this one; people who became one are one here too.
    known as (
        {% if is_incremental() -%}
        select changes.segment_id, coalesce(aliases.customer_id, changes.customer_id) as customer_id, max_by(changes.is_member, changes.as_of_date) as is_member
        from {{ this }} as changes
        left join aliases on changes.customer_id = aliases.alias_id
        group by 1, 2
        {%- else -%}
        select segment_id, customer_id, true as is_member
        from members
        where false
        {%- endif %}
    ),

    final as (
        select
            coalesce(members.segment_id, known.segment_id) as segment_id,
            coalesce(members.customer_id, known.customer_id) as customer_id,
            members.customer_id is not null as is_member,
            settings.as_of_date
        from members
        full outer join known on members.segment_id = known.segment_id and members.customer_id = known.customer_id
        cross join settings
        where (members.customer_id is not null) <> coalesce(known.is_member, false)
    )

select *
from final
