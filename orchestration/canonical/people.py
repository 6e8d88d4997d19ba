"""Attributes of a person: each said once, for staging, survivorship, marts and rules alike."""

from dataclasses import dataclass

from orchestration.canonical.table_model import Column, Kind

PERSON_ATTRIBUTES: tuple[Column, ...] = (
    Column("full_name", "text", "Whole name as given.", personal=True),
    Column("first_name", "text", "Given name as delivered.", personal=True),
    Column("middle_name", "text", "Middle name as delivered.", personal=True),
    Column("last_name", "text", "Family name as delivered.", personal=True),
    Column("name_prefix", "text", "Title before the name.", personal=True),
    Column("name_suffix", "text", "Suffix after the name.", personal=True),
    Column(
        "first_name_key",
        "text",
        "Given name for comparing: repaired, in Latin letters, no accents, no titles, words parted by a blank.",
        personal=True,
    ),
    Column("last_name_key", "text", "Family name for comparing.", personal=True),
    Column("full_name_key", "text", "Whole name for comparing.", personal=True),
    Column("gender", "code", "f, m or x; null if the vendor does not say.", personal=True, values=("f", "m", "x")),
    Column("gender_raw", "text", "Gender in the vendor's words.", personal=True),
    Column("birth_date", "date", "Date of birth; null if it cannot be one.", personal=True),
    Column("language", "text", "Language tag as given. No vendor delivers it so far."),
    Column("timezone", "text", "IANA time zone of the person as given."),
    Column("country_raw", "text", "Country in the vendor's words."),
    Column("country_code", "code", "ISO 3166-1 alpha-2 country."),
    Column("state_raw", "text", "State or province as given."),
    Column("state_code", "code", "State or province as its short code, where the country has such codes."),
    Column("city", "text", "City of the address as delivered.", personal=True),
    Column("district", "text", "District or neighbourhood.", personal=True),
    Column("postal_code", "text", "Postal code as text.", personal=True),
    Column("address_line_1", "text", "Street and house number as delivered.", personal=True),
    Column("address_line_2", "text", "Rest of the address.", personal=True),
    Column("latitude", "double", "Latitude of the address in degrees.", personal=True),
    Column("longitude", "double", "Longitude of the address in degrees.", personal=True),
)


@dataclass(frozen=True)
class Attribute:
    """An attribute of a person in the customer tables, from the record that is believed most.

    `columns` of the staging tables report it; one without any is an identifier. Attributes of one `part` are reported
    and survive together. `is_added` ones stand after the columns that the customer tables had at first, for a column
    never moves."""

    name: str
    kind: Kind
    description: str
    columns: tuple[str, ...]
    part: str
    personal: bool = True
    is_added: bool = False


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "first_name", "text", "Given name; null where no record has one that may be shown.", ("first_name",), "name"
    ),
    Attribute(
        "last_name", "text", "Family name; null where no record has one that may be shown.", ("last_name",), "name"
    ),
    Attribute(
        "full_name",
        "text",
        "Whole name as given, else first and last name; null where neither may be shown.",
        ("full_name",),
        "name",
    ),
    Attribute("email", "text", "Best e-mail address; placeholders are never shown.", (), "email"),
    Attribute("phone", "text", "Best phone number, E.164.", (), "phone"),
    Attribute(
        "birth_date",
        "date",
        "Date of birth; null if unknown or one of seed date_placeholders.",
        ("birth_date",),
        "birth_date",
        is_added=True,
    ),
    Attribute("gender", "code", "f, m or x; null if no vendor says.", ("gender",), "gender"),
    Attribute(
        "city", "text", "City of the address; it survives together with state and postal code.", ("city",), "place"
    ),
    Attribute(
        "state",
        "text",
        "State, as its short code where the country has such codes.",
        ("state_raw", "state_code"),
        "place",
        personal=False,
    ),
    Attribute(
        "country",
        "text",
        "ISO 3166-1 alpha-2 country where it could be determined.",
        ("country_raw", "country_code"),
        "country",
        personal=False,
    ),
    Attribute(
        "postal_code", "text", "Postal code of the address, as text; leading zeros stay.", ("postal_code",), "place"
    ),
    Attribute(
        "language",
        "text",
        "Language tag as the vendor gives it, such as de or pt-BR. No vendor delivers it so far.",
        ("language",),
        "language",
        personal=False,
    ),
    *(
        Attribute(
            column.name, column.kind, column.description, (column.name,), column.name, column.personal, is_added=True
        )
        for column in PERSON_ATTRIBUTES
        if column.survives
    ),
)
