"""Consent and reachability of single identifiers."""

from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    given,
    lookup,
    phone_number,
)
from orchestration.mapping.model import dialect
from orchestration.mapping.record_schema import EXTRA, SCALAR, TEXT
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import Contact, Identifier, IssueRule, RejectRule, rows
from orchestration.mapping.words import consent_word, is_no
from orchestration.parsing.numbers import flag
from orchestration.vendors.optimizely.event_fields import is_no_time, moment
from orchestration.vendors.optimizely.people import identifier_type, own_namespace, singular
from orchestration.vendors.optimizely.words import CONSENT_CHANNELS

# -- consent and reachability of one identifier ----------------------------------------------------------------------

named_identifier = singular(at("identifier_field_name"))
named_type = identifier_type(named_identifier)
named_value = pl.coalesce(
    pl.when(named_type == "email").then(email_address(at("identifier_value"))),
    pl.when(named_type == "phone").then(phone_number(at("identifier_value"))),
    at("identifier_value").str.strip_chars(),
)
NAMED = {"identifier_field_name": TEXT, "identifier_value": SCALAR, "zaius_id": SCALAR}
CONSENT_RECORD = NAMED | {"consent": consented(SCALAR), "consent_update_reason": TEXT, "consent_update_ts": SCALAR}
REACHABILITY = NAMED | {
    "reachable": SCALAR,
    "reachable_update_type": TEXT,
    "reachable_update_reason": EXTRA,
    "reachable_update_ts": SCALAR,
}
named_rejects = (
    RejectRule(
        "unknown_identifier_name", "identifier_field_name", named_type.is_null() | (named_identifier == "zaius_id")
    ),
    RejectRule("missing_identity", "identifier_value", ~given(at("identifier_value"))),
)


def about_identifier(is_deliverable: pl.Expr | None = None, reason: pl.Expr | None = None) -> Contact:
    """The holder of the identifier a record is about."""
    is_token = named_identifier.str.ends_with("_token")

    def spec(confidence: Any, where: pl.Expr) -> Identifier:
        return Identifier(
            named_type,
            at("identifier_value"),
            "identifier_value",
            namespace=own_namespace(named_identifier),
            confidence=confidence,
            is_deliverable=is_deliverable,
            deliverability_reason=reason,
            where=where,
        )

    return Contact(
        identifiers=(spec(None, ~is_token), spec("low", is_token), Identifier("profile_id", at("zaius_id"), "zaius_id"))
    )


is_reachable = flag(at("reachable"))
consent_rows = rows(
    "customer_consents",
    id_type=named_type,
    id_value=named_value,
    # A number is called and written to: who says no to one says no to more than calls.
    channel=pl.when((named_type == "phone") & is_no(at("consent")))
    .then(pl.lit("all"))
    .otherwise(lookup(named_type, CONSENT_CHANNELS, "all")),
    purpose=pl.lit("marketing"),
    status=consent_word(at("consent")),
    status_raw=at("consent"),
    effective_at=moment(at("consent_update_ts")),
    reason=at("consent_update_reason"),
)
reachability_rows = rows(
    "events",
    event_type=pl.lit("reachability"),
    event_action=pl.when(is_reachable).then(pl.lit("reachable")).when(~is_reachable).then(pl.lit("unreachable")),
    event_name_raw=at("reachable_update_type"),
    engagement_class=pl.lit("none"),
    is_active=pl.lit("false"),
    occurred_at=moment(at("reachable_update_ts")),
)


def number_issue(path: str, stated: pl.Expr) -> IssueRule:
    """A number that stands for a time and can be none: the row takes the export date instead."""
    return IssueRule(path, stated, is_no_time(stated))


def neither_yes_nor_no(path: str, stated: pl.Expr) -> IssueRule:
    """A yes or no that is neither."""
    return IssueRule(path, stated, given(stated) & flag(stated).is_null())


identifier_dialects = (
    dialect(
        "optimizely.consent",
        "consent",
        CONSENT_RECORD,
        consent_rows,
        about=about_identifier(),
        has=("identifier_field_name",),
        lacks=("reachable", "reachable_update_type", "reachable_update_ts"),
        kinds=("identifier",),
        reject_rules=named_rejects,
        issue_rules=(number_issue("consent_update_ts", at("consent_update_ts")),),
    ),
    dialect(
        "optimizely.reachability",
        "reachability",
        REACHABILITY,
        reachability_rows,
        about=about_identifier(is_reachable, at("reachable_update_type")),
        has=("identifier_field_name", "reachable"),
        kinds=("identifier",),
        reject_rules=named_rejects,
        issue_rules=(
            number_issue("reachable_update_ts", at("reachable_update_ts")),
            neither_yes_nor_no("reachable", at("reachable")),
        ),
    ),
)
