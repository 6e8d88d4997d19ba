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
    no_refusal,
    rows,
)
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import (
    consent_word,
    no_since,
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
    "email_opt_out": ("Email Opt-out Date", "Opt-out Date", "Unsubscribe Date"),
    "sms_opt_in": ("SMS Opt-in Date",),
    "sms_opt_out": ("SMS Opt-out Date",),
    "email_status": ("Email Status", "Email Subscription Status"),
    "sms_status": ("SMS Status", "SMS Subscription Status"),
}
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
        """The word for the channel, where no date says more."""
        stated = cell(f"{channel}_status")
        return rows(
            "customer_consents",
            where=given(stated)
            & ~given(cell(f"{channel}_opt_in"))
            & ~given(no_since(cell(f"{channel}_opt_out"), cell(f"{channel}_opt_in"))),
            channel=pl.lit(channel),
            purpose=pl.lit("marketing"),
            status=consent_word(stated),
            status_raw=stated,
            effective_at=time(else_export_date=True),
        )

    consents = [*dated("email"), *dated("sms"), state("email"), state("sms")]
    issue_rules = tuple(no_refusal(CSV_COLUMNS[column][0], cell(column)) for column in ("email_opt_out", "sms_opt_out"))
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
