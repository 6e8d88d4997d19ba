"""Leads: people who have shown interest, known by one contact."""

from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    given,
    phone_number,
    raw,
)
from orchestration.mapping.model import ANY_WORD, Dialect, dialect
from orchestration.mapping.record_schema import EXTRA, JSON, TEXT
from orchestration.mapping.selects import (
    Contact,
    Identifier,
    IssueRule,
    RejectRule,
    rows,
    unknown_word,
)
from orchestration.mapping.values import time
from orchestration.parsing.text import clean
from orchestration.vendors.open_delivery.identifiers import (
    CONTACT_TYPES,
    EXTERNAL_ID,
    contact_kind,
    customer_reference,
    external_ids,
    nothing,
)

# -- leads -------------------------------------------------------------------------------------------------------------


def _lead(
    dialect_name: str,
    shape: dict[str, Any],
    kind: pl.Expr,
    value: pl.Expr,
    path: str,
    *more: Identifier,
    has: tuple[str, ...] = (),
    issue_rules: tuple[IssueRule, ...] = (),
    **columns: Any,
) -> Dialect:
    normalised = (
        pl.when(kind == "email").then(email_address(value))
        .when(kind == "phone").then(phone_number(value))
    )  # fmt: skip
    return dialect(
        dialect_name,
        "lead",
        shape,
        rows("leads", contact_type=kind, contact_value=pl.coalesce(normalised, clean(value)), **columns),
        about=Contact(
            identifiers=(Identifier(pl.when(kind.is_in(["email", "phone"])).then(kind), value, path), *more),
            attributes={"full_name": columns["name"]} if "name" in columns else {},
            is_lead=True,
        ),
        has=has,
        issue_rules=issue_rules,
        reject_rules=(RejectRule("missing_identity", "id", ~given(columns["lead_id"]) & ~given(value)),),
        kinds=("lead",),
        marks={"name": ANY_WORD, "source": ANY_WORD},
    )


LEAD_COLUMNS = {
    "lead_id": at("id"),
    "name": at("name"),
    "lead_source": at("source"),
    "created_at": time(at("createdAt")),
    "source_updated_at": time(at("updatedAt")),
    "metadata": raw("metadata"),
}
draft_lead = _lead(
    "open_delivery.draft",
    {
        "id": TEXT,
        "name": TEXT,
        "contact": TEXT,
        "externalIds": [EXTERNAL_ID],
        "source": TEXT,
        "metadata": JSON,
        "createdAt": TEXT,
        "updatedAt": TEXT,
    },
    contact_kind(nothing, at("contact")),
    at("contact"),
    "contact",
    *external_ids("externalIds"),
    **LEAD_COLUMNS,
)
rc2_lead = _lead(
    "open_delivery.rc2",
    {
        "id": TEXT,
        "name": TEXT,
        "contact": {"type": TEXT, "value": TEXT},
        "source": TEXT,
        "metadata": JSON,
        "createdAt": TEXT,
        "updatedAt": TEXT,
    },
    contact_kind(at("contact.type"), at("contact.value")),
    at("contact.value"),
    "contact.value",
    issue_rules=(unknown_word("contact.type", at("contact.type"), CONTACT_TYPES),),
    **LEAD_COLUMNS,
)
TRANSPORT_LEAD = {"id": TEXT, "source": TEXT, "status": EXTRA, "customerRef": TEXT}


def transport_lead(wrapper: str | None, *, has: tuple[str, ...]) -> Dialect:
    """The lead of the transport bindings, as a record or wrapped in an object as it is pushed."""
    start = f"{wrapper}." if wrapper else ""
    return _lead(
        "open_delivery.transport.wrapped" if wrapper else "open_delivery.transport",
        {wrapper: TRANSPORT_LEAD} if wrapper else TRANSPORT_LEAD,
        nothing,
        nothing,
        "contact",
        customer_reference(at(f"{start}customerRef"), f"{start}customerRef"),
        has=has,
        lead_id=at(f"{start}id"),
        lead_source=at(f"{start}source"),
    )


LEADS = (draft_lead, rc2_lead, transport_lead(None, has=("status",)), transport_lead("lead", has=("lead",)))
