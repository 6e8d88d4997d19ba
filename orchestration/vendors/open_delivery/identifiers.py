"""Identifiers and contacts of people, in every version of the protocol."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    given,
    item,
    lookup,
    phone_number,
)
from orchestration.mapping.record_schema import TEXT
from orchestration.mapping.selects import (
    Identifier,
)
from orchestration.mapping.words import translated
from orchestration.parsing.documents import document
from orchestration.parsing.text import clean

IDENTIFIER_TYPES = {
    "document": "document",
    "cpf": "document",
    "cnpj": "document",
    "phone": "phone",
    "mobile": "phone",
    "email": "email",
    "e-mail": "email",
    "external_id": "external_id",
    "externalId": "external_id",
}
CONTACT_TYPES = {"phone": "phone", "mobile": "phone", "email": "email", "other": "other"}
CHANNELS = {"app": "push"}
nothing = pl.lit(None, pl.String)

IDENTIFIER = {"type": TEXT, "value": TEXT}
EXTERNAL_ID = {"source": TEXT, "sourceName": TEXT, "key": TEXT, "value": TEXT}

# -- naming a customer -------------------------------------------------------------------------------------------------


def identifier_type(word: pl.Expr) -> pl.Expr:
    """Our type of an identifier; what the protocol does not name is a custom one."""
    return pl.when(given(word)).then(lookup(word, IDENTIFIER_TYPES, "custom"))


def customer_key(identifier: str) -> pl.Expr:
    """The customer's record id where the identifier is all there is: `<type>:<normalised value>`."""
    kind, value = identifier_type(at(f"{identifier}.type")), at(f"{identifier}.value")
    normalised = (
        pl.when(kind == "email").then(email_address(value))
        .when(kind == "phone").then(phone_number(value))
        .when(kind == "document").then(document(pl.when(kind == "document").then(value), None).struct.field("value"))
    )  # fmt: skip
    word = pl.when(kind == "custom").then(clean(at(f"{identifier}.type")).str.to_lowercase()).otherwise(kind)
    return pl.concat_str(word, pl.lit(":"), pl.coalesce(normalised, clean(value)))


def canonical_identifier(path: str, is_primary: pl.Expr | None = None) -> Identifier:
    """The {type, value} under `path`."""
    word = at(f"{path}.type")
    name = pl.when(identifier_type(word) == "custom").then(clean(word).str.to_lowercase())
    return Identifier(
        identifier_type(word), at(f"{path}.value"), f"{path}.value", namespace=name, is_primary=is_primary
    )


def customer_reference(value: pl.Expr, path: str) -> Identifier:
    """A `customerId`: the host's own id of a customer, or one invented for a single order."""
    return Identifier("customer_id", value, path)


def external_ids(path: str, merchant: pl.Expr | None = None) -> tuple[Identifier, ...]:
    """The ids under `path` in other systems, each unique only in its system, and there only at one merchant.

    Records that name a merchant link within it. Customers often name none although their orders do, so the id without
    the merchant is kept beside it, too weak to link two people.
    """
    words = [clean(item(name)).str.to_lowercase() for name in ("source", "sourceName", "key")]
    system = pl.concat_str(words, separator="/", ignore_nulls=True)
    value = f"{path}[].value"
    if merchant is None:
        return (Identifier("external_id", item("value"), value, namespace=system, each=path),)
    scoped = pl.concat_str(clean(merchant).str.to_lowercase(), pl.lit("/"), system)
    return (
        Identifier("external_id", item("value"), value, namespace=pl.coalesce(scoped, system), each=path),
        Identifier(
            "external_id", item("value"), value, namespace=system, each=path, where=given(merchant), confidence="low"
        ),
    )


def contact_kind(word: pl.Expr, value: pl.Expr) -> pl.Expr:
    """email, phone or other; by the look of the value where the vendor does not say."""
    by_look = (
        pl.when(value.str.contains("@", literal=True))
        .then(pl.lit("email"))
        .when(value.str.contains("[0-9]{4}"))
        .then(pl.lit("phone"))
        .otherwise(pl.lit("other"))
    )
    said = translated(word, CONTACT_TYPES).fill_null("other")
    return pl.when(given(value)).then(pl.when(given(word)).then(said).otherwise(by_look))


def phone_line(number: pl.Expr, extension: pl.Expr) -> pl.Expr:
    """A number with its extension, which distinguishes a switchboard or the marketplace's call centre from a person's
    phone."""
    return pl.when(given(extension)).then(pl.concat_str(number, pl.lit(" ext. "), extension)).otherwise(number)


def street_line(street: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Street and house number."""
    return pl.concat_str(clean(street), clean(number), separator=", ", ignore_nulls=True).replace("", None)
