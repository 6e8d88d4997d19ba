"""Ometria: contacts in a collection of our own, which overwrite no listing of the shop and join its profile by customer
id and e-mail.

Nothing but properties is sent: a name of ours would beat the shop's.
"""

from typing import Any

from orchestration.activation.channel import Channel, Identity, OptOut, Request, Values, as_list, moment
from orchestration.canonical.given_back import OURS


def _contact(identity: Identity) -> dict[str, Any]:
    joined = {name: identity[name] for name in ("customer_id", "email") if identity.get(name)}
    return {"@type": "contact", "@collection": OURS, "id": identity["id"], **joined}


def _profile(identity: Identity, values: Values) -> dict[str, Any]:
    return {**_contact(identity), "properties": dict(values)}


def _optout(identity: Identity, said: OptOut) -> dict[str, Any] | None:
    """Never forced: a forced word of ours could not be taken back."""
    if said.channel != "email" or not identity.get("email"):
        return None
    return {
        **_contact(identity),
        "marketing_optin": "EXPLICITLY_OPTEDOUT",
        "timestamp_unsubscribed": moment(said.said_at),
    }


def _refused(answer: Any) -> int | None:
    rejected = answer.get("rejected") if isinstance(answer, dict) and answer.get("status") == "OK" else None
    return rejected if isinstance(rejected, int) else None


def _erasure(record: Identity) -> dict[str, Any] | None:
    return {"email": record["email"]} if "email" in record else None


PUSH = Request("/v2/push", most_records=100, most_bytes=6_000_000, record_bytes=60_000)
CHANNEL = Channel(
    vendor="ometria",
    title="Ometria",
    key_sql="case when held.customer_id is not null or held.email is not null then held.alias_id end",
    identity_sql="{'id': held.alias_id, 'customer_id': held.customer_id, 'email': held.email}",
    several_sql="case when held.customer_id is not null then held.customer_id_is_of_several else held.email_is_of_several end",
    profiles=PUSH,
    profile=_profile,
    body=as_list,
    time_kind="date",
    most_names=100,
    optouts=PUSH,
    optout=_optout,
    optout_body=as_list,
    refused=_refused,
    erasure_hint="POST each to /v2/data-deletion-requests, at most 6 a minute; it is done within 14 days.",
    erasure=_erasure,
)
