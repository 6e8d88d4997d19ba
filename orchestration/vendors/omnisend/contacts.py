"""Contacts: identifiers, attributes, consents by channel, tags and segments."""

from collections.abc import Callable

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    file_value,
    filled,
    first_given,
    given,
    item,
    pairs,
    parent,
    phone_number,
    raw,
)
from orchestration.mapping.record_schema import EXTRA, JSON, TEXT, Pairs
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    Identifier,
    Profile,
    Rows,
    rows,
    unknown_word,
)
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import (
    consent_said,
    consent_word,
    is_no,
    is_unknown,
    last_time,
    translated,
)
from orchestration.parsing import ids
from orchestration.vendors.omnisend.consents import (
    _is_unreported,
    agreed_last,
    between_commas,
    channel,
    listed_channels,
    opted,
    opted_out_again,
    statement,
    status_time,
    taken_back,
)
from orchestration.vendors.omnisend.events import OPTED, STATUS_TIMES
from orchestration.vendors.omnisend.words import EMPTY, IDENTIFIER_TYPE, dialled

# -- contacts --------------------------------------------------------------------------------------------------------

CONTACT = {
    "contactID": TEXT,
    "id": TEXT,
    "email": TEXT,
    "phone": JSON,
    "createdAt": TEXT,
    "updatedAt": TEXT,
    "firstName": TEXT,
    "lastName": TEXT,
    "country": TEXT,
    "countryCode": TEXT,
    "state": TEXT,
    "city": TEXT,
    "postalCode": TEXT,
    "address": TEXT,
    "gender": TEXT,
    "birthdate": TEXT,
    "tags": [TEXT],
    "segments": [TEXT],
    "status": consented(TEXT),
    **dict.fromkeys(STATUS_TIMES, TEXT),
    "statuses": [{"channel": TEXT, "status": consented(TEXT), **dict.fromkeys(STATUS_TIMES, TEXT)}],
    "identifiers": [
        {
            "id": TEXT,
            "type": TEXT,
            "channels": Pairs({"status": consented(TEXT), **dict.fromkeys(STATUS_TIMES, TEXT)}),
            "consent": {"source": TEXT, "createdAt": EXTRA, "ip": TEXT, "userAgent": TEXT},
            "optInAt": TEXT,
            "sendWelcomeMessage": EXTRA,
        }
    ],
    "optIns": [OPTED],
    "optOuts": [OPTED],
    "doubleOptIns": EXTRA,
    "consents": EXTRA,
    "customProperties": JSON,
}


def _identifier_type(stated: pl.Expr, value: pl.Expr) -> pl.Expr:
    """What an identifier is, by its word or, without one, by its look; one of a word that is not known is kept as the
    shop's own."""
    looks = pl.when(value.str.contains("@", literal=True)).then(pl.lit("email")).otherwise(pl.lit("phone"))
    return pl.when(given(stated)).then(translated(stated, IDENTIFIER_TYPE).fill_null("custom")).otherwise(looks)


def _identifier_of(kind: str) -> pl.Expr:
    """First of the contact's identifiers of a kind."""
    element = pl.element().struct
    return (
        at("identifiers")
        .list.eval(pl.when(element.field("type").str.to_lowercase() == kind).then(element.field("id")))
        .list.drop_nulls()
        .list.first()
    )


_PLAIN = r'(?:"(?:[^"\\]|\\.)*"|[^\s\[\]{}",]+)'
is_phone = raw("phone").str.contains(rf"^\s*(?:{_PLAIN}|\[\s*(?:{_PLAIN}(?:\s*,\s*{_PLAIN})*)?\s*\])\s*$")


def _phones() -> pl.Expr:
    """One number or a list of them, as text or, without its plus, as number."""
    element = pl.element()
    number = (
        pl.when(element.str.contains(r"^[1-9][0-9]{7,14}$"))
        .then(pl.concat_str(pl.lit("+"), element))
        .when(element != "null")
        .then(element)
    )
    number_or_text = pl.when(element.str.starts_with('"')).then(dialled(element.str.strip_chars('"'))).otherwise(number)
    return pl.when(is_phone).then(raw("phone")).str.extract_all(_PLAIN).list.eval(number_or_text)


def contact_key(contact_id: pl.Expr, address: pl.Expr, number: pl.Expr, region: pl.Expr) -> pl.Expr:
    return pl.coalesce(
        ids.identifier(contact_id, "contact_id"),
        pl.concat_str(pl.lit("email:"), email_address(address)),
        pl.concat_str(pl.lit("phone:"), phone_number(number, region)),
    )


contact_id = first_given(at("contactID"), at("id"))
contact_region = first_given(at("countryCode"), at("country"))
contact = Profile(
    record_id=contact_key(
        contact_id,
        first_given(at("email"), _identifier_of("email")),
        first_given(_phones().list.first(), dialled(_identifier_of("phone"))),
        contact_region,
    ),
    identifiers=(
        Identifier("contact_id", contact_id, "contactID"),
        Identifier("email", at("email"), "email", is_primary=pl.lit(value=True)),
        Identifier("phone", item(), "phone", each=_phones(), region=contact_region, is_primary=pl.lit(value=True)),
        Identifier(
            _identifier_type(item("type"), item("id")),
            dialled(item("id")),
            "identifiers[].id",
            each="identifiers",
            namespace=pl.when(is_unknown(item("type"), IDENTIFIER_TYPE)).then(item("type").str.strip_chars()),
            region=contact_region,
        ),
    ),
)
unknown_identifiers = unknown_word("identifiers[].type", item("type"), IDENTIFIER_TYPE, "identifiers")
customers = rows(
    "customers",
    created_at=time(at("createdAt")),
    source_updated_at=time(at("updatedAt")),
    first_name=at("firstName"),
    last_name=at("lastName"),
    gender_raw=at("gender"),
    birth_date=at("birthdate"),
    country_raw=first_given(at("countryCode"), at("country")),
    state_raw=at("state"),
    city=at("city"),
    postal_code=at("postalCode"),
    address_line_1=at("address"),
    attributes=raw("customProperties"),
)


def segment_rows(path: str, kind: str) -> tuple[Rows, Rows]:
    member = rows(
        "segment_memberships",
        each=path,
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase() if kind == "tag" else item(),
        segment_name=item().str.strip_chars() if kind == "tag" else EMPTY,
        kind=pl.lit(kind),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )
    nobody = rows(
        "segment_memberships",
        where=at(path).is_not_null() & ~filled(at(path)),
        kind=pl.lit(kind),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )
    return member, nobody


# A channel without a status, as in files of records with all fields, is no word on it.
channel_status = pl.element().struct.field("value").struct.field("status")
reported_by_identifiers = between_commas(
    pl.col("item_pairs:identifiers:channels").list.eval(
        pl.element().list.eval(pl.element().struct.field("key").filter(given(channel_status))).list.join(",")
    )
)
is_reported_last = (
    given(item("channel"))
    & _is_unreported(item("channel"), reported_by_identifiers)
    & _is_unreported(item("channel"), listed_channels(at("statuses")))
)
top_channel = (
    pl.when(given(at("email")) | given(_identifier_of("email"))).then(pl.lit("email")).otherwise(pl.lit("sms"))
)


def _in_channel(name: str) -> pl.Expr:
    return item("value").struct.field(name)


def _stated(
    field: Callable[[str], pl.Expr],
    channel: pl.Expr,
    *,
    where: pl.Expr | None = None,
    each: str | tuple[str, ...] | None = None,
    agreed: tuple[pl.Expr, ...] = (),
    elsewhere: tuple[pl.Expr, ...] = (),
    **more: pl.Expr,
) -> tuple[Rows, Rows]:
    """A status, and the refusal whose time stands beside it where it is none; one that is stated elsewhere too counts
    `where` it is not, and a no always."""
    status = field("status")
    is_said = given(status) & (pl.lit(value=True) if where is None else where | is_no(status))
    since = status_time(field, *agreed, elsewhere=elsewhere)
    refused_at = time(field("optOutAt"), else_export_date=True)
    return (
        statement(channel, consent_word(status), status, since, is_said, each=each, **more),
        statement(channel, pl.lit("opt_out"), status, refused_at, taken_back(field), each=each, **more),
    )


agreed_by_identifiers = last_time(
    pl.col("item_pairs:identifiers:channels").list.eval(agreed_last(pl.element(), pl.element().struct.field("value")))
)
agreed_in_statuses = agreed_last(at("statuses"), pl.element())
# A yes stands in several places and counts once. A no counts wherever it stands: it may be the later word.
contact_consents = (
    *_stated(
        _in_channel,
        item("key"),
        each=("identifiers", pairs("channels")),
        agreed=(parent("optInAt"),),
        id_type=_identifier_type(parent("type"), parent("id")),
        id_value=dialled(parent("id")),
        consent_source=parent("consent.source"),
        ip=parent("consent.ip"),
        user_agent=parent("consent.userAgent"),
    ),
    *_stated(
        item,
        channel(consent_said(item("status"))),
        each="statuses",
        where=_is_unreported(item("channel"), reported_by_identifiers),
        elsewhere=(agreed_by_identifiers,),
    ),
    # The word at the top is of the channel that the contact is known by.
    *_stated(
        at,
        top_channel,
        where=_is_unreported(top_channel, reported_by_identifiers)
        & _is_unreported(top_channel, listed_channels(at("statuses"))),
        elsewhere=(agreed_by_identifiers, agreed_in_statuses),
    ),
    opted("optOuts", "opt_out", elsewhere=(agreed_by_identifiers, agreed_in_statuses)),
    opted_out_again("optIns"),
    opted("optIns", "opt_in", where=is_reported_last),
)
# A segment exported by hand has its id in the name of the file alone.
exported_segment = rows(
    "segment_memberships",
    where=file_value().is_not_null(),
    segment_id=file_value(),
    kind=pl.lit("dynamic_segment"),
    state=pl.lit("member"),
    observed_at=time(else_export_date=True),
    is_full_snapshot=Typed(pl.lit(value=False)),
)
