"""What a column and a table of the canonical schema are, and the columns that many tables share."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

Kind = Literal[
    "id", "text", "code", "money", "decimal", "number", "integer", "double", "flag", "time", "date", "json", "texts"
]

DUCKDB_TYPES: dict[Kind, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "code": "VARCHAR",
    "money": "DECIMAL(18,4)",
    "decimal": "DECIMAL(18,4)",
    "number": "DECIMAL(38,6)",
    "integer": "BIGINT",
    "double": "DOUBLE",
    "flag": "BOOLEAN",
    "time": "TIMESTAMPTZ",
    "date": "DATE",
    "json": "JSON",
    "texts": "VARCHAR[]",
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    `required` and `unparseable` are reason codes: a record with that value missing, or given but not readable as
    `kind`, is rejected with them. Without a code the value becomes null and a field issue keeps it as given. `values`
    lists all a code may be, `spellings` what else stands for one of them, lower case and without blanks, hyphens and
    underscores; anything else counts as unreadable. `inferred_flag` is the column beside a time that says that the
    time, or its zone, was not given; the start of the export date then stands in. `says_when` ranks the times of a row
    by which the contact it carries was seen: the lowest that is given counts. One of a person that `survives` is an
    attribute of the customer tables too, from the record that is believed most."""

    name: str
    kind: Kind
    description: str
    _: KW_ONLY
    personal: bool = False
    required: str | None = None
    unparseable: str | None = None
    values: tuple[str, ...] = ()
    spellings: Mapping[str, str] = field(default_factory=dict, hash=False)
    inferred_flag: str | None = None
    says_when: int | None = None
    survives: bool = False

    @property
    def duckdb_type(self) -> str:
        return DUCKDB_TYPES[self.kind]

    @property
    def meaning(self) -> str:
        """What a value means and, of a code, all that it can be."""
        unreported = self.values if any(value not in self.description for value in self.values) else ()
        return f"{self.description} One of: {', '.join(unreported)}." if unreported else self.description


@dataclass(frozen=True)
class Table:
    """One canonical table: its grain in words, what it holds, and its own columns (the common ones come first).

    `key` is the column that a row is known by; rows of tables without one are known by their record. The key is derived
    from the content where the vendor gives none if `is_key_derived`, and the same key with the same content is a
    duplicate over all deliveries if `is_known_by_content`. `change_keys` name what a row shares with rows that may
    decide about it (`warehouse/change_keys.py` says how each is written); a table without any decides about nobody's
    rows but through models that read it whole.
    """

    name: str
    grain: str
    description: str
    columns: tuple[Column, ...]
    key: str | None = None
    is_key_derived: bool = False
    is_known_by_content: bool = False
    change_keys: tuple[str, ...] = ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return COMMON + self.columns

    @property
    def times_seen(self) -> list[Column]:
        """The times by which a contact was seen, the most telling first."""
        return sorted((column for column in self.columns if column.says_when), key=lambda column: column.says_when or 0)

    def column(self, name: str) -> Column:
        return next(column for column in self.all_columns if column.name == name)


COMMON: tuple[Column, ...] = (
    Column("source", "code", "Vendor that delivered the record."),
    Column("source_account", "id", "Tenant at the vendor, from configuration and never from data."),
    Column("stream", "code", "Stream of the landing path the record came by."),
    Column(
        "source_entity", "code", "What the record is at the vendor: profile, contact, customer, order, event and so on."
    ),
    Column("source_dialect", "code", "Shape of the vendor's format the record was read as."),
    Column("export_date", "date", "Export date of the first delivery of this content."),
    Column(
        "last_export_date",
        "date",
        "Latest export date that delivered exactly this content again; orders and events only, else the export date.",
    ),
    Column(
        "load_seq",
        "integer",
        "Our arrival order of the file; says what is still to be looked at, never which version wins.",
    ),
    Column("source_record_id", "id", "The vendor's own key of the record, else a derived one.", personal=True),
    Column(
        "record_hash",
        "id",
        "SHA-256 of the record as delivered, blanks, the order of keys and the spelling of numbers aside; of an event"
        " with its content as its id, of that.",
    ),
    Column("source_file", "text", "Path of the landing file, relative to the data folder."),
    Column("source_row", "integer", "Number of the record in its file, from 1."),
    Column(
        "extracted_at",
        "time",
        "When the vendor made the export: the start of the export date unless the file says more.",
    ),
    Column("extra", "json", "Fields of the record that have no column of their own, by dotted path.", personal=True),
)

# A row about a person that is no profile of one belongs to a vendor record: this column says to which.
OWNER = Column(
    "owner_record_id",
    "id",
    "Record the row belongs to: a profile's source_record_id, or the `derived:` id of the identifiers the row itself"
    " carries.",
    personal=True,
)
PROFILE = Column(
    "source_profile_id", "id", "The vendor's id of the profile the row names; null if it names none.", personal=True
)
ORDER_REFERENCE = Column("source_order_id", "id", "The vendor's id of the order.")
CURRENCY = Column("currency", "code", "ISO 4217 code of every amount in the row.", unparseable="bad_currency")
UPDATED = Column(
    "source_updated_at",
    "time",
    "When the vendor last changed the record that says so: of two on one export date the later counts.",
)
