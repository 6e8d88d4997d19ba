-- Grain: one row per campaign, referrer and referred; both are people where we know them. A referral links nobody.
-- Where the vendor does not say who was referred, or by whom, what made the referral and its time distinguish several.
{% set one_of_several -%}
    case when referrer_profile_id is null or referred_profile_id is null then {{ same_content(["related_object_id", "referred_at"]) }} end
{%- endset %}
with
    staged as (select * from {{ source("staging", "referrals") }}),

    records as (select * from {{ ref("bridge_customer_records") }}),

    identifiers as (select * from {{ ref("bridge_customer_identifiers") }} where identifier_namespace = ''),

    newest as (
        {{
            last_said(
                "staged",
                "source, source_account, campaign_id, referrer_profile_id, referred_profile_id, " ~ one_of_several,
                columns=["referred_at", "related_object_id"],
                followers={"related_object_type": "related_object_id"},
                then="referred_at desc nulls last, related_object_id, related_object_type",
            )
        }}
    ),

    named as (
        select referrer_profile_id as profile_id
        from newest
        union
        select referred_profile_id as profile_id
        from newest
    ),

    -- A vendor's id may stand in several streams; they are one person nearly always, the first stream decides
    -- otherwise.
    profiles as (
        select source, source_account, source_record_id, min_by(customer_id, stream) as customer_id
        from records
        where source_record_id in (select profile_id from named)
        group by source, source_account, source_record_id
    ),

    -- Where the vendor names a person by an identifier (`email:…`) that no record is called by, its holder is meant.
    holders as (
        select concat(identifier_type, ':', identifier_value) as identifier, min(customer_id) as customer_id
        from identifiers
        where is_linking and concat(identifier_type, ':', identifier_value) in (select profile_id from named)
        group by identifier_type, identifier_value
        having count(distinct customer_id) = 1
    ),

    final as (
        select
            coalesce(referrers.customer_id, named_referrers.customer_id) as referrer_customer_id,
            coalesce(referred.customer_id, named_referred.customer_id) as referred_customer_id,
            newest.source,
            newest.source_account,
            newest.campaign_id,
            newest.referrer_profile_id,
            newest.referred_profile_id,
            newest.related_object_id,
            newest.related_object_type,
            newest.referred_at
        from newest
        left join
            profiles as referrers
            on newest.source = referrers.source
            and newest.source_account = referrers.source_account
            and newest.referrer_profile_id = referrers.source_record_id
        left join
            profiles as referred
            on newest.source = referred.source
            and newest.source_account = referred.source_account
            and newest.referred_profile_id = referred.source_record_id
        left join holders as named_referrers on newest.referrer_profile_id = named_referrers.identifier
        left join holders as named_referred on newest.referred_profile_id = named_referred.identifier
    )

select *
from final
