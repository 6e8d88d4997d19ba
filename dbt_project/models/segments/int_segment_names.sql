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
            row(2, {{ newest() }}) as recency
        from definitions
        union all
        select
            source,
            source_account,
            segment_id,
            {{ segment_family("kind") }} as segment_family,
            kind,
            segment_name,
            null as definition,
            null as reported_members,
            null as created_at,
            row(1, {{ newest() }}) as recency
        from memberships
        where segment_id is not null
        -- Of every name the newest mention: a name is reported with each of its members.
        qualify
            row_number() over (
                partition by source, source_account, segment_id, kind, segment_name order by {{ newest_first() }}
            )
            = 1
    ),

    final as (
        select
            source,
            source_account,
            segment_family,
            segment_id,
            coalesce(
                max_by(segment_name, row(recency, segment_name)) filter (where segment_name is not null), segment_id
            ) as segment_name,
            coalesce(
                max_by(kind, row(recency, kind)) filter (where kind is not null), 'dynamic_segment'
            ) as segment_kind,
            max_by(cast(definition as varchar), row(recency, cast(definition as varchar))) filter (
                where definition is not null
            ) as definition,
            max_by(reported_members, row(recency, reported_members)) filter (
                where reported_members is not null
            ) as reported_members,
            min(created_at) as created_at
        from named
        group by source, source_account, segment_family, segment_id
    )

select *
from final
