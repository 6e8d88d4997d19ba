"""Optimizely Data Platform: profiles by one identifier that ODP itself holds for the record.

One identifier only: two that belong to different profiles would merge these at ODP for good. Consent has a call of its
own.
"""

from typing import Any

from orchestration.activation.channel import Channel, Identity, OptOut, Request, Values, as_list

OPTED_OUT = {"email": "email", "sms": "phone", "phone": "phone", "whatsapp": "phone"}


def _profile(identity: Identity, values: Values) -> dict[str, Any]:
    return {"attributes": {identity["field"]: identity["value"], **values}}


def _optout(identity: Identity, said: OptOut) -> dict[str, Any] | None:
    if said.channel not in OPTED_OUT or not said.address:
        return None
    return {
        "identifier_field_name": OPTED_OUT[said.channel],
        "identifier_value": said.address,
        "consent": False,
        "consent_update_reason": f"c360:{said.said_to}",
        "consent_update_ts": int(said.said_at.timestamp()),
    }


def _erasure(record: Identity) -> dict[str, Any] | None:
    return (
        {"identifier_field_name": record["field"], "identifier_value": record["value"]} if "value" in record else None
    )


CHANNEL = Channel(
    vendor="optimizely",
    title="Optimizely Data Platform",
    key_sql="""
        case when held.customer_id is not null then 'customer_id:' || held.customer_id
             when held.vuid is not null then 'vuid:' || held.vuid
             when held.email is not null then 'email:' || held.email end
    """,
    identity_sql="""
        {
            'field': case when held.customer_id is not null then 'customer_id' when held.vuid is not null then 'vuid' else 'email' end,
            'value': coalesce(held.customer_id, held.vuid, held.email)
        }
    """,
    several_sql="""
        case when held.customer_id is not null then held.customer_id_is_of_several
             when held.vuid is not null then held.vuid_is_of_several
             else held.email_is_of_several end
    """,
    profiles=Request("/v3/profiles", most_records=500, most_bytes=5_000_000),
    profile=_profile,
    body=as_list,
    date_kind="time",
    # A name that ends in `_id` belongs to an identifier there.
    sent_names={"c360_customer_id": "c360_customer"},
    reserved_endings=("_id", "_hash", "_number", "_token", "_alias", "_address", "_key"),
    optouts=Request("/v3/consent", most_records=500, most_bytes=5_000_000),
    optout=_optout,
    optout_body=as_list,
    erasure_hint=(
        "POST each to /v3/compliance/gdpr/delete, with your own address as `requester`; GET"
        " /v3/compliance/gdpr/status/{id} tells when it is done."
    ),
    erasure=_erasure,
)
