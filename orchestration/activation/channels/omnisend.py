"""Omnisend: contacts by the spelling of the e-mail address that Omnisend holds, and our segments as tags added and
removed.

No consent is ever part of a contact: `channels` and `consent` are left out, and no welcome message is asked for.
"""

from collections.abc import Iterable
from typing import Any

from orchestration.activation.channel import (
    Channel,
    Identity,
    Judged,
    OptOut,
    Request,
    Values,
    Verdict,
    moment,
    without_segments,
)
from orchestration.canonical.given_back import PREFIX


def _address(identity: Identity) -> dict[str, Any]:
    return {"type": "email", "id": identity["email"]}


def _profile(identity: Identity, values: Values) -> dict[str, Any]:
    return {
        "identifiers": [_address(identity)],
        "customProperties": without_segments(values),
        "sendWelcomeMessage": False,
    }


def _optout(identity: Identity, said: OptOut) -> dict[str, Any] | None:
    if said.channel != "email":
        return None
    no = {"email": {"status": "unsubscribed", "statusChangedAt": moment(said.said_at)}}
    return {"identifiers": [{**_address(identity), "channels": no}], "sendWelcomeMessage": False}


def batch(records: list[dict[str, Any]]) -> Any:
    """A batch of contacts."""
    return {"method": "POST", "endpoint": "contacts", "items": records}


def _tagged(slug: str, identities: Iterable[Identity]) -> Any:
    return {"emails": [identity["email"] for identity in identities], "tags": [f"{PREFIX}{slug}"]}


def _reference(answer: Any) -> str | None:
    return answer.get("batchID")


def _judged(found: Any) -> Judged | None:
    if found.get("status") not in ("finished", "stopped"):
        return None
    failed = {}
    for error in found.get("errors") or ():
        identifiers = (error.get("request") or {}).get("identifiers") or [{}]
        if address := identifiers[0].get("id"):
            failed[f"email:{address}"] = str(error.get("responseCode"))
    undone = found.get("totalCount", 0) - found.get("finishedCount", 0) if found["status"] == "stopped" else 0
    return Judged(failed, max(0, found.get("errorsCount", 0) + undone - len(failed)))


BATCHES = Request("/batches", most_records=100, most_bytes=5_000_000)
CHANNEL = Channel(
    vendor="omnisend",
    title="Omnisend",
    key_sql="'email:' || held.email",
    identity_sql="{'email': held.email}",
    several_sql="held.email_is_of_several",
    profiles=BATCHES,
    profile=_profile,
    body=batch,
    time_kind="date",
    most_tags=100,
    tags=Request("/contacts/tags", most_records=250, most_bytes=5_000_000, per_second=1),
    tag_body=_tagged,
    optouts=BATCHES,
    optout=_optout,
    optout_body=batch,
    verdict=Verdict(_reference, "/batches/{}", _judged),
    erasure_hint="Contacts are deleted in the interface only.",
)
