-- Grain: one row per review and order it is about; its overall rating on a scale from 0 to 1.
with
    staged as (select * from {{ source("staging", "reviews") }}),

    ratings as (select * from {{ source("staging", "review_ratings") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    real_orders as (select order_id from {{ ref("int_order_figures") }}),

    newest as (
        select *
        from staged
        qualify
            row_number() over (
                partition by source, source_account, review_id, source_order_id
                order by {{ newest_first(changed_at="answered_at") }}
            )
            = 1
    ),

    -- The rating marked as overall, or the only one there is.
    overall as (
        select
            source,
            source_account,
            source_file,
            source_row,
            review_id,
            count(*) as rating_count,
            coalesce(min_by(score_0_1, rating_no) filter (where is_overall), case when count(*) = 1 then max(score_0_1) end) as score_0_1,
            coalesce(min_by(method, rating_no) filter (where is_overall), case when count(*) = 1 then max(method) end) as rating_method,
            coalesce(min_by(value_raw, rating_no) filter (where is_overall), case when count(*) = 1 then max(value_raw) end) as rating_value
        from ratings
        group by source, source_account, source_file, source_row, review_id
    ),

    final as (
        select
            {{ stable_key(["newest.source", "newest.source_account", "newest.review_id", "newest.source_order_id"]) }} as review_key,
            newest.review_id,
            owners.customer_id,
            real_orders.order_id,
            newest.source,
            newest.source_account,
            newest.review_type,
            newest.source_order_id,
            newest.merchant_id,
            newest.source_profile_id,
            newest.id_type,
            newest.id_value,
            newest.source_name,
            newest.channel,
            newest.title,
            newest.comment,
            overall.rating_method,
            overall.rating_value,
            coalesce(overall.rating_count, 0) as rating_count,
            cast(overall.score_0_1 as decimal(6, 4)) as score_0_1,
            newest.reviewed_at,
            newest.answered_at
        from newest
        left join
            overall
            on newest.source = overall.source
            and newest.source_account = overall.source_account
            and newest.source_file = overall.source_file
            and newest.source_row = overall.source_row
            and newest.review_id = overall.review_id
        left join owners on {{ is_owner("newest") }}
        left join
            order_keys
            on newest.source = order_keys.source
            and newest.source_account = order_keys.source_account
            and newest.source_order_id = order_keys.source_order_id
        left join real_orders on coalesce(order_keys.order_id, {{ stable_key(["newest.order_namespace", "newest.order_match_key"]) }}) = real_orders.order_id
    )

select *
from final
