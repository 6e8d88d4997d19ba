-- Grain: one row per review and order it is about; its overall rating on a scale from 0 to 1.
with
    staged as (select * from {{ source("staging", "reviews") }}),

    ratings as (select * from {{ source("staging", "review_ratings") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

    real_orders as (select order_id from {{ ref("int_order_figures") }}),

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

    rated as (
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
    ),

    newest as (
        {{
            last_said(
                "rated",
                "source, source_account, review_id, source_order_id",
                columns=[
                    "owner_record_id",
                    "review_type",
                    "order_namespace",
                    "order_match_key",
                    "merchant_id",
                    "source_profile_id",
                    "id_value",
                ]
                + ["source_name", "channel", "title", "comment", "answered_at", "rating"],
                followers={"id_type": "id_value"},
                changed_at="answered_at",
                assumed_times={"reviewed_at": "is_reviewed_at_inferred"},
            )
        }}
    ),

    final as (
        select
            {{ stable_key(["newest.source", "newest.source_account", "newest.review_id", "newest.source_order_id"]) }}
            as review_key,
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
            newest.rating.method as rating_method,
            newest.rating.value as rating_value,
            coalesce(newest.rating.count, 0) as rating_count,
            cast(newest.rating.score_0_1 as decimal(6, 4)) as score_0_1,
            newest.reviewed_at,
            newest.answered_at
        from newest
        left join owners on {{ is_owner("newest") }}
        left join
            order_keys
            on newest.source = order_keys.source
            and newest.source_account = order_keys.source_account
            and newest.source_order_id = order_keys.source_order_id
        left join number_uses on {{ is_number_use("newest", "newest.reviewed_at") }}
        left join real_orders on {{ named_order("newest") }} = real_orders.order_id
    )

select *
from final
