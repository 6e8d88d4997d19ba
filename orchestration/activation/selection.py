"""Which people a target may be sent, and with what values: queries over the published warehouse, attached as `warehouse`.

One row per record that the vendor itself delivered, known by what the vendor knows it by. Nothing is decided here but
what SQL knows best.
"""

from orchestration.activation.catalogue import VALUES
from orchestration.activation.channel import Channel
from orchestration.activation.targets import EVERY_SEGMENT

# What each vendor knows a record by: everybody with the same value is reached by it too.
# What the vendor holds of us, or, where nobody knows what became of it, perhaps holds: as Python and as SQL.
HELD = ("held", "unsure")
KNOWN_BY = ("customer_id", "vuid", "email", "source_id", "identifier")
# Everything the vendor holds of its records, by their newest observation, exactly as it was delivered.
_HELD = """
create or replace table held as
with
    observed as (
        select source_record_id, stream, id_type, id_namespace, id_link_value, id_value_raw, is_valid, is_primary, source_path
        from warehouse.staging.customer_identifiers
        where source = $source and source_account = $account and owner_record_id = source_record_id
        qualify export_date = max(export_date) over (partition by stream, source_record_id)
    ),

    -- In every spelling: an address with dots is the one without them.
    shared as (
        select distinct reported.id_type, reported.id_namespace, reported.id_link_value
        from warehouse.meta.shared_identifiers as known
        inner join
            warehouse.staging.customer_identifiers as reported
            on known.identifier_type = reported.id_type
            and known.identifier_namespace = reported.id_namespace
            and known.identifier_value = reported.id_value
        where reported.id_link_value is not null
    ),

    marked as (
        select observed.*, shared.id_link_value is not null as is_shared
        from observed
        left join
            shared
            on observed.id_type = shared.id_type
            and observed.id_namespace = shared.id_namespace
            and observed.id_link_value = shared.id_link_value
        where observed.is_valid
    ),

    identified as (
        select
            source_record_id,
            stream,
            first(id_value_raw order by is_primary desc nulls last, id_value_raw) filter (id_type = 'email') as email,
            first(id_value_raw order by is_primary desc nulls last, id_value_raw) filter (id_type = 'phone') as phone,
            first(id_value_raw order by is_primary desc nulls last, id_value_raw) filter (id_type = 'customer_id') as customer_id,
            first(id_value_raw order by is_primary desc nulls last, id_value_raw) filter (id_type = 'vuid') as vuid,
            -- The shop's id of a customer, also where it is an address.
            first(id_value_raw order by id_value_raw) filter (source_path = 'source_id') as source_id,
            -- An `external_id` is reported as a customer id too: either word is theirs. A word of their own is not kept as
            -- it was spelt, and another spelling would be another customer.
            first(
                {{
                    'type': case when id_type = 'customer_id' then 'external_id' else id_type end, 'value': id_value_raw
                }} order by id_type = 'customer_id', id_type, id_value_raw
            ) filter (source_path like '%identifier.value' and (id_type <> 'custom' or id_namespace like '%:custom')) as identifier,
            list(id_value_raw) filter (is_shared) as shared
        from marked
        group by source_record_id, stream
    ),

    records as (
        select bridge.source_record_id, bridge.alias_id, bridge.customer_id as person_id,
            identified.* exclude (source_record_id, identifier),
            identified.identifier.type as identifier_type, identified.identifier.value as identifier_value,
            identified.identifier.type || ':' || identified.identifier.value as identifier
        from warehouse.marts.bridge_customer_records as bridge
        inner join warehouse.marts.dim_customers as customer on bridge.customer_id = customer.customer_id
        left join identified on bridge.stream = identified.stream and bridge.source_record_id = identified.source_record_id
        where bridge.source = $source and bridge.source_account = $account
            and not bridge.is_derived and not bridge.is_deleted and not customer.is_deleted
    ),

    distinguished as (select *, {standing} from records),

    keyed as (
        select
            held.person_id,
            held.alias_id,
            held.source_record_id,
            held.email,
            held.phone,
            held.shared,
            {key} as key,
            {identity} as identity,
            coalesce({several}, false) as is_of_several
        from distinguished as held
    ),

    final as (
        select *
        from keyed
        qualify key is null or is_of_several or row_number() over (partition by key order by alias_id) = 1
    )

select * from final
"""
_STANDING = """
            {name} is not null and min(person_id) over (partition by lower({name})) <> max(person_id) over (partition by lower({name}))
            as {name}_is_of_several"""
_CANDIDATES = """
with
    reachable as (select customer_id, is_allowed from warehouse.marts.customer_contactability where channel = $channel),

    -- A no to every purpose is one to service too, whoever said it at the address.
    refusing as (
        select distinct customer_id
        from warehouse.internal.int_channel_refusals
        where purpose = 'all' and $channel in (channel, 'all')
    ),

    -- A record that the vendor knows by another key today still holds what was written to it under the key of then.
    moved as (
        select held.key, state.status, state.identity, state.vals
        from held
        inner join state on held.alias_id = state.alias_id and held.key <> state.key
        where state.kind = 'profile' and state.status in {held}
            and held.key not in (select key from state where kind = 'profile' and status in {held})
        qualify row_number() over (partition by held.key order by state.key) = 1
    ),

    memberships as (
        select customer_id, list(distinct segment_id) as segments
        from warehouse.marts.fct_segment_memberships
        where is_current and claimed_by = 'warehouse' and list_contains($segments, segment_id)
        group by customer_id
    )

select
    held.key, held.person_id, held.alias_id, held.identity, held.shared, held.is_of_several, coalesce(reachable.is_allowed, false) as is_allowed,
    refusing.customer_id is not null as is_refusing, coalesce(moved.status, state.status) as status,
    coalesce(moved.identity, state.identity) as identity_before, coalesce(moved.vals, state.vals) as values_before,
    memberships.segments, {values}
from held
inner join warehouse.marts.dim_customers as customer on held.person_id = customer.customer_id
left join warehouse.marts.customer_insights as insight on held.person_id = insight.customer_id
left join reachable on held.person_id = reachable.customer_id
left join memberships on held.person_id = memberships.customer_id
left join refusing on held.person_id = refusing.customer_id
left join state on held.key = state.key and state.kind = 'profile'
left join moved on held.key = moved.key
order by held.key, held.alias_id
"""
GONE = f"""
select key, customer_id, alias_id, identity, vals from state
where kind = 'profile' and status in {HELD} and key not in (select key from held where key is not null)
order by key
"""
# What is to be told to this account: a no on a channel that holds, to somebody of whom the account last said yes. Of
# what was said elsewhere (at another vendor, or another account of this one) with a time of its own the last no counts,
# unless the no that holds is another one, without such a time, and a stated yes came after the one with a time.
# A no that somebody else said at the address has no time here.
OPTED_OUT = """
with
    refused as (
        select customer_id, channel, effective_at, reason is not distinct from 'no_at_address' as is_of_another
        from warehouse.marts.customer_contactability
        where (status = 'opt_out' or is_of_another) and channel <> 'all'
    ),

    statements as (
        select
            refused.customer_id, refused.channel, refused.effective_at as refused_at, refused.is_of_another,
            consent.status, consent.source, consent.effective_at,
            not coalesce(consent.is_effective_at_inferred, false) as is_stated,
            consent.source = $source and consent.source_account = $account as is_theirs
        from refused
        inner join warehouse.marts.fct_consents as consent
            on refused.customer_id = consent.customer_id and consent.channel in (refused.channel, 'all')
            and consent.purpose in ('marketing', 'all') and consent.status <> 'unknown'
    ),

    said as (
        select
            customer_id,
            channel,
            max_by(source, row(effective_at, source)) filter (status = 'opt_out' and is_stated and not is_theirs) as said_to,
            max(effective_at) filter (status = 'opt_out' and is_stated and not is_theirs and not is_of_another) as said_at
        from statements
        group by customer_id, channel, refused_at, is_of_another
        having
            max_by(status, row(effective_at, status = 'opt_out')) filter (is_theirs) = 'opt_in'
            and (is_of_another or said_at is not null)
            and (said_at = refused_at or not coalesce(max(effective_at) filter (status = 'opt_in' and is_stated) > said_at, false))
    )

select
    held.key || ' ' || said.channel as key, held.person_id, held.alias_id, held.identity, said.channel, said.said_to, said.said_at,
    case when said.channel = 'email' then held.email else held.phone end as address, held.shared, held.is_of_several,
    state.vals as values_before
from said
inner join held on said.customer_id = held.person_id
left join state on state.kind = 'optout' and state.key = held.key || ' ' || said.channel
order by held.key, held.alias_id, said.channel
"""
SEGMENTS = "select segment_id from warehouse.marts.dim_segments where source = 'warehouse' order by segment_id"
PUBLISHED = "select max_by(run_id, started_at), max_by(as_of_date, started_at) from warehouse.meta.runs where published"


def held(channel: Channel) -> str:
    """The statement that makes the table `held`: the vendor's records by the key it knows them by."""
    return _HELD.format(
        key=channel.key_sql,
        identity=channel.identity_sql,
        several=channel.several_sql,
        standing=",".join(_STANDING.format(name=name) for name in KNOWN_BY),
    )


def candidates(values: tuple[str, ...]) -> str:
    """The query for all records with what was written before, whether they may be reached, and the values, in this
    order."""
    return _CANDIDATES.format(
        held=HELD, values=", ".join(f"{VALUES[name].sql} as {name}" for name in values) or "null as nothing"
    )


def wanted_segments(configured: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """The segments of a target by their ids."""
    return tuple(known) if EVERY_SEGMENT in configured else configured
