"""Customers, in every version of the protocol."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
    raw,
)
from orchestration.mapping.model import ANY_WORD, Dialect, dialect
from orchestration.mapping.record_schema import EXTRA, FLAG, NUMBER, TEXT
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    Identifier,
    Profile,
    Rows,
    one_address,
    rows,
    unknown_word,
)
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import is_no
from orchestration.parsing import ids
from orchestration.parsing.text import clean
from orchestration.vendors.open_delivery.consents import (
    CONSENT,
    agreed_last,
    consent,
    consent_issues,
    since,
    stated_consents,
)
from orchestration.vendors.open_delivery.identifiers import (
    CONTACT_TYPES,
    EXTERNAL_ID,
    IDENTIFIER,
    canonical_identifier,
    contact_kind,
    customer_key,
    customer_reference,
    external_ids,
    identifier_type,
    nothing,
    phone_line,
    street_line,
)
from orchestration.vendors.open_delivery.tags import METADATA, tags

# -- customers ---------------------------------------------------------------------------------------------------------

ADDRESS = {
    "type": EXTRA,
    "street": TEXT,
    "number": TEXT,
    "complement": TEXT,
    "neighborhood": TEXT,
    "district": TEXT,
    "city": TEXT,
    "state": TEXT,
    "postalCode": TEXT,
    "country": TEXT,
    "reference": EXTRA,
    "formattedAddress": TEXT,
    "coordinates": {"latitude": NUMBER, "longitude": NUMBER},
}


def address(*places: pl.Expr) -> dict[str, Value]:
    """Address columns, all of one of several address objects."""
    return one_address(*map(_place, places))


def _place(place: pl.Expr) -> dict[str, pl.Expr]:
    field, point = place.struct.field, place.struct.field("coordinates")
    return {
        "country_raw": field("country"),
        "state_raw": field("state"),
        "city": field("city"),
        "district": first_given(field("neighborhood"), field("district")),
        "postal_code": field("postalCode"),
        "address_line_1": pl.coalesce(
            street_line(field("street"), field("number")), first_given(field("formattedAddress"))
        ),
        "address_line_2": field("complement"),
        "latitude": point.struct.field("latitude"),
        "longitude": point.struct.field("longitude"),
    }


def _host_id(record_id: pl.Expr) -> Identifier:
    """The id that the host's customers are asked for by, which orders, events and reviews name as `customerId`."""
    return customer_reference(record_id, "id")


named_by_identifier = pl.when(identifier_type(at("identifier.type")).is_in(["external_id", "custom"])).then(
    at("identifier.value")
)


def is_marked(word: pl.Expr) -> pl.Expr:
    """A contact that is said to be the first of its kind."""
    return word.str.to_lowercase() == "true"


def is_one_marked(path: str) -> pl.Expr:
    """One of the contacts under `path` is said to be the first of its kind."""
    return at(path).list.eval(is_marked(pl.element().struct.field("isPrimary"))).list.any().fill_null(value=False)


# Each version has one of the two, and a host may send the other one's.
CONSENTS = {
    "consents": [CONSENT],
    "consent": {"marketing": consented(FLAG), "updatedAt": TEXT, "legalBasis": EXTRA},
}


def _said(start: str = "", changed: pl.Expr = nothing) -> tuple[Rows, ...]:
    """What a customer under `start` says of consent, in either form; `changed` is when the customer last changed."""
    marketing, said_at = at(f"{start}consent.marketing"), at(f"{start}consent.updatedAt")
    refused = is_no(marketing)
    agreed = agreed_last(at(f"{start}consents")), pl.when(~refused).then(said_at)
    return (
        *stated_consents(item, each=f"{start}consents", changed=changed, agreed=agreed),
        consent(
            pl.lit("all"),
            pl.lit("marketing"),
            marketing,
            since(said_at, changed=changed, after=(pl.when(refused & ~given(said_at)).then(agreed[0]),)),
            where=given(marketing),
        ),
    )


DRAFT_CUSTOMER = {
    "identifier": IDENTIFIER,
    "name": TEXT,
    "status": TEXT,
    "document": {"type": EXTRA, "value": TEXT, "number": TEXT},
    "contacts": {
        "phones": [{"phone": TEXT, "number": TEXT, "value": TEXT, "extension": TEXT, "type": EXTRA, "isPrimary": FLAG}],
        "emails": [{"email": TEXT, "value": TEXT, "type": EXTRA, "isPrimary": FLAG}],
    },
    "externalIds": [EXTERNAL_ID],
    "demographics": {"birthDate": TEXT, "gender": TEXT},
    "address": ADDRESS,
    "addresses": [ADDRESS],
    "metadata": METADATA,
    **CONSENTS,
}
draft_customer = dialect(
    "open_delivery.draft",
    "customer",
    DRAFT_CUSTOMER,
    rows(
        "customers",
        full_name=at("name"),
        lifecycle_raw=at("status"),
        is_lead=Typed(clean(at("status")).str.to_lowercase() == "lead"),
        birth_date=at("demographics.birthDate"),
        gender_raw=at("demographics.gender"),
        **address(at("address"), at("addresses").list.first()),
        attributes=raw("metadata"),
    ),
    *tags,
    *_said(),
    issue_rules=consent_issues(""),
    about=Profile(
        record_id=customer_key("identifier"),
        identifiers=(
            canonical_identifier(
                "identifier",
                ~pl.when(identifier_type(at("identifier.type")) == "email")
                .then(is_one_marked("contacts.emails"))
                .otherwise(is_one_marked("contacts.phones")),
            ),
            customer_reference(named_by_identifier, "identifier.value"),
            Identifier("document", first_given(at("document.value"), at("document.number")), "document"),
            Identifier(
                "phone",
                phone_line(first_given(item("phone"), item("number"), item("value")), item("extension")),
                "contacts.phones[]",
                each="contacts.phones",
                is_primary=is_marked(item("isPrimary")),
            ),
            Identifier(
                "email",
                first_given(item("email"), item("value")),
                "contacts.emails[].email",
                each="contacts.emails",
                is_primary=is_marked(item("isPrimary")),
            ),
            *external_ids("externalIds"),
        ),
    ),
    has=("identifier",),
    kinds=("customer",),
)

contact_type = contact_kind(item("type"), item("value"))
RC2_CUSTOMER = {
    "id": TEXT,
    "merchantId": TEXT,
    "identifier": IDENTIFIER,
    "externalIds": [EXTERNAL_ID],
    "name": TEXT,
    "contacts": [{"type": TEXT, "value": TEXT}],
    "birthDate": TEXT,
    "addresses": [ADDRESS],
    "metadata": METADATA,
    **CONSENTS,
    "createdAt": TEXT,
    "updatedAt": TEXT,
}
rc2_customer = dialect(
    "open_delivery.rc2",
    "customer",
    RC2_CUSTOMER,
    rows(
        "customers",
        created_at=time(at("createdAt")),
        source_updated_at=time(at("updatedAt")),
        full_name=at("name"),
        birth_date=at("birthDate"),
        **address(at("addresses").list.first()),
        attributes=raw("metadata"),
    ),
    *tags,
    *_said(changed=at("updatedAt")),
    about=Profile(
        record_id=pl.coalesce(ids.identifier(at("id"), "customer_id"), customer_key("identifier")),
        identifiers=(
            _host_id(at("id")),
            canonical_identifier("identifier", pl.lit(value=True)),
            customer_reference(pl.when(~given(at("id"))).then(named_by_identifier), "identifier.value"),
            Identifier(contact_type, item("value"), "contacts[].value", each="contacts", where=contact_type != "other"),
            Identifier(
                "custom",
                item("value"),
                "contacts[].value",
                namespace="contact",
                each="contacts",
                where=contact_type == "other",
                confidence="none",
            ),
            *external_ids("externalIds", merchant=at("merchantId"))[:1],
        ),
    ),
    issue_rules=(*consent_issues(""), unknown_word("contacts[].type", item("type"), CONTACT_TYPES, "contacts")),
    has=("identifier",),
    kinds=("customer",),
)

TRANSPORT_CUSTOMER = {
    "id": TEXT,
    "externalIds": [TEXT],
    "name": TEXT,
    "contacts": {"email": TEXT, "phone": TEXT},
    "document": TEXT,
    "birthDate": TEXT,
    "gender": TEXT,
    "status": TEXT,
    **CONSENTS,
    "createdAt": TEXT,
    "updatedAt": TEXT,
}


def transport_customer(wrapper: str | None, *, has: tuple[str, ...]) -> Dialect:
    """The customer of the transport bindings, as a record or wrapped in an object as it is pushed."""
    start = f"{wrapper}." if wrapper else ""
    shape = {wrapper: TRANSPORT_CUSTOMER} if wrapper else TRANSPORT_CUSTOMER
    parts = item().str.extract_groups(r"^\s*(?:([^:]+):)?(.*)$").struct
    return dialect(
        "open_delivery.transport.wrapped" if wrapper else "open_delivery.transport",
        "customer",
        shape,
        rows(
            "customers",
            created_at=time(at(f"{start}createdAt")),
            source_updated_at=time(at(f"{start}updatedAt")),
            full_name=at(f"{start}name"),
            birth_date=at(f"{start}birthDate"),
            gender_raw=at(f"{start}gender"),
            lifecycle_raw=at(f"{start}status"),
            is_lead=Typed(clean(at(f"{start}status")).str.to_lowercase() == "lead"),
        ),
        *_said(start, changed=at(f"{start}updatedAt")),
        issue_rules=consent_issues(start)[:2],
        about=Profile(
            record_id=at(f"{start}id"),
            identifiers=(
                customer_reference(at(f"{start}id"), f"{start}id"),
                Identifier("email", at(f"{start}contacts.email"), f"{start}contacts.email"),
                Identifier("phone", at(f"{start}contacts.phone"), f"{start}contacts.phone"),
                Identifier("document", at(f"{start}document"), f"{start}document"),
                Identifier(
                    "external_id",
                    parts.field("2"),
                    f"{start}externalIds[]",
                    namespace=parts.field("1").str.to_lowercase(),
                    each=f"{start}externalIds",
                ),
            ),
        ),
        has=has,
        lacks=() if wrapper else ("identifier",),
        kinds=("customer",),
        marks={} if wrapper else {"name": ANY_WORD},
    )


CUSTOMERS = (
    draft_customer,
    rc2_customer,
    transport_customer(None, has=("id",)),
    transport_customer("customer", has=("customer",)),
)
