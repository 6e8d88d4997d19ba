"""Voucherify: metadata of customers by their `source_id`; one that Voucherify has not reported would make a new
customer there.

Consents cannot be written there: a no goes out as metadata.
"""

from typing import Any

from orchestration.activation.channel import Channel, Identity, Judged, OptOut, Request, Values, Verdict, as_list


def _profile(identity: Identity, values: Values) -> dict[str, Any]:
    return {"source_id": identity["source_id"], "metadata": dict(values)}


def _optout(identity: Identity, said: OptOut) -> dict[str, Any] | None:
    return {"source_id": identity["source_id"], "metadata": {f"c360_optout_{said.channel}": True}}


def _reference(answer: Any) -> str | None:
    return answer.get("async_action_id")


def _judged(action: Any) -> Judged | None:
    if action.get("status") not in ("DONE", "FAILED"):
        return None
    result = action.get("result") or {}
    errors = [*(result.get("errors") or ()), *(result.get("failed") or ())]
    failed = {error["source_id"]: str(error.get("key")) for error in errors if error.get("source_id")}
    reported = result.get("failed_count", 0) if action["status"] == "DONE" else 1
    return Judged(failed, max(0, reported - len(failed)))


def _erasure(record: Identity) -> dict[str, Any] | None:
    """Either id may stand in the path; an address that we made an id of is none."""
    if "source_id" in record:
        return {"source_id": record["source_id"]}
    return None if record["record_id"].startswith("email:") else {"id": record["record_id"]}


BULK = Request("/v1/customers/bulk/async", most_records=100_000, most_bytes=10_000_000)
CHANNEL = Channel(
    vendor="voucherify",
    title="Voucherify",
    key_sql="held.source_id",
    identity_sql="{'source_id': held.source_id}",
    several_sql="held.source_id_is_of_several",
    profiles=BULK,
    profile=_profile,
    body=as_list,
    most_names=100,
    optouts=BULK,
    optout=_optout,
    optout_body=as_list,
    verdict=Verdict(_reference, "/v1/async-actions/{}", _judged),
    erasure_hint=(
        "POST to /v1/customers/{source_id or id}/permanent-deletion, one by one: orders and events of the customer go too."
    ),
    erasure=_erasure,
)
