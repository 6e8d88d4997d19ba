"""Who an ODP row is about: identifiers by name, attributes of the person, the id of the record."""

from collections.abc import Callable
from functools import cache
from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    filled,
    first_given,
    item,
    lookup,
    pairs,
    phone_number,
    shared,
)
from orchestration.mapping.record_schema import SCALAR
from orchestration.mapping.selects import Identifier, IssueRule
from orchestration.mapping.values import Typed, Value
from orchestration.parsing.ids import identifier
from orchestration.parsing.text import clean
from orchestration.parsing.times import date
from orchestration.vendors.optimizely.words import IDENTIFIERS

# -- identifiers -----------------------------------------------------------------------------------------------------

# ODP takes a custom field for an identifier only if its name ends so, and keeps the values seen under the plural.
CUSTOM_NAME = r"^[a-z0-9][a-z0-9_]*_(?:id|hash|number|token|alias|address|key)$"
PLURALS = r"_(id|number|token|key)s$|_(hash|alias|address)es$"
CUSTOM_FIELD = (
    r'"(?:customer\.)?[a-z0-9][a-z0-9_]*_(?:id|hash|number|token|alias|address|key)":(?:"(?:[^"\\]|\\.)+"|[0-9]+)'
)
# Columns that are named like an identifier and are something else.
NO_IDENTIFIERS = r"^(?:ip|email|e_mail|street|bill|billing|ship|shipping|mailing|home)_address$|^(?:phone|mobile|fax|house|street|tracking|order|invoice|item|line)_number$"


def singular(name: pl.Expr) -> pl.Expr:
    """Name of the identifier that a plural field lists values of; other names as they are."""
    bare = name.str.strip_chars().str.to_lowercase()
    return bare.str.replace(r"^(email|phone|vuid)s$", "$1").str.replace(PLURALS, "_$1$2")


def identifier_type(name: pl.Expr) -> pl.Expr:
    """Type of the identifier a field holds, by the field's name; null if it can hold none."""
    custom = pl.when(name.str.contains(r"push_token$")).then(pl.lit("push_token")).otherwise(pl.lit("custom"))
    return pl.coalesce(lookup(name, IDENTIFIERS), pl.when(name.str.contains(CUSTOM_NAME)).then(custom))


def own_namespace(name: pl.Expr) -> pl.Expr:
    """Custom identifiers are unique only under their name."""
    return pl.when(identifier_type(name).is_in(["custom", "push_token"])).then(name)


def paired(each: str, region: pl.Expr) -> tuple[Identifier, ...]:
    """Everything under `identifiers`: fields in the singular first, for they hold the value seen last. A token is no
    proof of a person."""
    name = singular(item("key"))
    is_single = item("key").str.strip_chars().str.to_lowercase() == name
    is_token = name.str.ends_with("_token")

    def spec(where: pl.Expr, confidence: Any, *, is_primary: bool) -> Identifier:
        return Identifier(
            identifier_type(name),
            item("value"),
            "identifiers",
            namespace=own_namespace(name),
            region=region,
            each=each,
            confidence=confidence,
            is_primary=pl.lit(is_primary),
            where=where,
        )

    return (
        spec(is_single & ~is_token, None, is_primary=True),
        spec(is_single & is_token, "low", is_primary=True),
        spec(~is_single & ~is_token, None, is_primary=False),
        spec(~is_single & is_token, "low", is_primary=False),
    )


@cache
def paired_value(name: str) -> pl.Expr:
    """Value of one field under `identifiers`."""
    found = pl.col(pairs("identifiers")).list.eval(
        pl.element().struct.field("value").filter(pl.element().struct.field("key") == name)
    )
    return shared(found.list.first())


def odd_names() -> IssueRule:
    """Fields under `identifiers` that cannot hold one."""
    name, value = pl.element().struct.field("key"), pl.element().struct.field("value")
    found = pl.col(pairs("identifiers")).list.eval(
        pl.concat_str(name, pl.lit(": "), value.fill_null("")).filter(identifier_type(singular(name)).is_null())
    )
    return IssueRule("identifiers", found.list.join(", "), filled(found))


def custom_columns() -> tuple[Identifier, ...]:
    """Undeclared columns of a flat record that are named like an identifier."""
    text = pl.element()
    found = (
        pl.col("extra")
        .str.extract_all(CUSTOM_FIELD)
        .list.eval(
            pl.struct(
                text.str.extract(r'^"(?:customer\.)?([a-z0-9_]+)"').alias("key"),
                text.str.extract(r':"?(.*?)"?$').alias("value"),
            )
        )
    )
    name = item("key")
    is_identifier = ~name.str.contains(NO_IDENTIFIERS)
    return (
        Identifier(
            identifier_type(name),
            item("value"),
            "*",
            namespace=own_namespace(name),
            each=found,
            confidence="low",
            where=is_identifier,
        ),
    )


# -- flat records ----------------------------------------------------------------------------------------------------


@cache
def cell(*names: str) -> pl.Expr:
    """First given of a flat record's columns; a name may hold dots."""
    found = first_given(*map(at, names))
    return shared(found) if len(names) > 1 else found


PERSON = {
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "full_name": ("name",),
    "gender_raw": ("gender",),
    "birth_date": ("date_of_birth",),
    "timezone": ("timezone",),
    "country_raw": ("country",),
    "state_raw": ("state",),
    "city": ("city",),
    "postal_code": ("zip_code", "zip"),
    "address_line_1": ("street1",),
    "address_line_2": ("street2",),
}
# Also a date of birth is written month first.
US_DATE = r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$"


def birth_date(stated: pl.Expr) -> Typed:
    """A date of birth, also as ODP's imports write dates."""
    month, day, year = (stated.str.strip_chars().str.extract(US_DATE, group) for group in (1, 2, 3))
    return Typed(
        date(clean(pl.coalesce(pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-"), stated))),
        given=stated,
    )


def person_columns(read: Callable[..., pl.Expr]) -> dict[str, Value]:
    """The person's own columns, each from the first of its fields that is given."""
    return {
        column: birth_date(read(*names)) if column == "birth_date" else read(*names) for column, names in PERSON.items()
    }


PERSON_FIELDS = [name for names in PERSON.values() for name in names]
LOYALTY_FIELDS = [
    "loyalty_points_balance", "loyalty_tier_id", "loyalty_is_enrolled_member", "loyalty_referral_code_id", "loyalty_profile_created_at",
    "loyalty_profile_updated_at",
]  # fmt: skip
LOYALTY_READ = ("loyalty_points_balance", "loyalty_tier_id")
INSIGHTS = {
    "total_revenue": "total_revenue",
    "order_count": "order_count",
    "average_order_value": "average_order_value",
    "first_order_date": "first_order_at",
    "last_order_date": "last_order_at",
    "engagement_score": "engagement_score",
}
OTHER_INSIGHTS = ["engagement_rank", "order_likelihood", "winback_zone"]
MONEY_INSIGHTS = ("total_revenue", "average_order_value")
PLURAL_FIELDS = {"emails": "email", "vuids": "vuid", "customer_ids": "customer_id", "phones": "phone"}


def customer_columns(*names: str) -> dict[str, Any]:
    """Fields of the customer as columns of a flat record, also by their path."""
    return {f"{start}{name}": SCALAR for start in ("", "customer.") for name in names}


FLAT_IDENTIFIERS = customer_columns(*IDENTIFIERS, "country") | {
    f"{start}{name}": [SCALAR] for start in ("", "customer.") for name in PLURAL_FIELDS
}


def customer_cell(*names: str) -> pl.Expr:
    """A field of the customer in a flat record."""
    return cell(*(f"{start}{name}" for name in names for start in ("", "customer.")))


def flat_identifiers() -> tuple[Identifier, ...]:
    """Identifiers of a flat record: the value seen last, then the lists of all, then what is named like one."""
    region = cell("country", "customer.country")
    single = tuple(
        Identifier(kind, customer_cell(name), name, region=region, is_primary=pl.lit(value=True))
        for name, kind in IDENTIFIERS.items()
    )
    listed = tuple(
        Identifier(kind, item(), name, region=region, each=at(f"{start}{name}"), is_primary=pl.lit(value=False))
        for name, kind in PLURAL_FIELDS.items()
        for start in ("", "customer.")
    )
    return (*single, *listed, *custom_columns())


FLAT_PERSON = FLAT_IDENTIFIERS | customer_columns(*PERSON_FIELDS)
flat_person = person_columns(customer_cell)


def record_id(
    *,
    customer_id: pl.Expr,
    vuid: pl.Expr,
    address: pl.Expr,
    zaius_id: pl.Expr,
    number: pl.Expr,
    country: pl.Expr,
    custom: pl.Expr,
) -> pl.Expr:
    """What a profile is known by: the shop's customer id, else the device, else the e-mail address, else whatever is
    left."""
    return pl.coalesce(
        identifier(customer_id, "customer_id"),
        identifier(vuid, "vuid"),
        pl.concat_str(pl.lit("email:"), email_address(address)),
        pl.concat_str(pl.lit("zaius_id:"), identifier(zaius_id, "profile_id")),
        pl.concat_str(pl.lit("phone:"), phone_number(number, country)),
        custom,
    )
