"""Contacts as the export button writes them: CSV with a column per channel."""

from collections.abc import Iterator
from functools import cache

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
    shared,
)
from orchestration.mapping.model import CsvForm, Dialect, dialect
from orchestration.mapping.record_schema import TEXT
from orchestration.mapping.selects import (
    Identifier,
    Profile,
    Rows,
    no_agreement,
    no_refusal,
    rows,
)
from orchestration.mapping.values import Time, Typed, time
from orchestration.mapping.words import (
    consent_said,
    consent_word,
    is_no,
    is_no_last,
    no_since,
    stated_time,
    yes_since,
)
from orchestration.vendors.omnisend.consents import statement
from orchestration.vendors.omnisend.contacts import CONTACT, contact_key, exported_segment
from orchestration.vendors.omnisend.words import dialled

# -- contacts as CSV -------------------------------------------------------------------------------------------------

# Columns as the import page names them, and those of the interface that it does not know.
CSV_COLUMNS = {
    "contact_id": ("contactID", "id"),
    "created_at": ("createdAt",),
    "updated_at": ("updatedAt",),
    "email": ("Email", "Email Address"),
    "phone": ("Phone", "Phone Number", "Mobile", "Mobile Number", "Mobile Phone"),
    "first_name": ("First Name",),
    "last_name": ("Last Name",),
    "birth_date": ("Birthdate", "Birthday", "Date of Birth"),
    "gender": ("Gender",),
    "address": ("Address",),
    "city": ("City",),
    "state": ("State",),
    "postal_code": ("Postal Code", "Zip", "Zip Code", "Postcode"),
    "country": ("Country",),
    "country_code": ("Country Code",),
    "tags": ("Tags",),
    "email_opt_in": ("Email Opt-in Date", "Opt-in Date"),
    "email_opt_out": ("Email Opt-out Date", "Opt-out Date", "Email Unsubscribe Date", "Unsubscribe Date"),
    "sms_opt_in": ("SMS Opt-in Date",),
    "sms_opt_out": ("SMS Opt-out Date", "SMS Unsubscribe Date"),
    "push_opt_in": ("Push Opt-in Date",),
    "push_opt_out": ("Push Opt-out Date",),
    "email_status": ("Email Status", "Email Subscription Status", "Email Consent"),
    "sms_status": ("SMS Status", "SMS Subscription Status", "SMS Consent", "Phone Status"),
    "push_status": ("Push Status", "Push Subscription Status", "Push Consent"),
    # The word at the top of a contact of the interface, of the channel it is known by.
    "status": ("status", "Subscription Status", "Subscribed", "Accepts Marketing"),
    "status_date": ("statusDate", "statusChangedAt"),
    "unsubscribed": ("Unsubscribed",),
}
CHANNELS = ("email", "sms", "push")
CSV_FORM = CsvForm(names=tuple(header for written in CSV_COLUMNS.values() for header in written))
NOON = 12
NONE = pl.lit(None, pl.String)


@cache
def _cell(column: str) -> pl.Expr:
    """What one of the headers of the column holds."""
    return shared(first_given(*(at(header) for header in CSV_COLUMNS[column])))


region = first_given(_cell("country_code"), _cell("country"))
about = Profile(
    record_id=contact_key(_cell("contact_id"), _cell("email"), dialled(_cell("phone")), region),
    identifiers=(
        Identifier("contact_id", _cell("contact_id"), "contactID"),
        Identifier("email", _cell("email"), "Email"),
        Identifier("phone", dialled(_cell("phone")), "Phone", region=region),
    ),
)
customers = rows(
    "customers",
    created_at=time(_cell("created_at")),
    source_updated_at=time(_cell("updated_at")),
    first_name=_cell("first_name"),
    last_name=_cell("last_name"),
    gender_raw=_cell("gender"),
    birth_date=_cell("birth_date"),
    country_raw=region,
    state_raw=_cell("state"),
    city=_cell("city"),
    postal_code=_cell("postal_code"),
    address_line_1=_cell("address"),
)
tags = rows(
    "segment_memberships",
    each=_cell("tags").str.split(","),
    where=given(item()),
    segment_id=item().str.strip_chars().str.to_lowercase(),
    segment_name=item().str.strip_chars(),
    kind=pl.lit("tag"),
    state=pl.lit("member"),
    observed_at=time(else_export_date=True),
    is_full_snapshot=Typed(pl.lit(value=True)),
)

# -- consents ----------------------------------------------------------------------------------------------------------


def _since(*stated: pl.Expr, after: pl.Expr) -> Time:
    """A date, which means noon; what it says came `after` another."""
    return time(*stated, else_export_date=True, date_only_hour=NOON, not_before=(after,))


def _dated(channel: str, status: str, since: pl.Expr, after: pl.Expr = NONE) -> Rows:
    """A yes or no by its date alone."""
    return statement(pl.lit(channel), pl.lit(status), pl.lit(None, pl.String), _since(since, after=after), given(since))


def _stated(channel: str) -> Rows:
    """The word for the channel, where no date says more; a no came after the date of a yes beside it."""
    stated, (agreed, refused) = _cell(f"{channel}_status"), _dates(channel)
    says_more = pl.when(is_no(stated)).then(~is_no_last(refused, agreed)).otherwise(~given(agreed) & ~given(refused))
    return statement(
        pl.lit(channel),
        consent_word(stated),
        stated,
        _since(after=pl.when(is_no(stated)).then(agreed)),
        given(stated) & says_more,
    )


@cache
def _dates(channel: str) -> tuple[pl.Expr, pl.Expr]:
    """Since when there is a yes and a no."""
    agreed, refused = _cell(f"{channel}_opt_in"), _cell(f"{channel}_opt_out")
    return shared(yes_since(agreed)), shared(no_since(refused, agreed))


def _of_channel(channel: str) -> Iterator[Rows]:
    agreed, refused = _dates(channel)
    yield _dated(channel, "opt_in", agreed)
    yield _dated(channel, "opt_out", refused, pl.when(is_no_last(refused, agreed)).then(agreed))


top = pl.when(given(_cell("email"))).then(pl.lit("email")).otherwise(pl.lit("sms"))
is_reported = pl.any_horizontal(
    (top == channel) & pl.any_horizontal(given(_cell(f"{channel}_{name}")) for name in ("opt_in", "opt_out", "status"))
    for channel in ("email", "sms")
)
agreed_at_the_top = pl.when(top == "email").then(_dates("email")[0]).otherwise(_dates("sms")[0])
at_the_top = statement(
    top,
    consent_word(_cell("status")),
    _cell("status"),
    time(
        _cell("status_date"),
        else_export_date=True,
        not_before=(pl.when(is_no(_cell("status"))).then(agreed_at_the_top),),
    ),
    given(_cell("status")) & (~is_reported | is_no(_cell("status"))),
)
# A yes to having unsubscribed, or the time of it, is a no.
refused = stated_time(_cell("unsubscribed"))
unsubscribed = statement(
    top,
    pl.lit("opt_out"),
    refused,
    _since(
        pl.when(consent_said(refused).is_null()).then(refused),
        after=pl.when(consent_said(refused).is_not_null()).then(agreed_at_the_top),
    ),
    given(refused),
)


def csv_contact(name: str) -> Dialect:
    """A row of the import or of an export. Blank cells are left out of it, so no column alone identifies it: none of
    those that only JSON has may be there."""
    shape = dict.fromkeys([header for written in CSV_COLUMNS.values() for header in written], TEXT)
    return dialect(
        name,
        "contact",
        shape,
        customers,
        *(row for channel in CHANNELS for row in _of_channel(channel)),
        *map(_stated, CHANNELS),
        at_the_top,
        unsubscribed,
        tags,
        exported_segment,
        about=about,
        lacks=tuple(header for header in CONTACT if header not in shape),
        issue_rules=(
            *(no_refusal(CSV_COLUMNS[f"{one}_opt_out"][0], _cell(f"{one}_opt_out")) for one in CHANNELS),
            *(no_agreement(CSV_COLUMNS[f"{one}_opt_in"][0], _cell(f"{one}_opt_in")) for one in CHANNELS),
            no_refusal("Unsubscribed", _cell("unsubscribed")),
        ),
        kinds=("contact",),
    )
