"""Open Delivery: customers by the identifier exactly as it was received, in the dialect that the configuration names.

What is ours stands under the one key `c360` of the metadata: whether a host merges or replaces the object is not
specified.
"""

from typing import Any

from orchestration.activation.channel import (
    Channel,
    Identity,
    OptOut,
    Request,
    Values,
    as_list,
    moment,
    segments_among,
    without_segments,
)
from orchestration.canonical.given_back import OURS, PREFIX


def _identified(identity: Identity) -> dict[str, Any]:
    return {"identifier": {"type": identity["type"], "value": identity["value"]}}


def _profile(identity: Identity, values: Values) -> dict[str, Any]:
    ours = {name.removeprefix(PREFIX): value for name, value in without_segments(values).items()}
    if len(ours) < len(values):
        ours["segments"] = sorted(segments_among(values))
    return {**_identified(identity), "metadata": {OURS: ours}}


def _optout(identity: Identity, said: OptOut) -> dict[str, Any] | None:
    consent = {
        "purpose": "marketing",
        "channel": said.channel,
        "status": "revoked",
        "source": "c360",
        "revokedAt": moment(said.said_at),
    }
    return {**_identified(identity), "consents": [consent]}


def _refused(answer: Any) -> int | None:
    """The draft answers with a status alone."""
    is_accepted = answer is None or (isinstance(answer, dict) and answer.get("status", "ACCEPTED") == "ACCEPTED")
    return 0 if is_accepted else None


def items(records: list[dict[str, Any]]) -> Any:
    """The body of 2.0.0-rc.2; the draft before it takes the bare list."""
    return {"items": records}


CUSTOMERS = Request("/customers", most_records=100, most_bytes=1024 * 1024)
CHANNEL = Channel(
    vendor="open_delivery",
    title="Open Delivery",
    key_sql="held.identifier",
    identity_sql="{'type': held.identifier_type, 'value': held.identifier_value}",
    several_sql="held.identifier_is_of_several",
    profiles=CUSTOMERS,
    profile=_profile,
    body=items,
    sent_names={"c360_customer_id": "c360_customer"},
    dialects={"rc2": items, "draft": as_list},
    optouts=CUSTOMERS,
    optout=_optout,
    optout_body=items,
    refused=_refused,
    erasure_hint="No erasure is defined: ask the counterpart by hand.",
)
