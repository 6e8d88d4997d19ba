-- Grain: one row per set of identifiers (contact) that only outdated versions of orders, or of events that report one,
-- carry: the newest version names somebody else, so what the older one linked counts no more.
{% set mentions = mentioning_tables() %}
with
    outdated as (select * from {{ ref("int_outdated_buyers") }}),

    candidates as (
        select source, source_account, owner_record_id from outdated where owner_record_id like 'derived:%' group by all
    ),

    mentioned as (
        {% for table in mentions -%}
            select mentions.source, mentions.source_account, mentions.owner_record_id
            from {{ source("staging", table) }} as mentions
            inner join
                candidates
                on mentions.source = candidates.source
                and mentions.source_account = candidates.source_account
                and mentions.owner_record_id = candidates.owner_record_id
            left join
                outdated on mentions.source_file = outdated.source_file and mentions.source_row = outdated.source_row
            where outdated.source_file is null
            {%- if not loop.last %}

                union

            {% endif -%}
        {% endfor %}
    ),

    final as (
        select candidates.source, candidates.source_account, candidates.owner_record_id
        from candidates
        left join
            mentioned
            on candidates.source = mentioned.source
            and candidates.source_account = mentioned.source_account
            and candidates.owner_record_id = mentioned.owner_record_id
        where mentioned.owner_record_id is null
    )

select *
from final
