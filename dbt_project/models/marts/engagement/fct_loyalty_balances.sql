-- Grain: one row per loyalty account, as last observed. A programme that the newest list of the profile no longer
-- names, and a profile that the vendor has deleted, hold nothing any more.
with
    staged as (select * from {{ source("staging", "loyalty_accounts") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    deletions as (select * from {{ ref("int_owner_deletions") }}),

    -- When a record ceased to name a programme, if it did.
    programmes_left as (
        select customer_id, source, source_account, segment_id, claimant, max(observed_at) as left_at
        from {{ ref("int_segment_statements") }}
        where segment_family = 'loyalty_campaign'
        group by customer_id, source, source_account, segment_id, claimant
        having max(observed_at) filter (where not is_member) > max(observed_at) filter (where is_member)
    ),

    newest as (
        {{
            last_said(
                "staged",
                "source, source_account, account_id, balance_type",
                columns=[
                    "owner_record_id",
                    "source_profile_id",
                    "program_id",
                    "balance",
                    "pending",
                    "expiring",
                    "tier_id",
                    "referred_customers",
                ]
                + ["currency"],
                followers={"program_name": "program_id", "tier_name": "tier_id", "expires_at": "expiring"},
                then="balance desc nulls last, tier_id, expires_at, pending, expiring, owner_record_id",
            )
        }}
    ),

    ended as (
        select
            newest.*,
            owners.customer_id,
            least(programmes_left.left_at, cast(deletions.deleted_on as timestamptz)) as ended_at
        from newest
        left join owners on {{ is_owner("newest") }}
        left join
            programmes_left
            on owners.customer_id = programmes_left.customer_id
            and newest.source = programmes_left.source
            and newest.source_account = programmes_left.source_account
            and newest.program_id = programmes_left.segment_id
            and programmes_left.claimant = {{ stable_key(["'list'", "newest.stream", "newest.owner_record_id"]) }}
        left join
            deletions
            on newest.source = deletions.source
            and newest.source_account = deletions.source_account
            and newest.owner_record_id = deletions.owner_record_id
            and case when newest.owner_record_id like 'derived:%' then 'derived' else newest.stream end
            = deletions.stream_key
            and newest.export_date < deletions.rows_end_before
    ),

    final as (
        select
            account_id,
            customer_id,
            source,
            source_account,
            source_profile_id,
            program_id,
            program_name,
            balance_type,
            tier_id,
            tier_name,
            currency,
            {% for amount in ["balance", "pending", "expiring"] -%}
                case when ended_at is null or {{ amount }} is null then {{ amount }} else 0 end as {{ amount }},
            {% endfor -%}
            balance as last_reported_balance,
            referred_customers,
            export_date as observed_date,
            expires_at,
            ended_at
        from ended
    )

select *
from final
