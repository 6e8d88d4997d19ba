"""Ids that follow from content where a vendor gives none, and the keys by which ids are known again. All of them are
hashes."""

from hashlib import blake2b, sha256

import polars as pl

from orchestration.canonical.canonical_json import canonical
from orchestration.canonical.tables import TABLES
from orchestration.config.accounts import Account
from orchestration.mapping.expressions import roots
from orchestration.mapping.selects import Rows
from orchestration.normalisation.file_context import Span

# What distinguishes two events of one person at one time.
_EVENT_CONTENT = ("event_type", "event_action", "event_name_raw", "source_order_id", "product_id", "properties")


def derived_record_id(account: Account, text: str) -> str:
    """Id of a person that only orders and events name, by the identifiers and the evidence they carry."""
    return "derived:" + sha256("\x1d".join((account.source, account.source_account, text)).encode()).hexdigest()[:32]


def alias_ids(span: Span, rows: pl.DataFrame, stream: str) -> pl.Series:
    """`alias_id` of vendor records, the owners of the rows: keyed with the secret of the installation, so that nobody
    can guess it. A record that comes after its person was erased is another one's: it has another id."""
    account = span.account
    place = (account.source, account.source_account, stream)
    ids = [
        alias_id(span.secret, *place, record if record is None else record + span.life_of(number, stream, record))
        for record, number in rows.select("owner", "source_row").iter_rows()
    ]
    return pl.Series("alias_id", ids, dtype=pl.String)


def alias_id(secret: bytes, source: str, source_account: str, stream: str, record: str) -> str:
    """Our own id of one record; the stream of derived records is `derived`."""
    return blake2b(
        "\x1d".join((source, source_account, stream, record)).encode(), key=secret[:64], digest_size=16
    ).hexdigest()


def identified(select: Rows, rows: pl.DataFrame, has: set[str], span: Span) -> pl.DataFrame:
    """The rows with ids where the vendor gives none; `has` are the columns that were given."""
    table = select.table
    if table == "events":
        rows = _identified_events(rows, has, span, _times_among_properties(select))
    name = TABLES[table].key
    if name is not None and TABLES[table].is_key_derived:
        current = rows.get_column(name) if name in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
        parts = rows.select("record_hash", "position").iter_rows()
        # A rating belongs to the review of its record.
        kind = "reviews" if table == "review_ratings" else table
        ids = [
            _content_id(table, value)
            or "derived:" + sha256(f"{kind}:{digest}:{1 if kind != table else position}".encode()).hexdigest()[:32]
            for value, (digest, position) in zip(current, parts, strict=True)
        ]
        rows = rows.with_columns(pl.Series(name, ids, dtype=pl.String))
    return rows


def _times_among_properties(select: Rows) -> list[tuple[str, ...]]:
    """Where in an event's properties its time stands: what it is counts, not how it is written."""
    read, held = roots(select.columns.get("occurred_at")), roots(select.columns.get("properties"))
    starts = [f"at:{root.removeprefix('raw:')}." for root in held if root.startswith("raw:")]
    paths = {path.removeprefix(start) for path in read for start in starts if path.startswith(start)}
    # What is read out of a text of JSON names no path: there it has one of the names that the vendors have for it.
    if any(root.startswith("item_raw:") for root in read & held):
        paths |= {"ts", "timestamp"}
    return sorted(tuple(path.split(".")) for path in paths)


def _identified_events(rows: pl.DataFrame, has: set[str], span: Span, times: list[tuple[str, ...]]) -> pl.DataFrame:
    given = rows.get_column("event_id").to_list() if "event_id" in has else [None] * rows.height
    reported = [pl.col(name).fill_null("") if name in rows.columns else pl.lit("") for name in _EVENT_CONTENT]
    if "properties" in rows.columns:
        is_dated = rows.select(_moment(rows, has, span) != "").to_series()
        rows = rows.with_columns(_canonical(rows.get_column("properties"), is_dated, times).alias("content:properties"))
        reported[-1] = pl.col("content:properties").fill_null("")
    contents = rows.select(pl.concat_str([_moment(rows, has, span), *reported], separator="\x1d")).to_series().to_list()
    start = "\x1d".join((span.account.source, span.account.source_account, ""))
    keys = [sha256(content.encode()).hexdigest()[:32] for content in contents]
    ids = [
        value or "derived:" + sha256(f"{start}{owner or ''}\x1d{content}".encode()).hexdigest()[:32]
        for value, owner, content in zip(given, rows.get_column("owner"), contents, strict=True)
    ]
    # An id made of content says already what is the same, however it was written; only what else came with it may
    # differ.
    beside = rows.get_column("row_extra") if "row_extra" in rows.columns else [None] * rows.height
    hashes = [
        digest if value else sha256(f"{event_id}\x1d{extra or ''}".encode()).hexdigest()
        for value, digest, event_id, extra in zip(given, rows.get_column("record_hash"), ids, beside, strict=True)
    ]
    return rows.drop("content:properties", strict=False).with_columns(
        pl.Series("event_id", ids, dtype=pl.String),
        pl.Series("record_hash", hashes, dtype=pl.String),
        pl.Series("content_key", keys, dtype=pl.String),
        (
            pl.col("is_event_id_derived")
            if "is_event_id_derived" in has
            else pl.Series("is_event_id_derived", [value is None for value in given], dtype=pl.Boolean)
        ),
    )


def _canonical(documents: pl.Series, is_dated: pl.Series, times: list[tuple[str, ...]]) -> pl.Series:
    return pl.Series(
        documents.name,
        [
            one if one is None else canonical(one, times if is_known else ()).decode("utf-8", "replace")
            for one, is_known in zip(documents, is_dated, strict=True)
        ],
        dtype=pl.String,
    )


def _moment(rows: pl.DataFrame, has: set[str], span: Span) -> pl.Expr:
    """When an event happened, as text; blank where only the export date of its delivery is known."""
    if "occurred_at" not in has:
        return pl.lit("")
    at = pl.col("occurred_at")
    fraction = pl.when(at.dt.microsecond() != 0).then(at.dt.strftime("%.6f")).otherwise(pl.lit(""))
    is_export_start = (
        pl.col("is_time_inferred") & (at == span.export_start)
        if "is_time_inferred" in rows.columns
        else pl.lit(value=False)
    )
    return (
        pl.when(~is_export_start)
        .then(pl.concat_str(at.dt.strftime("%Y-%m-%dT%H:%M:%S"), fraction, pl.lit("+00:00")))
        .fill_null("")
    )


def _content_id(table: str, value: str | None) -> str | None:
    """The id given; one that is put together from content is hashed, for content may be personal."""
    return (
        "derived:" + sha256(f"{table}:{value}".encode()).hexdigest()[:32]
        if value is not None and value.startswith("content:")
        else value
    )
