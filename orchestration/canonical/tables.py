"""The canonical staging tables: every column, its type, meaning, rule and whether it is personal, stated once.

Parsing, rejection, DDL, dbt sources, the data dictionary and personal-data tags are derived from here. Nothing here
knows a vendor, Polars or DuckDB: a kind is a word, and `parsing` and `loader.py` give it a meaning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
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

    `required` and `unparseable` are reason codes: a record whose value is missing, or given but not readable as `kind`,
    is rejected with them. Without a code the value becomes null and a field issue keeps it as given. `values` lists all
    a code may be; anything else counts as unreadable. `inferred_flag` is the column beside a time that says that the
    time, or its zone, was not given; the start of the export date then stands in. `says_when` ranks the times of a row
    by which the contact it carries was seen: the lowest that is given counts. One of a person that `survives` is an
    attribute of the customer tables too, from the record that is believed most.
    """

    name: str
    kind: Kind
    description: str
    personal: bool = False
    required: str | None = None
    unparseable: str | None = None
    values: tuple[str, ...] = ()
    inferred_flag: str | None = None
    says_when: int | None = None
    survives: bool = False

    @property
    def duckdb_type(self) -> str:
        return DUCKDB_TYPES[self.kind]

    @property
    def meaning(self) -> str:
        """What a value means and, of a code, all that it can be."""
        untold = self.values if any(value not in self.description for value in self.values) else ()
        return f"{self.description} One of: {', '.join(untold)}." if untold else self.description


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


def _c(
    name: str,
    kind: Kind,
    description: str,
    *,
    personal: bool = False,
    required: str | None = None,
    unparseable: str | None = None,
    values: tuple[str, ...] = (),
    inferred_flag: str | None = None,
    says_when: int | None = None,
    survives: bool = False,
) -> Column:
    return Column(name, kind, description, personal, required, unparseable, values, inferred_flag, says_when, survives)


COMMON: tuple[Column, ...] = (
    _c("source", "code", "Vendor that delivered the record."),
    _c("source_account", "id", "Tenant at the vendor, from configuration and never from data."),
    _c("stream", "code", "Stream of the landing path the record came by."),
    _c(
        "source_entity", "code", "What the record is at the vendor: profile, contact, customer, order, event and so on."
    ),
    _c("source_dialect", "code", "Shape of the vendor's format the record was read as."),
    _c("export_date", "date", "Night on which this content was first delivered."),
    _c(
        "last_export_date",
        "date",
        "Latest night that delivered exactly this content again; orders and events only, else the export date.",
    ),
    _c(
        "load_seq",
        "integer",
        "Our arrival order of the file; says what is still to be looked at, never which version wins.",
    ),
    _c("source_record_id", "id", "The vendor's own key of the record, else a derived one.", personal=True),
    _c(
        "record_hash",
        "id",
        "SHA-256 of the record as delivered, blanks, the order of keys and the spelling of numbers aside; of an event"
        " whose id is its content, of that.",
    ),
    _c("source_file", "text", "Path of the landing file, relative to the data folder."),
    _c("source_row", "integer", "Number of the record in its file, from 1."),
    _c(
        "extracted_at",
        "time",
        "When the vendor made the export: the start of the export date unless the file says more.",
    ),
    _c("extra", "json", "Fields of the record that have no column of their own, by dotted path.", personal=True),
)

# A row that tells of a person, but is no profile of one, belongs to a vendor record: this column says to which.
OWNER = _c(
    "owner_record_id",
    "id",
    "Record the row belongs to: a profile's source_record_id, or the `derived:` id of the identifiers the row itself"
    " carries.",
    personal=True,
)
PROFILE = _c(
    "source_profile_id", "id", "The vendor's id of the profile the row names; null if it names none.", personal=True
)
ORDER_REFERENCE = _c("source_order_id", "id", "The vendor's id of the order.")
CURRENCY = _c("currency", "code", "ISO 4217 code of every amount in the row.", unparseable="bad_currency")
UPDATED = _c(
    "source_updated_at",
    "time",
    "When the vendor last changed the record that says so: of two in one night the later counts.",
)

PERSON_ATTRIBUTES: tuple[Column, ...] = (
    _c("full_name", "text", "Whole name as given.", personal=True),
    _c("first_name", "text", "Given name as delivered.", personal=True),
    _c("middle_name", "text", "Middle name as delivered.", personal=True),
    _c("last_name", "text", "Family name as delivered.", personal=True),
    _c("name_prefix", "text", "Title before the name.", personal=True),
    _c("name_suffix", "text", "Suffix after the name.", personal=True),
    _c(
        "first_name_key",
        "text",
        "Given name for comparing: mended, in Latin letters, no accents, no titles, words parted by a blank.",
        personal=True,
    ),
    _c("last_name_key", "text", "Family name for comparing.", personal=True),
    _c("full_name_key", "text", "Whole name for comparing.", personal=True),
    _c("gender", "code", "f, m or x; null if the vendor does not say.", personal=True, values=("f", "m", "x")),
    _c("gender_raw", "text", "Gender in the vendor's words.", personal=True),
    _c("birth_date", "date", "Date of birth; null if it cannot be one.", personal=True),
    _c("language", "text", "Language tag as given."),
    _c("timezone", "text", "IANA time zone of the person as given."),
    _c("country_raw", "text", "Country in the vendor's words."),
    _c("country_code", "code", "ISO 3166-1 alpha-2 country."),
    _c("state_raw", "text", "State or province as given."),
    _c("state_code", "code", "State or province as its short code, where the country has such codes."),
    _c("city", "text", "City of the address as delivered.", personal=True),
    _c("district", "text", "District or neighbourhood.", personal=True),
    _c("postal_code", "text", "Postal code as text.", personal=True),
    _c("address_line_1", "text", "Street and house number as delivered.", personal=True),
    _c("address_line_2", "text", "Rest of the address.", personal=True),
    _c("latitude", "double", "Latitude of the address in degrees.", personal=True),
    _c("longitude", "double", "Longitude of the address in degrees.", personal=True),
)


@dataclass(frozen=True)
class Attribute:
    """An attribute of a person in the customer tables, from the record that is believed most.

    `columns` of the staging tables tell it; one without any is an identifier. Attributes of one `part` are told and
    survive together. `is_added` ones stand after the columns that the customer tables had at first, for a column never
    moves.
    """

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
        "ISO 3166-1 alpha-2 country where it could be told.",
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

IDENTIFIER_TYPES = (
    "email",
    "phone",
    "document",
    "customer_id",
    "external_id",
    "profile_id",
    "contact_id",
    "vuid",
    "push_token",
    "tracking_id",
    "custom",
)
ORDER_STATUSES = (
    "unknown",
    "created",
    "pending_payment",
    "paid",
    "in_progress",
    "shipped",
    "completed",
    "partially_refunded",
    "refunded",
    "canceled",
)
SEGMENT_KINDS = (
    "static_list",
    "dynamic_segment",
    "realtime_segment",
    "classic_segment",
    "subscription_list",
    "tag",
    "loyalty_campaign",
    "loyalty_tier",
)
CHANNELS = ("email", "sms", "phone", "push", "whatsapp", "post", "all")
METRICS = (
    "total_revenue",
    "order_count",
    "orders_attempted",
    "average_order_value",
    "last_order_amount",
    "first_order_at",
    "last_order_at",
    "total_items",
    "visits",
    "engagement_score",
    "loyalty_points",
    "referred_customers",
    "redemptions_total",
    "redemptions_succeeded",
    "redemptions_failed",
    "redemptions_rolled_back",
    "rollbacks_failed",
    "rollbacks_succeeded",
    "gift_redeemed",
    "gift_balance",
    "points_redeemed",
    "points_to_go",
    "orders_count_on_merchant",
)

_TABLES: tuple[Table, ...] = (
    Table(
        "customers",
        "one row per vendor record and observation",
        "Profiles, contacts and customers as the vendors keep them, one row for each night that delivered them.",
        (
            PROFILE,
            _c(
                "alias_id",
                "id",
                "Our own id of the record: keyed hash of source, account, stream and record id; the customer_id if it"
                " is the anchor.",
            ),
            _c("source_updated_at", "time", "When the vendor last changed the record."),
            _c("created_at", "time", "When the vendor created the record.", says_when=7),
            _c("acquired_at", "time", "When the person was acquired, by the vendor."),
            _c("first_seen_at", "time", "When the vendor first saw the person."),
            _c("last_seen_at", "time", "When the vendor last saw the person."),
            _c("is_deleted", "flag", "The vendor says that the record is gone."),
            _c("is_test", "flag", "The vendor marks the record as a test."),
            _c("is_lead", "flag", "The vendor keeps the person as a lead."),
            _c("lifecycle_raw", "text", "Life-cycle stage in the vendor's words."),
            *PERSON_ATTRIBUTES,
            _c("attributes", "json", "Open attributes of the vendor, types as delivered.", personal=True),
        ),
        change_keys=("record",),
    ),
    Table(
        "contacts",
        "one row per set of identifiers that orders, events and the like of a file carry",
        "People as orders, events, reviews and lists name them. Where no vendor record claims the identifiers, each"
        " becomes a derived record.",
        (
            PROFILE,
            _c(
                "alias_id",
                "id",
                "Our own id of the record: keyed hash of source, account, stream and record id; the customer_id if it"
                " is the anchor.",
            ),
            _c("seen_at", "time", "Latest time of the rows of this file that carry the identifiers."),
            _c("first_seen_at", "time", "Earliest time of the rows of this file that carry the identifiers."),
            _c("is_lead_only", "flag", "Only a lead carries the identifiers: that alone makes no person."),
            *PERSON_ATTRIBUTES,
        ),
        change_keys=("record",),
    ),
    Table(
        "customer_identifiers",
        "one row per record or contact, observation and identifier",
        "Every identifier that a vendor record or a contact carries, normalised, with its validity.",
        (
            OWNER,
            PROFILE,
            _c("id_type", "code", "Kind of identifier, in our words.", values=IDENTIFIER_TYPES),
            _c(
                "id_namespace",
                "text",
                "Where the value is unique: empty for e-mail, phone and document, else vendor, account and name.",
            ),
            _c("id_value_raw", "text", "The identifier as the vendor delivers it.", personal=True),
            _c("id_value", "text", "Value normalised for showing.", personal=True),
            _c(
                "id_link_value",
                "text",
                "Value normalised for linking: mail dots and plus tags are gone.",
                personal=True,
            ),
            _c(
                "merge_confidence",
                "code",
                "high links, low links only what has nothing stronger, none never links.",
                values=("high", "low", "none"),
            ),
            _c("is_valid", "flag", "The value can be what its type says."),
            _c(
                "invalid_reason",
                "code",
                "Why the value is not valid: malformed, masked, obfuscated_placeholder, empty_word, no_region, extension,"
                " repeated_digits, unassigned, premium_or_toll_free, call_centre, company, bad_check_digits or"
                " unknown_kind; non_ascii_local_part marks addresses that are valid. Null where nothing is wrong.",
            ),
            _c("is_primary", "flag", "The vendor treats it as the first of its type."),
            _c("is_deliverable", "flag", "Messages reach it, by the vendor's word."),
            _c("deliverability_reason", "text", "Why messages do not reach it."),
            _c("first_seen_at", "time", "Earliest time the vendor names for it."),
            _c("last_seen_at", "time", "Latest time the vendor names for it."),
            _c("source_path", "text", "Path of the field it came from."),
        ),
        change_keys=("owner", "identifier"),
    ),
    Table(
        "customer_consents",
        "one row per record or contact, channel, purpose and time",
        "Consent as the vendors tell it, one row for each statement.",
        (
            UPDATED,
            OWNER,
            PROFILE,
            _c(
                "id_type",
                "code",
                "Kind of identifier the consent is for, where it is for one.",
                values=IDENTIFIER_TYPES,
            ),
            _c("id_value", "text", "Identifier the consent is for, where it is for one.", personal=True),
            _c("channel", "code", "Channel the consent is for.", values=CHANNELS),
            _c("purpose", "text", "Purpose; marketing unless the vendor says more."),
            _c("status", "code", "What the statement says of the consent.", values=("opt_in", "opt_out", "unknown")),
            _c("status_raw", "text", "Status in the vendor's words."),
            _c("is_forced", "flag", "The vendor was told to let this statement beat later ones that are not forced."),
            _c(
                "effective_at",
                "time",
                "From when the statement holds.",
                inferred_flag="is_effective_at_inferred",
                says_when=6,
            ),
            _c("is_effective_at_inferred", "flag", "The vendor gave no time: it is the start of the export date."),
            _c("consent_source", "text", "Where the consent was given."),
            _c("reason", "text", "Reason as the vendor delivers it.", personal=True),
            _c("ip", "text", "IP address it was given from.", personal=True),
            _c("user_agent", "text", "Browser it was given with.", personal=True),
        ),
        change_keys=("owner",),
    ),
    Table(
        "orders",
        "one row per vendor, order and version delivered",
        "Orders as the vendors report them; one shop order may be here from several vendors and in several versions.",
        (
            _c("source_order_id", "id", "The vendor's id of the order.", required="missing_order_id"),
            _c("order_number", "text", "The shop's number of the order, as given."),
            _c("order_namespace", "text", "Which shop's numbers these are, from configuration."),
            _c(
                "order_match_key",
                "text",
                "Order number normalised: trimmed, leading # off, upper case; the vendor's order id where there is no"
                " number.",
            ),
            _c("store_id", "text", "The vendor's id of the store or merchant."),
            _c("channel", "text", "Sales channel in the vendor's words."),
            OWNER,
            PROFILE,
            _c("customer_id_value", "id", "Customer id the order names.", personal=True),
            _c("email_value", "text", "E-mail address the order names.", personal=True),
            _c("phone_value", "text", "Phone number the order names.", personal=True),
            _c("is_guest", "flag", "The order names no customer id of the vendor."),
            _c(
                "ordered_at",
                "time",
                "When it was ordered.",
                unparseable="bad_time",
                inferred_flag="is_ordered_at_inferred",
                says_when=2,
            ),
            _c(
                "is_ordered_at_inferred",
                "flag",
                "The time, or its zone, was not given: it is the event's, else the start of the export date.",
            ),
            _c("source_updated_at", "time", "When the vendor last changed the order."),
            _c("canceled_at", "time", "When it was canceled."),
            CURRENCY,
            _c("is_currency_inferred", "flag", "The currency came from configuration."),
            _c("amount_unit", "code", "Unit the vendor stated amounts in.", values=("major", "minor", "hundredths")),
            _c("is_amount_unit_inferred", "flag", "The unit was not stated: it follows from the shape of the record."),
            _c("subtotal", "money", "Sum of the lines before discounts, as the vendor states it."),
            _c("discount_total", "money", "Discounts, without sign."),
            _c("shipping_total", "money", "Shipping that the customer pays."),
            _c("fees_total", "money", "Fees other than shipping."),
            _c("tax_total", "money", "Tax on the whole order."),
            _c("is_tax_included", "flag", "Amounts include the tax."),
            _c("total", "money", "What the customer pays in the end.", unparseable="bad_money"),
            _c("refunded_total", "money", "Running total refunded, without sign."),
            _c("status_raw", "text", "Status in the vendor's words."),
            _c("payment_status_raw", "text", "Payment status in the vendor's words."),
            _c("fulfillment_status_raw", "text", "Fulfilment status in the vendor's words."),
            _c("status", "code", "State of the order in our words.", values=ORDER_STATUSES),
            _c(
                "is_status_inferred",
                "flag",
                "The vendor states no status: it follows from what the record is, and takes back nothing that was"
                " stated.",
            ),
            _c("is_valid_source", "flag", "The vendor's own flag for a valid order."),
            _c("orders_count_on_merchant", "integer", "Orders the customer had placed there before, by the vendor."),
            _c("coupon_codes", "texts", "Coupon codes used, as delivered."),
            _c("tags", "texts", "Tags of the order, as delivered."),
            _c("payment_method", "text", "Payment method in the vendor's words."),
            _c("shipping_method", "text", "Shipping method in the vendor's words."),
            _c("is_test", "flag", "The vendor marks the order as a test."),
            _c("is_from_event", "flag", "An event told of the order; no order record did."),
            _c("attributes", "json", "Open attributes of the order, types as delivered.", personal=True),
        ),
        key="source_order_id",
        is_known_by_content=True,
        change_keys=("vendor order", "order", "order id as number", "owner"),
    ),
    Table(
        "order_lines",
        "one row per order version and line",
        "Lines of the orders as reported, and of records that only take something back: those belong to no row of"
        " orders.",
        (
            ORDER_REFERENCE,
            _c("line_no", "integer", "Position of the line in its record, from 1."),
            _c("source_line_id", "id", "The vendor's id of the line."),
            _c("parent_line_no", "integer", "Line this one is an option of."),
            _c("product_id", "id", "The vendor's id of the product."),
            _c("variant_id", "id", "Variant of the product."),
            _c("sku", "text", "Stock keeping unit of the shop."),
            _c("ean", "text", "Bar code of the product (EAN or GTIN)."),
            _c("title", "text", "Name of the product."),
            _c("quantity", "decimal", "How many, in `unit`."),
            _c("unit", "text", "Unit of the quantity."),
            CURRENCY,
            _c("unit_price", "money", "Price of one unit before discounts."),
            _c("discount", "money", "Discount on the line, without sign."),
            _c("tax", "money", "Tax on the line as the vendor states it."),
            _c("subtotal", "money", "Line before or after discount, as the vendor states it."),
            _c(
                "total",
                "money",
                "What the line costs; unit price times quantity less discount where the vendor does not say.",
            ),
            _c("refunded_quantity", "decimal", "How many were refunded."),
            _c("refunded_amount", "money", "How much was refunded, without sign."),
            _c("is_shipping", "flag", "The line is shipping, not a product."),
            _c("is_fee", "flag", "The line is a fee, not a product."),
            _c("categories", "texts", "Categories of the product."),
            _c("tags", "texts", "Tags of the product."),
        ),
        key="source_order_id",
        change_keys=("vendor order",),
    ),
    Table(
        "order_adjustments",
        "one row per order and refund, return or cancellation told",
        "What took an order back, in whole or in part.",
        (
            UPDATED,
            ORDER_REFERENCE,
            _c("order_namespace", "text", "Which shop's numbers these are, from configuration."),
            _c("order_match_key", "text", "Order number normalised, as in orders."),
            _c("adjustment_id", "id", "The vendor's id, else one derived from the content."),
            _c("action", "code", "What took the order back.", values=("refund", "return", "cancel")),
            _c(
                "amount_kind",
                "code",
                "delta adds up, running_total takes the greatest.",
                values=("delta", "running_total"),
            ),
            CURRENCY,
            _c("is_currency_inferred", "flag", "The currency came from configuration."),
            _c("amount", "money", "Amount taken back, without sign.", unparseable="bad_money"),
            _c("subtotal_amount", "money", "Of it, goods before tax and shipping.", unparseable="bad_money"),
            _c(
                "occurred_at",
                "time",
                "When it happened, by the vendor.",
                unparseable="bad_time",
                inferred_flag="is_occurred_at_inferred",
                says_when=1,
            ),
            _c("is_occurred_at_inferred", "flag", "The time, or its zone, was not given."),
            _c("is_orphan", "flag", "It names no order that it could belong to."),
            _c("reason", "text", "Reason as the vendor delivers it.", personal=True),
        ),
        key="adjustment_id",
        is_key_derived=True,
        change_keys=("adjustment", "vendor order", "order"),
    ),
    Table(
        "order_payments",
        "one row per order version and payment",
        "How the orders were paid.",
        (
            ORDER_REFERENCE,
            _c("seq", "integer", "Position of the payment in its record, from 1."),
            _c("method", "text", "Payment method in the vendor's words."),
            _c("brand", "text", "Card brand or issuer."),
            _c("value", "money", "Amount paid by this method."),
            CURRENCY,
            _c("type", "code", "Whether it is paid already or will be.", values=("prepaid", "pending", "unknown")),
            _c("installments", "integer", "Number of installments."),
        ),
        key="source_order_id",
        change_keys=("vendor order",),
    ),
    Table(
        "events",
        "one row per event",
        "What people did and what was done to them.",
        (
            _c("event_id", "id", "The vendor's id, else a hash of source, identifiers, type, action, time and data."),
            _c("is_event_id_derived", "flag", "The vendor gave no id."),
            _c(
                "content_key",
                "id",
                "Hash of type, action, time and data: the same event told in two places of one vendor.",
            ),
            _c("event_type", "code", "What the event is about, in our words.", required="missing_event_type"),
            _c("event_action", "code", "Action in our words."),
            _c("event_name_raw", "text", "Name in the vendor's words."),
            _c(
                "engagement_class",
                "code",
                "Row of the engagement weights it counts under: purchase, review, redeem, intent, click, visit, open, browse, custom or loyalty; none counts nothing.",
            ),
            _c(
                "occurred_at",
                "time",
                "When it happened, by the vendor.",
                unparseable="bad_time",
                inferred_flag="is_time_inferred",
                says_when=1,
            ),
            _c("is_time_inferred", "flag", "The time, or its zone, was not given."),
            _c("received_at", "time", "When the vendor received it."),
            OWNER,
            PROFILE,
            _c("email_value", "text", "E-mail address the event names.", personal=True),
            _c("phone_value", "text", "Phone number the event names.", personal=True),
            _c("vuid_value", "text", "Visitor id the event names.", personal=True),
            _c("customer_id_value", "id", "Customer id the event names.", personal=True),
            _c("source_order_id", "id", "Order the event names, as the vendor writes it."),
            _c("order_namespace", "text", "Which shop's numbers these are, from configuration."),
            _c("order_match_key", "text", "Order number normalised, as in orders."),
            _c("product_id", "id", "Product the event names."),
            _c("campaign_id", "id", "Campaign the event names."),
            _c("is_active", "flag", "The person did it; sending a mail is not active."),
            _c("origin", "text", "Where the vendor got the event from."),
            _c("properties", "json", "Open properties, types as delivered.", personal=True),
        ),
        key="event_id",
        is_known_by_content=True,
        change_keys=("event", "owner", "vendor order", "order", "deleted record"),
    ),
    Table(
        "segments",
        "one row per vendor, segment and observation",
        "Segments, lists and the like the vendors define.",
        (
            UPDATED,
            _c("segment_id", "id", "Segment; for a tag its trimmed lower-case text.", required="missing_segment_id"),
            _c("name", "text", "Name of the segment as delivered."),
            _c("kind", "code", "Kind of segment, in our words.", values=SEGMENT_KINDS),
            _c("definition", "json", "Rule of the segment as given."),
            _c("reported_members", "integer", "Members, by the vendor."),
            _c("created_at", "time", "When it was created.", says_when=7),
        ),
        key="segment_id",
    ),
    Table(
        "segment_memberships",
        "one row per record or contact, segment and statement",
        "Claims that somebody is, became or ceased to be a member.",
        (
            UPDATED,
            OWNER,
            PROFILE,
            _c("id_type", "code", "Kind of identifier the claim names, where it names one.", values=IDENTIFIER_TYPES),
            _c("id_value", "text", "Identifier the claim names, where it names one.", personal=True),
            _c("segment_id", "id", "Segment, as in segments."),
            _c("segment_name", "text", "Name as given with the claim."),
            _c("kind", "code", "Kind of segment, in our words.", values=SEGMENT_KINDS),
            _c(
                "state",
                "code",
                "What is claimed of the membership.",
                values=("member", "entered", "left", "subscribed", "unsubscribed", "none"),
            ),
            _c(
                "observed_at",
                "time",
                "When it was seen, by the vendor's time; else the export date.",
                inferred_flag="is_observed_at_inferred",
                says_when=5,
            ),
            _c("is_observed_at_inferred", "flag", "The vendor gave no time."),
            _c("valid_from", "time", "Since when the vendor says it holds."),
            _c("qualifications", "json", "Qualifications as given."),
            _c("is_full_snapshot", "flag", "The record lists all segments of this kind that the person is in."),
        ),
        change_keys=("owner",),
    ),
    Table(
        "reviews",
        "one row per review",
        "Reviews with their overall rating left to review_ratings.",
        (
            _c("review_id", "id", "The vendor's id, else one derived from the content."),
            _c("review_type", "text", "What is reviewed, in the vendor's words."),
            ORDER_REFERENCE,
            _c("order_namespace", "text", "Which shop's numbers these are, from configuration."),
            _c("order_match_key", "text", "Order number normalised, as in orders."),
            _c("merchant_id", "id", "The vendor's id of the merchant who is reviewed."),
            OWNER,
            PROFILE,
            _c("id_type", "code", "Kind of identifier the review names.", values=IDENTIFIER_TYPES),
            _c("id_value", "text", "Identifier the review names.", personal=True),
            _c(
                "reviewed_at",
                "time",
                "When it was written.",
                unparseable="bad_time",
                inferred_flag="is_reviewed_at_inferred",
                says_when=3,
            ),
            _c("is_reviewed_at_inferred", "flag", "The time, or its zone, was not given."),
            _c("answered_at", "time", "When it was answered."),
            _c("title", "text", "Title of the review as written.", personal=True),
            _c("comment", "text", "Text of the review as written.", personal=True),
            _c("source_name", "text", "System it was written in."),
            _c("channel", "text", "Channel it was written in."),
            _c("attributes", "json", "Open attributes, types as delivered.", personal=True),
        ),
        key="review_id",
        is_key_derived=True,
        change_keys=("review", "owner", "vendor order", "order"),
    ),
    Table(
        "review_ratings",
        "one row per review and rating",
        "Ratings of the reviews on their own scales and on 0 to 1.",
        (
            _c("review_id", "id", "Review that it is a rating of."),
            _c("rating_no", "integer", "Position of the rating in its review, from 1."),
            _c("method", "code", "Scale that the rating is on.", values=("stars", "nps", "binary", "score", "other")),
            _c("value_raw", "text", "The rating as the vendor delivers it."),
            _c("value_num", "double", "Value as a number; true is 1."),
            _c("scale_min", "double", "Lowest value of the scale."),
            _c("scale_max", "double", "Highest value of the scale."),
            _c("score_0_1", "double", "Value on a scale from 0 to 1."),
            _c("is_overall", "flag", "It is the review's overall rating."),
            _c("category", "text", "What was rated, in the vendor's words."),
            _c("question", "text", "Question that the rating answers."),
            _c("comment", "text", "Comment on the rating.", personal=True),
        ),
        key="review_id",
        is_key_derived=True,
        change_keys=("review",),
    ),
    Table(
        "leads",
        "one row per lead and observation",
        "People who have shown interest; a lead alone is not a person.",
        (
            _c("lead_id", "id", "The vendor's id, else one derived from the content."),
            OWNER,
            _c("name", "text", "Name of the lead as delivered.", personal=True),
            _c("contact_type", "code", "Kind of contact: email, phone or other."),
            _c("contact_value", "text", "E-mail address or phone number, normalised.", personal=True),
            _c("lead_source", "text", "Where the lead came from."),
            _c("created_at", "time", "When the lead was created.", says_when=7),
            _c("source_updated_at", "time", "When the vendor last changed the lead."),
            _c("metadata", "json", "Open attributes, types as delivered.", personal=True),
        ),
        key="lead_id",
        is_key_derived=True,
        change_keys=("owner",),
    ),
    Table(
        "loyalty_accounts",
        "one row per account, or profile and programme, and observation",
        "Balances of loyalty programmes.",
        (
            UPDATED,
            _c(
                "account_id",
                "id",
                "Account; profile and programme where the vendor has no accounts.",
                personal=True,
                required="missing_identity",
            ),
            _c("program_id", "text", "The vendor's id of the programme."),
            _c("program_name", "text", "Name of the programme."),
            OWNER,
            PROFILE,
            _c("balance_type", "code", "What the balance is counted in.", values=("points", "cashback", "other")),
            _c("balance", "decimal", "What can be spent now."),
            _c("pending", "decimal", "What was earned but cannot be spent yet."),
            _c("expiring", "decimal", "What is about to expire."),
            _c("expires_at", "time", "When that which is expiring expires."),
            _c("tier_id", "text", "The vendor's id of the tier."),
            _c("tier_name", "text", "Name of the tier as delivered."),
            _c("referred_customers", "integer", "Customers this one referred in the programme."),
            CURRENCY,
            _c("attributes", "json", "Open attributes, types as delivered.", personal=True),
        ),
        change_keys=("owner", "loyalty account"),
    ),
    Table(
        "loyalty_transactions",
        "one row per transaction",
        "What changed loyalty balances.",
        (
            _c("transaction_id", "id", "The vendor's id, else one derived from the content."),
            _c("account_id", "id", "Account, as in loyalty_accounts.", personal=True),
            OWNER,
            PROFILE,
            _c(
                "type",
                "code",
                "What happened to the balance.",
                values=("earn", "redeem", "adjust", "expire", "transfer", "tier_change", "other"),
            ),
            _c("type_raw", "text", "What happened, in the vendor's words."),
            _c("points_delta", "decimal", "Points added; taken away if negative."),
            _c("source_order_id", "id", "Order it belongs to."),
            _c(
                "occurred_at",
                "time",
                "When it happened, by the vendor.",
                unparseable="bad_time",
                inferred_flag="is_occurred_at_inferred",
                says_when=1,
            ),
            _c("is_occurred_at_inferred", "flag", "The time, or its zone, was not given."),
            _c("is_sign_normalised", "flag", "The sign was not given and follows from the type."),
        ),
        key="transaction_id",
        is_key_derived=True,
        change_keys=("owner",),
    ),
    Table(
        "referrals",
        "one row per campaign, referrer and referred",
        "Who referred whom.",
        (
            UPDATED,
            _c("campaign_id", "id", "The vendor's id of the campaign."),
            _c("referrer_profile_id", "id", "The vendor's id of who referred.", personal=True),
            _c("referred_profile_id", "id", "The vendor's id of who was referred.", personal=True),
            _c("related_object_id", "id", "What made the referral."),
            _c("related_object_type", "text", "Type of what made the referral."),
            _c("referred_at", "time", "When the one was referred by the other."),
        ),
    ),
    Table(
        "redemptions",
        "one row per redemption or rollback",
        "Vouchers, gift cards and points used, and taken back.",
        (
            UPDATED,
            _c("redemption_id", "id", "The vendor's id of the redemption.", required="missing_redemption_id"),
            _c("kind", "code", "Whether something was used or taken back.", values=("redemption", "rollback")),
            _c("parent_redemption_id", "id", "Redemption that a rollback takes back."),
            _c("result", "code", "Whether the redemption worked.", values=("success", "failure")),
            _c("failure_code", "text", "Why it did not work, in the vendor's words."),
            OWNER,
            PROFILE,
            _c("tracking_id", "id", "Visitor the redemption names.", personal=True),
            _c("source_order_id", "id", "Order it belongs to, as the vendor writes it."),
            _c("order_namespace", "text", "Which shop's numbers these are, from configuration."),
            _c("order_match_key", "text", "Order number normalised, as in orders."),
            _c("voucher_code", "text", "Code of the voucher as delivered."),
            _c("campaign_id", "id", "The vendor's id of the campaign."),
            _c("promotion_tier_id", "id", "The vendor's id of the promotion tier."),
            CURRENCY,
            _c("is_currency_inferred", "flag", "The currency came from configuration."),
            _c("money_amount", "money", "Money redeemed; negative if taken back.", unparseable="bad_money"),
            _c("is_money_unit_inferred", "flag", "The unit of the money was not stated: it is taken for major units."),
            _c("points_amount", "decimal", "Points redeemed; negative if taken back."),
            _c(
                "unclear_money_amount",
                "money",
                "Amount of a rollback of which only its redemption tells that it is money: read as money.",
            ),
            _c("unclear_points_amount", "decimal", "The same amount, read as points."),
            _c(
                "redeemed_at",
                "time",
                "When it was redeemed or taken back.",
                unparseable="bad_time",
                inferred_flag="is_redeemed_at_inferred",
                says_when=4,
            ),
            _c("is_redeemed_at_inferred", "flag", "The time, or its zone, was not given."),
            _c("channel", "text", "Channel in the vendor's words."),
            _c("attributes", "json", "Open attributes, types as delivered.", personal=True),
        ),
        key="redemption_id",
        change_keys=("redemption", "rolled back redemption", "owner", "vendor order", "order"),
    ),
    Table(
        "vendor_stats",
        "one row per vendor record, figure and observation",
        "Figures the vendors report about a person, to be reconciled with ours and never to be added up.",
        (
            UPDATED,
            OWNER,
            PROFILE,
            _c("metric", "code", "Figure that the vendor reports.", values=METRICS),
            _c("value_num", "number", "Value, if the figure is a number."),
            _c("value_ts", "time", "Value, if the figure is a time."),
            _c("unit", "text", "Unit of the value as the vendor publishes it."),
            CURRENCY,
            _c("definition_id", "text", "Path of the field the vendor publishes the figure in."),
        ),
        change_keys=("owner",),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}


def known_by_content() -> Iterator[tuple[str, str]]:
    """Every table, with its key, whose rows are told apart by key and content over all deliveries: the same again is a
    duplicate."""
    for table in TABLES.values():
        if table.is_known_by_content and table.key:
            yield table.name, table.key


def personal_columns() -> Iterator[tuple[str, str]]:
    """Every (table, column) that holds personal data."""
    for table in TABLES.values():
        for column in table.all_columns:
            if column.personal:
                yield table.name, column.name
