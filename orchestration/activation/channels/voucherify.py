"""Voucherify: metadata of customers by their `source_id`; one that Voucherify has not told us would make a new customer there.

Consents cannot be written there: a no goes out as metadata.
"""

from typing import Any

from orchestration.activation.channel import Channel, Identity, OptOut, Request, Values, as_list


def _profile(identity: Identity, values: Values) -> dict[str, Any]:
    return {"source_id": identity["source_id"], "metadata": dict(values)}


def _optout(identity: Identity, said: OptOut) -> dict[str, Any] | None:
    return {"source_id": identity["source_id"], "metadata": {f"c360_optout_{said.channel}": True}}


BULK = Request("/v1/customers/bulk/async", most_records=100_000, most_bytes=10_000_000)
CHANNEL = Channel(
    vendor="voucherify",
    title="Voucherify",
    key_sql="held.customer_id",
    identity_sql="{'source_id': held.customer_id}",
    profiles=BULK,
    profile=_profile,
    body=as_list,
    optouts=BULK,
    optout=_optout,
    optout_body=as_list,
)
