-- Grain: one row per vendor record and figure the vendor reports of it, beside ours, with a verdict. match: ours by our
-- definition, or nothing on both sides. explained: ours by theirs. inconsistent_at_source: their figures contradict
-- each other. stale: theirs was true before orders changed, or of the day before. not_comparable: no definition, no
-- person, no readable value, or nothing of the kind delivered. Orders after the vendor's export date are compared with
-- nothing. Of a person with several profiles at the vendor, a profile is compared with what was reported as its own.
{% set states = ["", "_at_day_end", "_at_export", "_day_before"] %}
with
    joined as (select * from {{ ref("int_stat_pairs") }}),

    compared as (
        select
            *,
            -- Figures too large to subtract are not equal. Of somebody without orders they say 0 where ours has no
            -- value.
            vendor_value = 0
            and compares_with = 'orders'
            and published_value is null
            and defined_value is null as is_nothing,
            case
                when vendor_time is not null
                then abs({{ seconds_between("vendor_time", "published_time") }}) <= tolerance
                else
                    not is_other_currency
                    and not is_mixed_currency
                    and try(abs(vendor_value - published_value) <= tolerance)
            end as is_match,
            {% for suffix in states -%}
                case
                    when vendor_time is not null
                    then abs({{ seconds_between("vendor_time", "defined_time" ~ suffix) }}) <= tolerance
                    else
                        not is_mixed_currency
                        and try(
                            abs(
                                vendor_value
                                - coalesce(defined_value{{ suffix }}, case when vendor_value = 0 then 0 end)
                            )
                            <= tolerance
                        )
                end as is_explained{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from joined
    ),

    judged as (
        select
            *,
            case
                when is_comparable and is_nothing
                then 'nothing on both sides'
                when is_comparable and compares_with is not null and coalesce(is_match, false)
                then 'equal by our definition'
                when is_contradicted
                then 'figures of the vendor contradict each other'
                when compares_with is null
                then 'no definition is known'
                when customer_id is null
                then 'belongs to nobody we know'
                when vendor_value is null and vendor_time is null
                then 'no value could be read'
                when not is_comparable
                then 'nothing to compare with was delivered'
                when is_mixed_currency
                then 'orders are in another currency'
                when coalesce(is_explained, false)
                then 'equal by their definition'
                when coalesce(is_explained_at_day_end, false)
                then 'orders have changed since the export'
                when coalesce(is_explained_at_export, false)
                then 'without the day of the export'
                when coalesce(is_explained_day_before, false)
                then 'without the day of the export and the one before'
                else 'differs'
            end as verdict_reason
        from compared
    ),

    verdicts(verdict_reason, verdict) as (
        values
            ('nothing on both sides', 'match'),
            ('equal by our definition', 'match'),
            ('figures of the vendor contradict each other', 'inconsistent_at_source'),
            ('no definition is known', 'not_comparable'),
            ('belongs to nobody we know', 'not_comparable'),
            ('no value could be read', 'not_comparable'),
            ('nothing to compare with was delivered', 'not_comparable'),
            ('orders are in another currency', 'not_comparable'),
            ('equal by their definition', 'explained'),
            ('orders have changed since the export', 'stale'),
            ('without the day of the export', 'stale'),
            ('without the day of the export and the one before', 'stale'),
            ('differs', 'mismatch')
    ),

    final as (
        select
            judged.source,
            judged.source_account,
            judged.stream,
            judged.source_record_id,
            judged.customer_id,
            judged.metric,
            coalesce(judged.definition_id, judged.metric) as definition_id,
            judged.unit,
            judged.currency,
            verdicts.verdict,
            judged.verdict_reason,
            judged.vendor_value,
            cast(
                coalesce(
                    case when not judged.is_other_currency then judged.published_value end,
                    case when not judged.is_mixed_currency then judged.defined_value end
                ) as decimal(38, 6)
            ) as our_value,
            cast(
                case when not judged.is_mixed_currency then judged.defined_value end as decimal(38, 6)
            ) as our_value_by_their_definition,
            judged.vendor_time,
            judged.published_time as our_time,
            judged.defined_time as our_time_by_their_definition,
            judged.export_date as observed_date
        from judged
        inner join verdicts on judged.verdict_reason = verdicts.verdict_reason
    )

select *
from final
