"""Who a record is about: customers of the three shapes, leads, and the ways other records name a customer."""

from collections.abc import Callable
from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    filled,
    first_given,
    given,
    item,
    lookup,
    phone_number,
    raw,
)
from orchestration.mapping.model import ANY_WORD, Dialect, dialect
from orchestration.mapping.record_schema import FLAG, JSON, KEEP, NUMBER, TEXT, Open
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    Check,
    Contact,
    Doubt,
    Identifier,
    Profile,
    Rows,
    no_refusal,
    one_address,
    rows,
)
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import consent_word, is_no, no_since, yes_since
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
CHANNELS = {
    "email": "email",
    "e-mail": "email",
    "sms": "sms",
    "phone": "phone",
    "call": "phone",
    "push": "push",
    "app": "push",
    "whatsapp": "whatsapp",
    "post": "post",
    "mail": "post",
    "all": "all",
    "any": "all",
}
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
    said = lookup(word, {"phone": "phone", "email": "email"}, "other")
    return pl.when(given(value)).then(pl.when(given(word)).then(said).otherwise(by_look))


def phone_line(number: pl.Expr, extension: pl.Expr) -> pl.Expr:
    """A number with its extension, which tells a switchboard or the marketplace's call centre from a person's phone."""
    return pl.when(given(extension)).then(pl.concat_str(number, pl.lit(" ext. "), extension)).otherwise(number)


def street_line(street: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Street and house number."""
    return pl.concat_str(clean(street), clean(number), separator=", ", ignore_nulls=True).replace("", None)


# -- tags and consents -------------------------------------------------------------------------------------------------

METADATA = Open({"customTags": [TEXT], "restrictions": [TEXT], "tags": [TEXT]})
TAG_LISTS = ("metadata.customTags", "metadata.restrictions", "metadata.tags")


def _tag(text: pl.Expr | None, state: str, *, each: str | None, where: pl.Expr) -> Rows:
    return rows(
        "segment_memberships",
        each=each,
        where=where,
        segment_id=nothing if text is None else text.str.strip_chars().str.to_lowercase(),
        segment_name=nothing if text is None else text,
        kind=pl.lit("tag"),
        state=pl.lit(state),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )


is_tagged = pl.any_horizontal(filled(at(path)) for path in TAG_LISTS)
names_tags = pl.any_horizontal(at(path).is_not_null() for path in TAG_LISTS)
tags = (
    *(_tag(item(), "member", each=path, where=given(item())) for path in TAG_LISTS),
    _tag(None, "none", each=None, where=names_tags & ~is_tagged),
)

CONSENT = {
    "purpose": TEXT,
    "channel": TEXT,
    "status": consented(TEXT),
    "source": TEXT,
    "grantedAt": TEXT,
    "revokedAt": TEXT,
}


def consent(
    channel: pl.Expr,
    purpose: pl.Expr,
    status: pl.Expr,
    since: pl.Expr,
    *,
    told_by: pl.Expr | None = None,
    each: str | None = None,
    where: pl.Expr | None = None,
) -> Rows:
    """One statement of consent; a channel that is not named means all."""
    stated = channel.str.strip_chars().str.to_lowercase()
    return rows(
        "customer_consents",
        each=each,
        where=where,
        channel=pl.when(given(channel)).then(lookup(stated, CHANNELS, stated)).otherwise(pl.lit("all")),
        purpose=first_given(clean(purpose).str.to_lowercase(), pl.lit("marketing")),
        # A legal basis lets one be served, it is not a yes to advertising.
        status=consent_word(status, legal_consent="unknown"),
        status_raw=status,
        effective_at=time(since, else_export_date=True),
        consent_source=nothing if told_by is None else told_by,
    )


def stated_consents(
    field: Callable[[str], pl.Expr], *, each: str | None, where: pl.Expr | None = None, since: pl.Expr | None = None
) -> tuple[Rows, Rows]:
    """What a consent tells: its state, and the other change where it has the times of both.

    Without a word the times tell: what was revoked is taken back. What was taken back had been given; and a time of
    revocation beside a yes is a no of its day, which a later yes outdoes.
    """
    granted, revoked, stated = (
        yes_since(field("grantedAt")),
        no_since(field("revokedAt"), field("grantedAt")),
        field("status"),
    )
    by_time = pl.when(given(revoked)).then(pl.lit("revoked")).when(given(granted)).then(pl.lit("opt_in"))
    status = pl.when(given(stated)).then(stated).otherwise(by_time)
    is_taken_back = is_no(status)
    is_other_told = pl.when(is_taken_back).then(given(granted) & given(revoked)).otherwise(given(revoked))
    shared: dict[str, Any] = {"told_by": field("source"), "each": each}
    channel, purpose = field("channel"), field("purpose")
    moment = first_given(
        pl.when(is_taken_back).then(first_given(revoked, granted)).otherwise(granted),
        *(() if since is None else (since,)),
    )
    other = pl.when(is_taken_back).then(pl.lit("opt_in")).otherwise(pl.lit("revoked"))
    other_moment = pl.when(is_taken_back).then(granted).otherwise(revoked)
    is_one = given(status) if where is None else where & given(status)
    return (
        consent(channel, purpose, status, moment, where=is_one if each is None else where, **shared),
        consent(
            channel,
            purpose,
            other,
            other_moment,
            where=is_other_told if where is None else where & is_other_told,
            **shared,
        ),
    )


def consent_doubts(*bodies: str) -> tuple[Doubt, ...]:
    """Books what says nothing in the time of a no, in the consents and the consent under each."""
    lists = tuple(no_refusal(f"{body}consents[].revokedAt", item("revokedAt"), f"{body}consents") for body in bodies)
    return lists + tuple(
        no_refusal(f"{body}consent.revokedAt", at(f"{body}consent.revokedAt")) for body in bodies if body
    )


consents = stated_consents(item, each="consents")

# -- customers ---------------------------------------------------------------------------------------------------------

ADDRESS = {
    "type": KEEP,
    "street": TEXT,
    "number": TEXT,
    "complement": TEXT,
    "neighborhood": TEXT,
    "district": TEXT,
    "city": TEXT,
    "state": TEXT,
    "postalCode": TEXT,
    "country": TEXT,
    "reference": KEEP,
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


DRAFT_CUSTOMER = {
    "identifier": IDENTIFIER,
    "name": TEXT,
    "status": TEXT,
    "document": {"type": KEEP, "value": TEXT, "number": TEXT},
    "contacts": {
        "phones": [{"phone": TEXT, "number": TEXT, "value": TEXT, "extension": TEXT, "type": KEEP, "isPrimary": FLAG}],
        "emails": [{"email": TEXT, "value": TEXT, "type": KEEP, "isPrimary": FLAG}],
    },
    "externalIds": [EXTERNAL_ID],
    "demographics": {"birthDate": TEXT, "gender": TEXT},
    "address": ADDRESS,
    "addresses": [ADDRESS],
    "metadata": METADATA,
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
    "consents": [CONSENT],
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
    *consents,
    about=Profile(
        record_id=pl.coalesce(clean(at("id")), customer_key("identifier")),
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
    doubts=consent_doubts(""),
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
    "consent": {"marketing": consented(FLAG), "updatedAt": TEXT, "legalBasis": KEEP},
    "createdAt": TEXT,
    "updatedAt": TEXT,
}


def transport_customer(wrapper: str | None, *, has: tuple[str, ...]) -> Dialect:
    """The customer of the transport bindings, as a record or wrapped in an object as it is pushed."""
    start = f"{wrapper}." if wrapper else ""
    shape = {wrapper: TRANSPORT_CUSTOMER} if wrapper else TRANSPORT_CUSTOMER
    marketing = at(f"{start}consent.marketing")
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
        consent(
            pl.lit("all"),
            pl.lit("marketing"),
            marketing,
            first_given(at(f"{start}consent.updatedAt"), at(f"{start}updatedAt")),
            where=given(marketing),
        ),
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
        tells={} if wrapper else {"name": ANY_WORD},
    )


CUSTOMERS = (
    draft_customer,
    rc2_customer,
    transport_customer(None, has=("id",)),
    transport_customer("customer", has=("customer",)),
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
        checks=(Check("missing_identity", "id", ~given(columns["lead_id"]) & ~given(value)),),
        kinds=("lead",),
        tells={"name": ANY_WORD, "source": ANY_WORD},
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
    **LEAD_COLUMNS,
)
TRANSPORT_LEAD = {"id": TEXT, "source": TEXT, "status": KEEP, "customerRef": TEXT}


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
