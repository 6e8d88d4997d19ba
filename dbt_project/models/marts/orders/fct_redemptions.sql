-- Grain: one row per redemption or rollback.
with
    staged as (select * from {{ source("staging", "redemptions") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

    real_orders as (select order_id from {{ ref("int_order_figures") }}),

    newest as (
        {{
            last_said(
                "staged",
                "source, source_account, redemption_id",
                columns=[
                    "owner_record_id",
                    "kind",
                    "parent_redemption_id",
                    "result",
                    "source_profile_id",
                    "tracking_id",
                    "source_order_id",
                ]
                + [
                    "voucher_code",
                    "campaign_id",
                    "promotion_tier_id",
                    "channel",
                    "money_amount",
                    "points_amount",
                    "unclear_money_amount",
                    "unclear_points_amount",
                ],
                followers={
                    "failure_code": "result",
                    "order_namespace": "source_order_id",
                    "order_match_key": "source_order_id",
                },
                assumed_times={"redeemed_at": "is_redeemed_at_inferred"},
                has_assumed_currency=true,
            )
        }}
    ),

    rolled_back as (
        select distinct source, source_account, parent_redemption_id
        from newest
        where kind = 'rollback' and result = 'success' and parent_redemption_id is not null
    ),

    final as (
        select
            newest.redemption_id,
            newest.parent_redemption_id,
            owners.customer_id,
            real_orders.order_id,
            newest.source,
            newest.source_account,
            newest.kind,
            newest.result,
            newest.failure_code,
            newest.source_profile_id,
            newest.tracking_id,
            newest.source_order_id,
            newest.voucher_code,
            newest.campaign_id,
            newest.promotion_tier_id,
            newest.channel,
            newest.currency,
            -- A rollback takes back what its redemption was, money or points; where that is not known, its amount is
            -- neither.
            coalesce(
                newest.money_amount, case when parents.money_amount is not null then newest.unclear_money_amount end
            ) as money_amount,
            coalesce(
                newest.points_amount, case when parents.points_amount is not null then newest.unclear_points_amount end
            ) as points_amount,
            rolled_back.parent_redemption_id is not null as is_rolled_back,
            newest.redeemed_at
        from newest
        left join
            rolled_back
            on newest.source = rolled_back.source
            and newest.source_account = rolled_back.source_account
            and newest.redemption_id = rolled_back.parent_redemption_id
        left join
            newest as parents
            on newest.source = parents.source
            and newest.source_account = parents.source_account
            and newest.parent_redemption_id = parents.redemption_id
        left join owners on {{ is_owner("newest") }}
        left join
            order_keys
            on newest.source = order_keys.source
            and newest.source_account = order_keys.source_account
            and newest.source_order_id = order_keys.source_order_id
        left join number_uses on {{ is_number_use("newest", "newest.redeemed_at") }}
        left join real_orders on {{ named_order("newest") }} = real_orders.order_id
    )

select *
from final
