-- Grain: one row per version of a review and order it is about, with its overall rating.
with
    staged as (select * from {{ source("staging", "reviews") }}),

    ratings as (select * from {{ source("staging", "review_ratings") }}),

    -- The rating marked as overall, or the only one there is.
    overall as (
        select
            source,
            source_account,
            source_file,
            source_row,
            review_id,
            count(*) as rating_count,
            coalesce(
                min_by(score_0_1, rating_no) filter (where is_overall), case when count(*) = 1 then max(score_0_1) end
            ) as score_0_1,
            coalesce(
                min_by(method, rating_no) filter (where is_overall), case when count(*) = 1 then max(method) end
            ) as rating_method,
            coalesce(
                min_by(value_raw, rating_no) filter (where is_overall), case when count(*) = 1 then max(value_raw) end
            ) as rating_value
        from ratings
        group by source, source_account, source_file, source_row, review_id
    ),

    -- A version that leaves the order out is about all orders that the review was about.
    named_orders as (
        select distinct source, source_account, review_id, source_order_id as named_order_id
        from staged
        where source_order_id is not null
    ),

    final as (
        select
            staged.* replace (coalesce(staged.source_order_id, named_orders.named_order_id) as source_order_id),
            case
                when overall.review_id is not null
                then
                    struct_pack(
                        method := overall.rating_method,
                        value := overall.rating_value,
                        count := overall.rating_count,
                        score_0_1 := overall.score_0_1
                    )
            end as rating
        from staged
        left join
            named_orders
            on staged.source_order_id is null
            and staged.source = named_orders.source
            and staged.source_account = named_orders.source_account
            and staged.review_id = named_orders.review_id
        left join
            overall
            on staged.source = overall.source
            and staged.source_account = overall.source_account
            and staged.source_file = overall.source_file
            and staged.source_row = overall.source_row
            and staged.review_id = overall.review_id
    )

select *
from final
