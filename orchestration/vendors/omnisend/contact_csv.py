"""Contacts as the export button writes them: CSV with a column per channel."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
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
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import (
    consent_said,
    consent_word,
    is_no,
    no_since,
    stated_time,
    yes_since,
)
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


def csv_contact(name: str) -> Dialect:
    """A row of the import or of an export. Blank cells are left out of it, so no column alone identifies it: none of
    those that only JSON has may be there."""

    def cell(column: str) -> pl.Expr:
        return first_given(*(at(header) for header in CSV_COLUMNS[column]))

    def consent(channel: str, status: str, since: pl.Expr) -> Rows:
        return rows(
            "customer_consents",
            where=given(since),
            channel=pl.lit(channel),
            purpose=pl.lit("marketing"),
            status=pl.lit(status),
            effective_at=time(since, else_export_date=True, date_only_hour=NOON),
        )

    def dated(channel: str) -> tuple[Rows, Rows]:
        agreed, refused = cell(f"{channel}_opt_in"), cell(f"{channel}_opt_out")
        return consent(channel, "opt_in", yes_since(agreed)), consent(channel, "opt_out", no_since(refused, agreed))

    region = first_given(cell("country_code"), cell("country"))
    about = Profile(
        record_id=contact_key(cell("contact_id"), cell("email"), dialled(cell("phone")), region),
        identifiers=(
            Identifier("contact_id", cell("contact_id"), "contactID"),
            Identifier("email", cell("email"), "Email"),
            Identifier("phone", dialled(cell("phone")), "Phone", region=region),
        ),
    )
    columns = rows(
        "customers",
        created_at=time(cell("created_at")),
        source_updated_at=time(cell("updated_at")),
        first_name=cell("first_name"),
        last_name=cell("last_name"),
        gender_raw=cell("gender"),
        birth_date=cell("birth_date"),
        country_raw=region,
        state_raw=cell("state"),
        city=cell("city"),
        postal_code=cell("postal_code"),
        address_line_1=cell("address"),
    )
    tags = rows(
        "segment_memberships",
        each=cell("tags").str.split(","),
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase(),
        segment_name=item().str.strip_chars(),
        kind=pl.lit("tag"),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )

    def state(channel: str) -> Rows:
        """The word for the channel, where no date says more; a no beside the date of a yes alone came after it."""
        stated, agreed = cell(f"{channel}_status"), cell(f"{channel}_opt_in")
        return rows(
            "customer_consents",
            where=given(stated)
            & (~given(yes_since(agreed)) | is_no(stated))
            & ~given(no_since(cell(f"{channel}_opt_out"), agreed)),
            channel=pl.lit(channel),
            purpose=pl.lit("marketing"),
            status=consent_word(stated),
            status_raw=stated,
            effective_at=time(else_export_date=True),
        )

    top = pl.when(given(cell("email"))).then(pl.lit("email")).otherwise(pl.lit("sms"))
    is_reported = pl.any_horizontal(
        (top == channel)
        & pl.any_horizontal(given(cell(f"{channel}_{name}")) for name in ("opt_in", "opt_out", "status"))
        for channel in ("email", "sms")
    )
    word = rows(
        "customer_consents",
        where=given(cell("status")) & (~is_reported | is_no(cell("status"))),
        channel=top,
        purpose=pl.lit("marketing"),
        status=consent_word(cell("status")),
        status_raw=cell("status"),
        effective_at=time(cell("status_date"), else_export_date=True),
    )
    # A yes to having unsubscribed, or the time of it, is a no.
    refused = stated_time(cell("unsubscribed"))
    unsubscribed = rows(
        "customer_consents",
        where=given(refused),
        channel=top,
        purpose=pl.lit("marketing"),
        status=pl.lit("opt_out"),
        status_raw=refused,
        effective_at=time(pl.when(consent_said(refused).is_null()).then(refused), else_export_date=True),
    )
    consents = [*(row for one in CHANNELS for row in dated(one)), *map(state, CHANNELS), word, unsubscribed]
    issue_rules = (
        *(no_refusal(CSV_COLUMNS[f"{one}_opt_out"][0], cell(f"{one}_opt_out")) for one in CHANNELS),
        *(no_agreement(CSV_COLUMNS[f"{one}_opt_in"][0], cell(f"{one}_opt_in")) for one in CHANNELS),
        no_refusal("Unsubscribed", cell("unsubscribed")),
    )
    shape = dict.fromkeys([header for written in CSV_COLUMNS.values() for header in written], TEXT)
    lacks = tuple(header for header in CONTACT if header not in shape)
    return dialect(
        name,
        "contact",
        shape,
        columns,
        *consents,
        tags,
        exported_segment,
        about=about,
        lacks=lacks,
        issue_rules=issue_rules,
        kinds=("contact",),
    )
