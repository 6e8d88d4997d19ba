-- Grain: one row per customer and name of a segment on which a vendor and this warehouse disagree today.
-- Segments are compared by name, which is how an analyst says that a computed segment means the vendor's.
{{ config(materialized="view") }}
with
    memberships as (select * from {{ ref("fct_segment_memberships") }}),

    segments as (select * from {{ ref("dim_segments") }}),

    paired as (
        select
            lower(trim(ours.segment_name)) as segment_name_key,
            ours.segment_id as computed_segment_id,
            theirs.source,
            theirs.source_account,
            theirs.segment_kind,
            theirs.segment_id
        from segments as ours
        inner join
            segments as theirs
            on lower(trim(ours.segment_name)) = lower(trim(theirs.segment_name))
            and theirs.source <> 'warehouse'
        where ours.source = 'warehouse'
    ),

    claims as (
        select
            paired.segment_name_key,
            paired.computed_segment_id,
            paired.source,
            paired.source_account,
            paired.segment_id,
            memberships.customer_id,
            'warehouse' as claimed_by
        from paired
        inner join
            memberships on memberships.source = 'warehouse' and paired.computed_segment_id = memberships.segment_id
        where memberships.is_current
        union all
        select
            paired.segment_name_key,
            paired.computed_segment_id,
            paired.source,
            paired.source_account,
            paired.segment_id,
            memberships.customer_id,
            'vendor' as claimed_by
        from paired
        inner join
            memberships
            on paired.source = memberships.source
            and paired.source_account = memberships.source_account
            and paired.segment_kind = memberships.segment_kind
            and paired.segment_id = memberships.segment_id
        where memberships.is_current
    ),

    final as (
        select
            customer_id,
            segment_name_key as segment_name,
            source,
            source_account,
            segment_id,
            computed_segment_id,
            bool_or(claimed_by = 'vendor') as is_claimed_by_vendor,
            bool_or(claimed_by = 'warehouse') as is_claimed_by_warehouse
        from claims
        group by customer_id, segment_name_key, source, source_account, segment_id, computed_segment_id
        having not (bool_or(claimed_by = 'vendor') and bool_or(claimed_by = 'warehouse'))
    )

select *
from final
