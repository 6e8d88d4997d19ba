-- Grain: one row per segment, list, tag or tier of a vendor account, and per segment computed here.
with
    names as (select * from {{ ref("int_segment_names") }}),

    memberships as (select * from {{ ref("fct_segment_memberships") }}),

    members as (
        select
            source,
            source_account,
            segment_kind,
            segment_id,
            any_value(segment_name) as segment_name,
            count(distinct customer_id) filter (where is_current) as member_count,
            count(distinct customer_id) as ever_member_count
        from memberships
        group by source, source_account, segment_kind, segment_id
    ),

    final as (
        select
            coalesce(names.source, members.source) as source,
            coalesce(names.source_account, members.source_account) as source_account,
            coalesce(names.segment_id, members.segment_id) as segment_id,
            coalesce(names.segment_name, members.segment_name) as segment_name,
            coalesce(names.segment_kind, members.segment_kind) as segment_kind,
            names.definition,
            names.reported_members as reported_member_count,
            coalesce(members.member_count, 0) as member_count,
            coalesce(members.ever_member_count, 0) as ever_member_count,
            names.created_at
        from names
        full outer join
            members
            on names.source = members.source
            and names.source_account = members.source_account
            and names.segment_kind = members.segment_kind
            and names.segment_id = members.segment_id
    )

select *
from final
