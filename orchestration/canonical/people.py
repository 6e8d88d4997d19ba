"""Attributes of a person: each said once, for staging, survivorship, marts and rules alike."""

from dataclasses import dataclass

from orchestration.canonical.table_model import Column, Kind, column

PERSON_ATTRIBUTES: tuple[Column, ...] = (
    column("full_name", "text", "Whole name as given.", personal=True),
    column("first_name", "text", "Given name as delivered.", personal=True),
    column("middle_name", "text", "Middle name as delivered.", personal=True),
    column("last_name", "text", "Family name as delivered.", personal=True),
    column("name_prefix", "text", "Title before the name.", personal=True),
    column("name_suffix", "text", "Suffix after the name.", personal=True),
    column(
        "first_name_key",
        "text",
        "Given name for comparing: repaired, in Latin letters, no accents, no titles, words parted by a blank.",
        personal=True,
    ),
    column("last_name_key", "text", "Family name for comparing.", personal=True),
    column("full_name_key", "text", "Whole name for comparing.", personal=True),
    column("gender", "code", "f, m or x; null if the vendor does not say.", personal=True, values=("f", "m", "x")),
    column("gender_raw", "text", "Gender in the vendor's words.", personal=True),
    column("birth_date", "date", "Date of birth; null if it cannot be one.", personal=True),
    column("language", "text", "Language tag as given."),
    column("timezone", "text", "IANA time zone of the person as given."),
    column("country_raw", "text", "Country in the vendor's words."),
    column("country_code", "code", "ISO 3166-1 alpha-2 country."),
    column("state_raw", "text", "State or province as given."),
    column("state_code", "code", "State or province as its short code, where the country has such codes."),
    column("city", "text", "City of the address as delivered.", personal=True),
    column("district", "text", "District or neighbourhood.", personal=True),
    column("postal_code", "text", "Postal code as text.", personal=True),
    column("address_line_1", "text", "Street and house number as delivered.", personal=True),
    column("address_line_2", "text", "Rest of the address.", personal=True),
    column("latitude", "double", "Latitude of the address in degrees.", personal=True),
    column("longitude", "double", "Longitude of the address in degrees.", personal=True),
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
        "Language tag as the vendor gives it, such as de or pt-BR.",
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
