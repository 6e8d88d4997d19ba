-- Grain: one row per review and order it is about; its overall rating on a scale from 0 to 1.
with
    rated as (select * from {{ ref("int_rated_reviews") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

    real_orders as (select order_id from {{ ref("int_order_figures") }}),

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
