-- Grain: one row per segment, list, tag or tier of a vendor account, and per segment computed here.
with
    names as (select * from {{ ref("int_segment_names") }}),

    memberships as (select * from {{ ref("fct_segment_memberships") }}),

    computed as (select * from {{ ref("computed_segments") }}),

    segments as (
        select source, source_account, segment_kind, segment_id, segment_name, definition, reported_members, created_at
        from names
        union all
        select
            'warehouse' as source,
            'default' as source_account,
            'computed' as segment_kind,
            segment_id,
            name as segment_name,
            predicate as definition,
            null as reported_members,
            null as created_at
        from computed
    ),

    members as (
        select
            source,
            source_account,
            segment_kind,
            segment_id,
            count(distinct customer_id) filter (where is_current) as member_count,
            count(distinct customer_id) as ever_member_count
        from memberships
        group by source, source_account, segment_kind, segment_id
    ),

    final as (
        select
            segments.source,
            segments.source_account,
            segments.segment_id,
            segments.segment_name,
            segments.segment_kind,
            segments.definition,
            segments.reported_members as reported_member_count,
            coalesce(members.member_count, 0) as member_count,
            coalesce(members.ever_member_count, 0) as ever_member_count,
            segments.created_at
        from segments
        left join
            members
            on segments.source = members.source
            and segments.source_account = members.source_account
            and segments.segment_kind = members.segment_kind
            and segments.segment_id = members.segment_id
    )

select *
from final
