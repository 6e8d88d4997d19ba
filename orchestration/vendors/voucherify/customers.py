"""Customers: identifiers, attributes, consents, figures, loyalty accounts and segments of theirs."""

from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    account_currency,
    at,
    filled,
    first_given,
    given,
    item,
    pairs,
)
from orchestration.mapping.record_schema import EXTRA, FLAG, JSON, NUMBER, TEXT, Pairs, drop
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import Identifier, Profile, Rows, rows
from orchestration.mapping.values import Amount, Typed, Word, time
from orchestration.mapping.words import consent_said, consent_word, is_no, is_plain_no, last_time, stated_time
from orchestration.parsing import ids
from orchestration.parsing.emails import email
from orchestration.vendors.voucherify.words import METADATA_CELLS, SAME_WORD, TRUE, is_test, metadata, source_id_type

# -- customers -------------------------------------------------------------------------------------------------------

SUMMARY = {
    "redemptions": {
        "total_redeemed": NUMBER,
        "total_failed": NUMBER,
        "total_succeeded": NUMBER,
        "total_rolled_back": NUMBER,
        "total_rollback_failed": NUMBER,
        "total_rollback_succeeded": NUMBER,
        "gift": {"redeemed_amount": NUMBER, "amount_to_go": NUMBER},
        "loyalty_card": {"redeemed_points": NUMBER, "points_to_go": NUMBER},
    },
    "orders": {
        "total_amount": NUMBER,
        "total_count": NUMBER,
        "average_amount": NUMBER,
        "last_order_amount": NUMBER,
        "last_order_date": TEXT,
    },
}
CONSENT = {"date": TEXT, "value": consented(FLAG)}
CUSTOMER: dict[str, Any] = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "name": TEXT,
    "description": EXTRA,
    "email": TEXT,
    "phone": TEXT,
    "birthdate": TEXT,
    "birthday": TEXT,
    "address": {"city": TEXT, "state": TEXT, "line_1": TEXT, "line_2": TEXT, "country": TEXT, "postal_code": TEXT},
    "summary": SUMMARY,
    "loyalty": {
        "points": NUMBER,
        "referred_customers": NUMBER,
        "campaigns": Pairs({"points": NUMBER, "loyalty_tier": TEXT, "referred_customers": NUMBER}),
    },
    "referrals": {
        "total": EXTRA,
        "campaigns": [
            {
                "campaign_id": TEXT,
                "referrer_id": TEXT,
                "related_object_id": TEXT,
                "related_object_type": TEXT,
                "date": TEXT,
            }
        ],
    },
    "metadata": JSON,
    "system_metadata": {"consents": Pairs(CONSENT)},
    "consents": Pairs(CONSENT),
    "created_at": TEXT,
    "updated_at": TEXT,
    "assets": {"cockpit_url": drop("holds a token that signs in as the customer")},
}
# (metric, path, name in the CSV export if it has one, unit)
STATS: tuple[tuple[str, str, str | None, str], ...] = (
    ("total_revenue", "summary.orders.total_amount", "orders_total_amount", "money"),
    ("order_count", "summary.orders.total_count", "orders_total_count", "count"),
    ("average_order_value", "summary.orders.average_amount", "orders_average_amount", "money"),
    ("last_order_amount", "summary.orders.last_order_amount", "orders_last_order_amount", "money"),
    ("last_order_at", "summary.orders.last_order_date", "orders_last_order_date", "time"),
    ("redemptions_total", "summary.redemptions.total_redeemed", "redemptions_total_redeemed", "count"),
    ("redemptions_failed", "summary.redemptions.total_failed", "redemptions_total_failed", "count"),
    ("redemptions_succeeded", "summary.redemptions.total_succeeded", "redemptions_total_succeeded", "count"),
    ("redemptions_rolled_back", "summary.redemptions.total_rolled_back", "redemptions_total_rolled_back", "count"),
    ("rollbacks_failed", "summary.redemptions.total_rollback_failed", "redemptions_total_rollback_failed", "count"),
    (
        "rollbacks_succeeded",
        "summary.redemptions.total_rollback_succeeded",
        "redemptions_total_rollback_succeeded",
        "count",
    ),
    ("gift_redeemed", "summary.redemptions.gift.redeemed_amount", None, "money"),
    ("gift_balance", "summary.redemptions.gift.amount_to_go", None, "money"),
    ("points_redeemed", "summary.redemptions.loyalty_card.redeemed_points", None, "points"),
    ("points_to_go", "summary.redemptions.loyalty_card.points_to_go", None, "points"),
    ("loyalty_points", "loyalty.points", "loyalty_points", "points"),
    ("referred_customers", "loyalty.referred_customers", "loyalty_referred_customers", "count"),
)
ADDRESS_PARTS = ("city", "state", "line_1", "line_2", "country", "postal_code")
# As the export names them, and as the template of the import does.
ADDRESS_CELLS = (*(f"address_{part}" for part in ADDRESS_PARTS), *ADDRESS_PARTS)
CUSTOMER_OR_CELLS = (
    CUSTOMER
    | dict.fromkeys((*ADDRESS_CELLS, *(cell for _, _, cell, _ in STATS if cell)), TEXT)
    | {METADATA_CELLS: JSON}
)


def consent(
    each: str | pl.Expr,
    key: pl.Expr,
    stated: pl.Expr,
    since: pl.Expr,
    *otherwise: pl.Expr,
    agreed: tuple[pl.Expr, ...] = (),
) -> Rows:
    """Consents by their keys, of which `unsubscribed` and its like are negative: true takes back all, as do a word for
    that and a date alone, and not to have unsubscribed is no consent. A no without a date came after all that the
    record has `agreed` to."""
    is_negative = is_no(key)
    agreement = consent_word(stated)
    says_so = (
        (consent_said(stated) == "opt_in").fill_null(value=False)
        | (is_no(stated) & ~is_plain_no(stated))
        | (~given(stated) & given(stated_time(since)))
    )
    refusal = pl.when(says_so).then(pl.lit("opt_out")).otherwise(pl.lit("unknown"))
    # Keys are ids of the shop's own consents; one that is called after a purpose of ours is that in any spelling.
    purpose = key.str.strip_chars().str.to_lowercase()
    status = pl.when(is_negative).then(refusal).otherwise(agreement.expr)
    is_undated_no = (status == "opt_out") & ~given(since)
    return rows(
        "customer_consents",
        each=each,
        channel=pl.lit("all"),
        purpose=pl.when(is_negative)
        .then(pl.lit("marketing"))
        .when(purpose.is_in(["marketing", "all"]))
        .then(purpose)
        .otherwise(key),
        status=Word(status, agreement.sources),
        status_raw=pl.concat_str(key, pl.lit("="), stated.str.strip_chars()),
        effective_at=time(
            since,
            *otherwise,
            else_export_date=True,
            not_before=tuple(pl.when(is_undated_no).then(earlier) for earlier in agreed),
        ),
    )


def agreed_last(path: str) -> pl.Expr:
    """The latest date of a yes among consents."""
    stated = pl.element().struct.field("value").struct
    agrees = (consent_said(stated.field("value")) == "opt_in") & ~is_no(pl.element().struct.field("key"))
    return last_time(pl.col(pairs(path)).list.eval(pl.when(agrees).then(stated.field("date"))))


class Customer:
    """What a customer object gives, at the top of a record (as object or export row) or at `path` within it, where its
    id may stand apart."""

    def __init__(self, path: str = "", other_id: str | None = None, reported_at: tuple[pl.Expr, ...] = ()) -> None:
        self._path = f"{path}." if path else ""
        self._has_cells = not path
        self._reported_at = reported_at
        self._id = first_given(self.at("id"), at(other_id)) if other_id else self.at("id")

    def at(self, path: str, cell: str | None = None) -> pl.Expr:
        stated = at(self._path + path)
        return first_given(stated, at(cell)) if cell and self._has_cells else stated

    def part(self, name: str) -> pl.Expr:
        stated = self.at(f"address.{name}")
        return first_given(stated, at(f"address_{name}"), at(name)) if self._has_cells else stated

    @property
    def record_id(self) -> pl.Expr:
        address = email(self.at("email")).struct.field("value")
        return pl.coalesce(
            ids.identifier(self._id, "profile_id"),
            ids.identifier(self.at("source_id"), "customer_id"),
            pl.concat_str(pl.lit("email:"), address),
        )

    @property
    def profile(self) -> Profile:
        source_id = self.at("source_id")
        return Profile(
            record_id=self.record_id,
            identifiers=(
                Identifier("profile_id", self._id, "id"),
                Identifier(source_id_type(source_id), source_id, "source_id"),
                # A source id never changes, also where it is an address: the address of today is the other.
                Identifier("email", self.at("email"), "email", is_primary=pl.lit(value=True)),
                Identifier("phone", self.at("phone"), "phone", region=self.part("country")),
            ),
        )

    def rows(self, is_deleted: pl.Expr | None = None) -> tuple[Rows, ...]:
        return (
            self._customers(is_deleted),
            *self._consents(),
            *self._stats(),
            self._accounts(),
            *self._memberships(),
            self._referrals(),
        )

    def _customers(self, is_deleted: pl.Expr | None) -> Rows:
        deleted = {} if is_deleted is None else {"is_deleted": Typed(is_deleted)}
        return rows(
            "customers",
            created_at=time(self.at("created_at")),
            # What an event reports was so when it happened, whatever the copy of the customer in it says.
            source_updated_at=time(*self._reported_at, self.at("updated_at")),
            full_name=self.at("name"),
            birth_date=first_given(self.at("birthdate"), self.at("birthday")),
            city=self.part("city"),
            state_raw=self.part("state"),
            address_line_1=self.part("line_1"),
            address_line_2=self.part("line_2"),
            country_raw=self.part("country"),
            postal_code=self.part("postal_code"),
            is_test=is_test(f"{self._path}metadata"),
            attributes=metadata(f"{self._path}metadata"),
            **deleted,
        )

    def _consents(self) -> tuple[Rows, ...]:
        places = tuple(self._path + place for place in ("system_metadata.consents", "consents"))
        agreed = tuple(map(agreed_last, places))
        return tuple(
            consent(pairs(place), item("key"), item("value.value"), item("value.date"), agreed=agreed)
            for place in places
        )

    def _stats(self) -> tuple[Rows, ...]:
        return tuple(self._stat(*stat) for stat in STATS)

    def _stat(self, metric: str, path: str, cell: str | None, unit: str) -> Rows:
        value = self.at(path, cell)
        stated: dict[str, Any] = (
            {"value_ts": time(value)}
            if unit == "time"
            else {"value_num": Amount(value, "minor") if unit == "money" else value}
        )
        if unit == "money":
            stated["currency"] = account_currency()
        return rows(
            "vendor_stats",
            where=given(value),
            metric=pl.lit(metric),
            unit=pl.lit(unit),
            definition_id=pl.lit(path),
            **stated,
        )

    def _accounts(self) -> Rows:
        return rows(
            "loyalty_accounts",
            each=pairs(f"{self._path}loyalty.campaigns"),
            account_id=loyalty_account(self.record_id, item("key")),
            program_id=item("key"),
            program_name=item("key"),
            balance_type=pl.lit("points"),
            balance=item("value.points"),
            tier_id=item("value.loyalty_tier"),
            referred_customers=item("value.referred_customers"),
        )

    def _memberships(self) -> tuple[Rows, ...]:
        campaigns = pairs(f"{self._path}loyalty.campaigns")
        tiers = (
            pl.col(campaigns)
            .list.eval(pl.element().struct.field("value").struct.field("loyalty_tier"))
            .list.drop_nulls()
        )
        return (
            member(campaigns, "loyalty_campaign", item("key"), item("key")),
            nobody(pl.col(campaigns).is_not_null() & ~filled(pl.col(campaigns)), "loyalty_campaign"),
            member(campaigns, "loyalty_tier", item("value.loyalty_tier"), pl.lit(None, pl.String)),
            nobody(pl.col(campaigns).is_not_null() & ~filled(tiers), "loyalty_tier"),
        )

    def _referrals(self) -> Rows:
        return rows(
            "referrals",
            each=f"{self._path}referrals.campaigns",
            campaign_id=item("campaign_id"),
            referrer_profile_id=item("referrer_id"),
            referred_profile_id=self.record_id,
            related_object_id=item("related_object_id"),
            related_object_type=item("related_object_type"),
            referred_at=time(item("date")),
        )


def loyalty_account(customer_id: pl.Expr, campaign: pl.Expr) -> pl.Expr:
    """A customer's account in a programme: the vendor names no account of its own beside the balance."""
    return pl.concat_str(customer_id, pl.lit(":"), campaign)


def member(each: str, kind: str | pl.Expr | None, segment_id: pl.Expr, name: pl.Expr) -> Rows:
    """Membership of every segment that a full list names."""
    return rows(
        "segment_memberships",
        each=each,
        where=given(segment_id),
        segment_id=segment_id,
        segment_name=name,
        kind=pl.lit(kind, pl.String) if kind is None or isinstance(kind, str) else kind,
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=TRUE,
    )


def nobody(where: pl.Expr, kind: str | None) -> Rows:
    """A full list that names no segment."""
    return rows(
        "segment_memberships",
        where=where,
        kind=pl.lit(kind, pl.String),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=TRUE,
    )
