"""Contacts as they are pushed and exported, JSON and CSV."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    raw,
)
from orchestration.mapping.model import ANY_WORD, Dialect, dialect
from orchestration.mapping.record_schema import EXTRA, FLAG, JSON, SCALAR, TEXT, Pairs
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    Identifier,
    Profile,
    rows,
)
from orchestration.mapping.values import time
from orchestration.parsing.text import clean
from orchestration.vendors.ometria.consents import (
    CHANNEL,
    CHANNEL_CELLS,
    channel_cell_rows,
    channel_rows,
    consent_issues,
    consent_rows,
    keyed_by_person,
    mail_allowed_since,
    mail_allowed_since_in_cells,
)
from orchestration.vendors.ometria.profiles import TAGS
from orchestration.vendors.ometria.words import NO_NEWS

# -- contacts --------------------------------------------------------------------------------------------------------

CONTACT = {
    "@type": NO_NEWS,
    "@collection": TEXT,
    "collection": TEXT,
    "id": TEXT,
    "customer_id": TEXT,
    "profile_id": TEXT,
    "email": TEXT,
    "phone_number": TEXT,
    "prefix": TEXT,
    "firstname": TEXT,
    "middlename": TEXT,
    "lastname": TEXT,
    "suffix": TEXT,
    "name": TEXT,
    "gender": TEXT,
    "date_of_birth": TEXT,
    "country_id": TEXT,
    "timezone": TEXT,
    "store_id": EXTRA,
    "store_ids": EXTRA,
    "tags": [TEXT],
    "properties": JSON,
    "marketing_optin": consented(SCALAR),
    "@force_optin": FLAG,
    "@add_to_lists": EXTRA,
    "@remove_from_lists": EXTRA,
    "@merge": EXTRA,
    "channels": Pairs(CHANNEL),
    "timestamp_acquired": TEXT,
    "timestamp_subscribed": TEXT,
    "timestamp_unsubscribed": TEXT,
    "dt_object_created": TEXT,
    "dt_object_updated": TEXT,
    "dt_object_observed": EXTRA,
    "dt_observed": EXTRA,
    "object_version": EXTRA,
    "source": EXTRA,
}
# Columns of tables: what stands in objects elsewhere.
CELLS = {**CHANNEL_CELLS, "customer.phone_number": TEXT}
CSV_CONTACT = {
    **{name: leaf for name, leaf in CONTACT.items() if name not in ("@type", "@collection", "properties", "channels")},
    **CELLS,
    "customer_id": TEXT,
    "@force_optin": SCALAR,
    "properties.*": JSON,
}
# A table may say of every row what it is, and of which collection.
LABELLED_CONTACT = {**CSV_CONTACT, **{name: CONTACT[name] for name in ("@type", "@collection", "@force_optin")}}


def _contact_dialect(
    name: str, shape: dict[str, object], *, has: tuple[str, ...], lacks: tuple[str, ...], says_unknown: bool
) -> Dialect:
    phone = first_given(*(at(name) for name in ("phone_number", "customer.phone_number") if name in shape))
    collection = first_given(*(at(name) for name in ("@collection", "collection") if name in shape)).str.strip_chars()
    key = keyed_by_person(at("id"), phone, at("country_id"))
    customers = rows(
        "customers",
        created_at=time(at("dt_object_created")),
        source_updated_at=time(at("dt_object_updated")),
        acquired_at=time(at("timestamp_acquired")),
        full_name=at("name"),
        name_prefix=at("prefix"),
        first_name=at("firstname"),
        middle_name=at("middlename"),
        last_name=at("lastname"),
        name_suffix=at("suffix"),
        gender_raw=at("gender"),
        birth_date=at("date_of_birth"),
        timezone=at("timezone"),
        country_raw=at("country_id"),
        attributes=raw("properties" if "properties" in shape else "properties.*"),
    )
    is_nested = "channels" in shape
    agreed = at("timestamp_subscribed")
    consents = consent_rows(
        yes=agreed,
        no=at("timestamp_unsubscribed"),
        known_since=first_given(at("timestamp_acquired"), at("dt_object_created")),
        changed=at("dt_object_updated"),
        forced=at("@force_optin"),
        allowed=mail_allowed_since() if is_nested else mail_allowed_since_in_cells(),
        says_unknown=says_unknown,
    )
    about = Profile(
        record_id=pl.when(key.is_not_null()).then(
            pl.concat_str(clean(collection), key, separator=":", ignore_nulls=True)
        ),
        identifiers=(
            Identifier("contact_id", at("id"), "id", namespace=clean(collection)),
            Identifier("customer_id", at("customer_id"), "customer_id"),
            Identifier("profile_id", at("profile_id"), "profile_id"),
            Identifier("email", at("email"), "email"),
            Identifier("phone", phone, "phone_number", region=at("country_id")),
        ),
    )
    channels = (channel_rows if is_nested else channel_cell_rows)(at("dt_object_updated"), agreed=agreed)
    return dialect(
        name,
        "contact",
        shape,
        customers,
        *consents,
        *channels,
        *TAGS,
        about=about,
        has=has,
        lacks=lacks,
        issue_rules=consent_issues("timestamp_subscribed", "timestamp_unsubscribed"),
        kinds=("contact",),
        marks={"name": ANY_WORD},
    )


CONTACTS = (
    _contact_dialect("ometria.contact", CONTACT, has=("@collection",), lacks=tuple(CELLS), says_unknown=True),
    _contact_dialect(
        "ometria.connector_contact",
        {name: leaf for name, leaf in CONTACT.items() if name != "@collection"},
        has=("@type",),
        lacks=("@collection", *CELLS),
        says_unknown=True,
    ),
    _contact_dialect("ometria.csv_contact", CSV_CONTACT, has=(), lacks=("@type", "@collection"), says_unknown=False),
    _contact_dialect(
        "ometria.csv_labelled_contact",
        LABELLED_CONTACT,
        has=(),
        lacks=("properties", "channels"),
        says_unknown=False,
    ),
)
