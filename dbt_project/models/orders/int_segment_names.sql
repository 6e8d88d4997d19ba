-- Grain: one row per vendor account and segment that is defined or claimed, with its newest name and its kind.
-- A tag or tier may bear the name of a list: they are different segments, hence `segment_family`.
with
    definitions as (select * from {{ source("staging", "segments") }}),

    memberships as (select * from {{ source("staging", "segment_memberships") }}),

    named as (
        select
            source,
            source_account,
            segment_id,
            {{ segment_family("kind") }} as segment_family,
            kind,
            name as segment_name,
            definition,
            reported_members,
            created_at,
            row(2, {{ newest(changed_at=none) }}) as recency
        from definitions
        union all
        select
            source,
            source_account,
            segment_id,
            {{ segment_family("kind") }} as segment_family,
            kind,
            max_by(segment_name, export_date) filter (where segment_name is not null) as segment_name,
            null as definition,
            null as reported_members,
            null as created_at,
            row(1, row(max(export_date), kind, 0)) as recency
        from memberships
        where segment_id is not null
        group by source, source_account, segment_id, kind
    ),

    final as (
        select
            source,
            source_account,
            segment_family,
            segment_id,
            coalesce(max_by(segment_name, recency) filter (where segment_name is not null), segment_id) as segment_name,
            coalesce(max_by(kind, recency) filter (where kind is not null), 'dynamic_segment') as segment_kind,
            max_by(cast(definition as varchar), recency) filter (where definition is not null) as definition,
            max_by(reported_members, recency) filter (where reported_members is not null) as reported_members,
            min(created_at) as created_at
        from named
        group by source, source_account, segment_family, segment_id
    )

select *
from final
