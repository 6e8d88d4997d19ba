"""Decoded records into canonical frames: a vendor's selects are evaluated, every value parsed and judged by its column.

Pure: frames in, frames out. The value as given stays beside the parsed one, so a failure is a named reject or field
issue and never a silent null.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as clock
from hashlib import blake2b, sha256
from typing import Any

import polars as pl

from orchestration import expressions as ex
from orchestration.currencies import DECIMAL_PLACES, decimal_places
from orchestration.mapping import Amount, Contact, Identifier, Profile, Rows, Time, Typed, Value, Vendor
from orchestration.records import Batch, Bounds, Decoded, Decoder, Issue, Record, Reject, Sorted
from orchestration.settings import Account
from orchestration.shapes import leaves
from orchestration.tables import COMMON, PERSON_ATTRIBUTES, TABLES, Column

POLARS_TYPES: dict[str, Any] = {
    "id": pl.String,
    "text": pl.String,
    "code": pl.String,
    "money": pl.Decimal(18, 4),
    "decimal": pl.Decimal(18, 4),
    "number": pl.Decimal(38, 6),
    "integer": pl.Int64,
    "double": pl.Float64,
    "flag": pl.Boolean,
    "time": pl.Datetime("us", "UTC"),
    "date": pl.Date,
    "json": pl.String,
    "texts": pl.List(pl.String),
}

# Columns that say of a time whether it, or its zone, was given.
INFERRED_FLAGS: dict[tuple[str, str], str] = {
    ("orders", "ordered_at"): "is_ordered_at_inferred",
    ("order_adjustments", "occurred_at"): "is_occurred_at_inferred",
    ("events", "occurred_at"): "is_time_inferred",
    ("customer_consents", "effective_at"): "is_effective_at_inferred",
    ("segment_memberships", "observed_at"): "is_observed_at_inferred",
    ("reviews", "reviewed_at"): "is_reviewed_at_inferred",
    ("redemptions", "redeemed_at"): "is_redeemed_at_inferred",
    ("loyalty_transactions", "occurred_at"): "is_occurred_at_inferred",
}
# Ids that are derived from the content where the vendor gives none.
DERIVED_IDS: dict[str, str] = {
    "reviews": "review_id",
    "leads": "lead_id",
    "loyalty_transactions": "transaction_id",
    "order_adjustments": "adjustment_id",
    "review_ratings": "review_id",
}
# The column a row's own key stands in; rows of other tables are known by the record they belong to.
RECORD_KEYS: dict[str, str] = {
    "orders": "source_order_id",
    "order_lines": "source_order_id",
    "order_adjustments": "adjustment_id",
    "order_payments": "source_order_id",
    "events": "event_id",
    "segments": "segment_id",
    "reviews": "review_id",
    "review_ratings": "review_id",
    "leads": "lead_id",
    "loyalty_transactions": "transaction_id",
    "redemptions": "redemption_id",
}
GLOBAL_IDENTIFIERS = ("email", "phone", "document")
WEAK_IDENTIFIERS = ("vuid", "push_token", "tracking_id")
_CARRIED = ("source_row", "record_hash", "position", "owner", "profile")


@dataclass(frozen=True)
class Origin:
    """Where the records of a file come from."""

    account: Account
    stream: str
    export_date: date
    source_file: str
    load_seq: int
    file_value: str | None = None
    secret: bytes = b""

    @property
    def night(self) -> datetime:
        return datetime.combine(self.export_date, clock(), UTC)


@dataclass
class Normalised:
    """A block in canonical frames, with its accounting: read = loaded + rejected + duplicate."""

    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    rows_read: int = 0
    rows_duplicate: int = 0

    @property
    def rows_rejected(self) -> int:
        return len(self.rejects)

    @property
    def rows_loaded(self) -> int:
        return self.rows_read - self.rows_rejected - self.rows_duplicate

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table, in its columns and types."""
        parts = self.frames.get(table)
        return pl.concat(parts) if parts else _empty(table)


def _empty(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: POLARS_TYPES[column.kind] for column in TABLES[table].all_columns})


class Normaliser:
    """Normalises the records of one file, block by block."""

    def __init__(self, vendor: Vendor, origin: Origin, bounds: Bounds) -> None:
        self._origin = origin
        self._stream = vendor.streams[origin.stream]
        self.decoder = Decoder(self._stream, bounds)

    def block(self, records: list[Record]) -> Normalised:
        """The block in canonical frames."""
        return self.finish(self.sort(records))

    def sort(self, records: list[Record]) -> Sorted:
        """The first step of a block, to be taken block after block."""
        with _no_collecting():
            return self.decoder.sort(records)

    def finish(self, found: Sorted) -> Normalised:
        """The second step of a block, which may be taken while the next block takes its first."""
        with _no_collecting():
            return self._finished(found.records, self.decoder.frames(found))

    def _finished(self, records: Sequence[Record], batch: Batch) -> Normalised:
        result = Normalised(rows_read=len(records), rows_duplicate=batch.duplicates, rejects=batch.rejects)
        raws = {record.number: record.raw for record in records}
        issues = batch.issues
        for decoded in batch.decoded:
            group = _Group(decoded, self._origin)
            group.run()
            result.rejects.extend(Reject(number, reason, at, raws[number]) for number, (reason, at) in sorted(group.rejected.items()))
            issues.extend(group.issues)
            for table, frame in group.accepted():
                result.frames.setdefault(table, []).append(frame)
        rejected = {reject.number for reject in result.rejects}
        result.issues = [issue for issue in issues if issue.number not in rejected]
        return result


@dataclass
class _Judged:
    """Rows of one table with parsed values."""

    table: str
    frame: pl.DataFrame


class _Group:
    """The records of one dialect in one block on their way to canonical rows."""

    def __init__(self, decoded: Decoded, origin: Origin) -> None:
        self._dialect = decoded.dialect
        self._origin = origin
        self._account = origin.account
        self._frame = decoded.frame.with_columns(
            pl.lit(origin.file_value, dtype=pl.String).alias("file_value"),
            pl.lit(origin.account.default_currency).alias("account_currency"),
            pl.lit(origin.account.phone_region, pl.String).alias("account_phone_region"),
        )
        self._judged: list[_Judged] = []
        self._people = self._carried = pl.DataFrame()
        self.rejected: dict[int, tuple[str, str | None]] = {}
        self.issues: list[Issue] = []

    def run(self) -> None:
        self._check()
        self._own()
        for select in self._dialect.rows:
            self._rows(select)
        if isinstance(self._dialect.about, Contact):
            self._contacts(self._dialect.about)

    def accepted(self) -> Iterable[tuple[str, pl.DataFrame]]:
        """Frames of the records that were not rejected, in the columns of their tables."""
        rejected = list(self.rejected)
        for judged in self._judged:
            frame = judged.frame.filter(~pl.col("source_row").is_in(rejected)) if rejected else judged.frame
            if frame.height:
                yield judged.table, frame

    def _reject(self, numbers: Iterable[int], reason: str, at: str | None) -> None:
        for number in numbers:
            self.rejected.setdefault(number, (reason, at))

    def _check(self) -> None:
        for check in self._dialect.checks:
            self._reject(self._frame.filter(check.condition).get_column("source_row"), check.reason, check.field)
        for doubt in self._dialect.doubts:
            below = self._frame if doubt.each is None else _exploded(self._frame, doubt.each)
            found = below.filter(doubt.condition).select("source_row", doubt.given.alias("given"))
            self.issues.extend(Issue(number, None, doubt.field, "unparseable", given, "set_null") for number, given in found.iter_rows())

    # -- whom the records are about ----------------------------------------------------------------------------------

    def _own(self) -> None:
        about = self._dialect.about
        if isinstance(about, Profile):
            self._own_profile(about)
        elif isinstance(about, Contact):
            self._own_contact(about)
        else:
            self._frame = self._frame.with_columns(pl.lit(None, pl.String).alias("owner"), pl.lit(None, pl.String).alias("profile"))

    def _own_profile(self, about: Profile) -> None:
        self._frame = self._frame.with_columns(ex.clean(about.record_id).alias("owner")).with_columns(pl.col("owner").alias("profile"))
        self._reject(self._frame.filter(pl.col("owner").is_null()).get_column("source_row"), "missing_identity", None)
        self._frame = self._frame.filter(pl.col("owner").is_not_null())
        identifiers = self._identifiers(about.identifiers, self._frame)
        owners = self._frame.select("source_row", "owner", "profile")
        self._emit("customer_identifiers", identifiers.join(owners, on="source_row", maintain_order="left"), pl.col("owner"))

    def _own_contact(self, about: Contact) -> None:
        profile = ex.clean(about.profile_id) if about.profile_id is not None else pl.lit(None, pl.String)
        self._frame = self._frame.with_columns(profile.alias("profile"))
        identifiers = self._identifiers(about.identifiers, self._frame)
        people = self._parsed("contacts", self._frame, about.attributes, rows=None)
        evidence = pl.concat_str(
            [
                ex.name_evidence(pl.col("first_name"), pl.col("full_name")).fill_null(""),
                pl.col("birth_date").cast(pl.String).fill_null(""),
            ],
            separator="|",
        )
        keys = (
            identifiers.filter(pl.col("is_valid"))
            .select("source_row", pl.concat_str(["id_type", "id_namespace", "id_value"], separator="\x1f").alias("key"))
            .unique()
            .sort("source_row", "key")
            .group_by("source_row", maintain_order=True)
            .agg(pl.col("key").str.join("\x1e"))
        )
        owners = self._frame.select("source_row").join(people.select("source_row", evidence.alias("evidence")), on="source_row", how="left")
        owners = owners.join(keys, on="source_row", how="left").with_columns(
            pl.when(pl.col("key").is_not_null()).then(pl.concat_str(["evidence", "key"], separator="\x1d")).alias("contact")
        )
        texts = owners.get_column("contact").drop_nulls().unique().to_list()
        derived = {text: self._derived_id(text) for text in texts}
        owner = owners.get_column("contact").replace_strict(derived, return_dtype=pl.String) if derived else pl.Series([None] * owners.height, dtype=pl.String)
        self._frame = self._frame.with_columns(owner.alias("owner"))
        self._first_of_type(identifiers)
        self._people, self._carried = people, identifiers

    def _first_of_type(self, identifiers: pl.DataFrame) -> None:
        for id_type in ("email", "phone", "vuid", "customer_id"):
            found = identifiers.filter(pl.col("id_type") == id_type).unique("source_row", keep="first", maintain_order=True)
            self._frame = self._frame.join(
                found.select("source_row", pl.col("id_value").alias(f"first:{id_type}")), on="source_row", how="left", maintain_order="left"
            )

    def _contacts(self, about: Contact) -> None:
        """The people that accepted records are about, each once, with their identifiers."""
        people, identifiers = self._people, self._carried
        is_accepted = ~pl.col("source_row").is_in(list(self.rejected))
        owners = self._frame.filter(pl.col("owner").is_not_null() & is_accepted).select("source_row", "record_hash", "owner", "profile")
        times = self._contact_times()
        first = (
            owners.join(times, on="source_row", how="left")
            .group_by("owner")
            .agg(pl.col("seen").min().alias("first_seen_at"), pl.col("seen").max().alias("seen_at"))
        )
        kept = owners.unique("owner", keep="first", maintain_order=True)
        if not kept.height:
            return
        rows = (
            kept.join(people, on="source_row", how="left", maintain_order="left")
            .join(first, on="owner", how="left", maintain_order="left")
            .with_columns(pl.lit(about.is_lead).alias("is_lead_only"), pl.col("profile").alias("source_profile_id"))
        )
        rows = rows.with_columns(self._alias(rows.get_column("owner"), "derived"))
        self._emit("contacts", rows, pl.col("owner"))
        tells_deliverability = any(spec.is_deliverable is not None for spec in about.identifiers)
        told = (
            owners.join(times, on="source_row", how="left").sort("seen", "source_row").unique("owner", keep="last", maintain_order=True)
            if tells_deliverability
            else kept
        )
        carried = told.select("source_row", "owner").join(identifiers.drop("owner", "profile", strict=False), on="source_row", maintain_order="left")
        carried = carried.join(self._frame.select("source_row", "profile"), on="source_row", how="left", maintain_order="left")
        self._emit("customer_identifiers", carried, pl.col("owner"))

    def _contact_times(self) -> pl.DataFrame:
        for select in self._dialect.rows:
            for name in ("occurred_at", "ordered_at", "reviewed_at", "redeemed_at", "observed_at", "effective_at", "created_at"):
                value = select.columns.get(name)
                if select.each is None and isinstance(value, Time) and value.sources:
                    text = ex.clean(pl.coalesce([ex.clean(source) for source in value.sources]))
                    seen = ex.time(text, formats=value.formats, zone=self._account.time_zone).struct.field("value")
                    return self._frame.select("source_row", pl.coalesce(seen, pl.lit(self._origin.night)).alias("seen"))
        return self._frame.select("source_row", pl.lit(self._origin.night).alias("seen"))

    def _derived_id(self, text: str) -> str:
        account = self._account
        return "derived:" + sha256("\x1d".join((account.source, account.source_account, text)).encode()).hexdigest()[:32]

    def _alias(self, records: pl.Series, stream: str) -> pl.Series:
        account = self._account
        start = "\x1d".join((account.source, account.source_account, stream, ""))
        key = self._origin.secret[:64]
        return pl.Series("alias_id", [blake2b((start + record).encode(), key=key, digest_size=16).hexdigest() for record in records], dtype=pl.String)

    def _identifiers(self, specs: tuple[Identifier, ...], frame: pl.DataFrame) -> pl.DataFrame:
        parts = [self._identifier(spec, position, frame) for position, spec in enumerate(specs)]
        found = pl.concat([part for part in parts if part.height] or [parts[0]]) if parts else _no_identifiers()
        if not found.height:
            return _no_identifiers()
        kinds = [(kind, found.filter(condition)) for kind, condition in _BY_KIND]
        parsed = pl.concat([self._valued(part, kind) for kind, part in kinds if part.height]).sort("source_row", "position", maintain_order=True)
        return parsed.unique(["source_row", "id_type", "id_namespace", "id_value"], keep="first", maintain_order=True)

    def _identifier(self, spec: Identifier, position: int, frame: pl.DataFrame) -> pl.DataFrame:
        below = frame if spec.each is None else _exploded(frame, spec.each)
        if spec.where is not None:
            below = below.filter(spec.where)
        given = ex.clean(spec.value)
        id_type = pl.lit(spec.type) if isinstance(spec.type, str) else spec.type
        region = self._region(spec, below)
        return below.select(
            "source_row",
            "record_hash",
            pl.lit(position).alias("position"),
            id_type.alias("id_type"),
            given.alias("id_value_raw"),
            region.alias("region"),
            _or_null(spec.namespace, pl.String).alias("name"),
            pl.lit(spec.confidence, pl.String).alias("confidence"),
            _or_null(spec.is_primary, pl.Boolean).alias("is_primary"),
            _or_null(spec.is_deliverable, pl.Boolean).alias("is_deliverable"),
            _or_null(spec.deliverability_reason, pl.String).alias("deliverability_reason"),
            pl.lit(spec.path).alias("source_path"),
        ).filter(pl.col("id_value_raw").is_not_null() & pl.col("id_type").is_not_null())

    def _region(self, spec: Identifier, below: pl.DataFrame) -> pl.Series | pl.Expr:
        default = pl.lit(self._account.phone_region, pl.String)
        if spec.region is None or not below.height:
            return default
        named = by_distinct(below.select(spec.region.cast(pl.String)).to_series(), ex.country)
        return named if self._account.phone_region is None else named.fill_null(self._account.phone_region)

    def _valued(self, found: pl.DataFrame, kind: str) -> pl.DataFrame:
        account = self._account
        own = f"{account.source}:{account.source_account}"
        if kind == "email":
            parsed = ex.email(pl.col("id_value_raw"))
        elif kind == "phone":
            parsed = ex.phone(pl.col("id_value_raw"), pl.col("region"))
        elif kind == "document":
            parsed = ex.document(pl.col("id_value_raw"), None)
        else:
            value = ex.identifier(pl.col("id_value_raw"), kind)
            parsed = pl.struct(value.alias("value"), value.is_not_null().alias("is_valid"), pl.lit(None, pl.String).alias("invalid_reason"))
        namespace = (
            pl.when(pl.col("id_type").is_in(GLOBAL_IDENTIFIERS))
            .then(pl.lit(""))
            .when(pl.col("id_type") == "customer_id")
            .then(pl.lit(account.customer_id_namespace or own))
            .otherwise(pl.concat_str([pl.lit(own), pl.col("name")], separator=":", ignore_nulls=True))
        )
        weak = pl.col("id_type").is_in(WEAK_IDENTIFIERS)
        frame = found.with_columns(parsed.alias("parsed"))
        link = pl.col("parsed").struct.field("link_value") if kind == "email" else pl.col("parsed").struct.field("value")
        return frame.select(
            "source_row",
            "record_hash",
            "position",
            "id_type",
            namespace.alias("id_namespace"),
            "id_value_raw",
            pl.coalesce(pl.col("parsed").struct.field("value"), pl.col("id_value_raw")).alias("id_value"),
            pl.when(pl.col("parsed").struct.field("is_valid")).then(link).alias("id_link_value"),
            pl.coalesce(pl.col("confidence"), pl.when(weak).then(pl.lit("low")).otherwise(pl.lit("high"))).alias("merge_confidence"),
            pl.col("parsed").struct.field("is_valid").fill_null(value=False).alias("is_valid"),
            pl.col("parsed").struct.field("invalid_reason").alias("invalid_reason"),
            "is_primary",
            "is_deliverable",
            "deliverability_reason",
            "source_path",
        )

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _rows(self, select: Rows) -> None:
        if select.each is not None:
            select, frame = self._elements(select, select.each)
        else:
            frame = self._frame.with_columns(pl.lit(1, pl.Int64).alias("position"))
        if select.where is not None:
            frame = frame.filter(select.where)
        if frame.height:
            parsed = self._parsed(select.table, frame, select.columns, rows=select)
            self._emit(select.table, self._completed(select, frame, parsed), pl.col("owner"))

    def _elements(self, select: Rows, each: str | tuple[str, ...] | pl.Expr) -> tuple[Rows, pl.DataFrame]:
        """A row for every element; what the record alone says is read before, so that the record need not be copied for each."""
        frame, columns = self._frame, set(self._frame.columns)

        def is_of_record(expr: pl.Expr | None) -> bool:
            return expr is not None and bool(roots := expr.meta.root_names()) and columns.issuperset(roots)

        if select.where is not None and is_of_record(select.where):
            frame, select = frame.filter(select.where), replace(select, where=None)
        told: list[pl.Expr] = []

        def read_before(expr: pl.Expr | None) -> Any:
            if expr is None or not is_of_record(expr):
                return expr
            told.append(expr.alias(f"told:{len(told)}"))
            return pl.col(f"told:{len(told) - 1}")

        read: dict[str, Value] = {}
        for name, value in select.columns.items():
            if isinstance(value, Typed):
                read[name] = Typed(read_before(value.expr))
            elif isinstance(value, Time):
                read[name] = replace(value, sources=tuple(map(read_before, value.sources)), is_inferred=read_before(value.is_inferred))
            elif isinstance(value, Amount):
                read[name] = replace(value, source=read_before(value.source))
            else:
                read[name] = read_before(value)
        frame = frame.with_columns(told)
        return replace(select, columns=read), _exploded(frame, each, needed=_roots(select.where, read.values()))

    def _parsed(self, table: str, frame: pl.DataFrame, columns: Mapping[str, Value], rows: Rows | None) -> pl.DataFrame:
        """Typed values of the given columns, row by row of `frame`; judges what cannot be read."""
        declared = TABLES[table]
        given: list[pl.Expr] = []
        for name, value in columns.items():
            given.append(self._given(declared.column(name), value).alias(name))
        if table == "contacts":
            given.extend(pl.lit(None, pl.String).alias(column.name) for column in PERSON_ATTRIBUTES if column.name not in columns)
        names = [expr.meta.output_name() for expr in given]
        given.extend(
            value.is_inferred.alias(f"inferred:{name}") for name, value in columns.items() if isinstance(value, Time) and value.is_inferred is not None
        )
        texts = frame.select("source_row", *given)
        exponent = self._exponent(texts)
        texts = texts.with_columns(self._times(columns))
        exprs: list[pl.Expr] = []
        for name in names:
            column = declared.column(name)
            exprs.extend(self._parse(table, column, columns.get(name, pl.lit(None, pl.String)), rows, exponent))
        parsed = texts.select("source_row", *exprs)
        self._judge(table, texts, parsed, columns)
        return self._with_derived_attributes(table, parsed, columns)

    def _given(self, column: Column, value: Value) -> pl.Expr:
        if isinstance(value, Typed):
            return value.expr
        if isinstance(value, Time):
            return pl.coalesce([_blank_to_null(source) for source in value.sources]) if value.sources else pl.lit(None, pl.String)
        source = value.source if isinstance(value, Amount) else value
        return source if column.kind in ("texts", "json") else source.cast(pl.String, strict=False)

    def _exponent(self, texts: pl.DataFrame) -> pl.Expr:
        """Decimal places of a row's currency: ISO 4217 says two for most."""
        default = pl.lit(DECIMAL_PLACES.get(self._account.default_currency, 2), pl.Int64)
        if "currency" not in texts.columns:
            return default
        return pl.coalesce(decimal_places(ex.currency(ex.clean(pl.col("currency")))), default)

    def _parse(self, table: str, column: Column, value: Value, rows: Rows | None, exponent: pl.Expr) -> list[pl.Expr]:
        name = column.name
        text = pl.col(name)
        if isinstance(value, Typed):
            return [text.cast(POLARS_TYPES[column.kind]).alias(name)]
        if isinstance(value, Time):
            return self._parse_time(table, name, value)
        kind = column.kind
        if kind in ("texts", "json"):
            return [text.alias(name)]
        cleaned = ex.clean(text)
        if kind == "money":
            amounts = value.unit if isinstance(value, Amount) and value.unit == "minor" else (rows.amounts if rows else "major")
            amount = ex.cents_to_major(cleaned, exponent) if amounts == "minor" else ex.money(cleaned)
            return [(amount.abs() if isinstance(value, Amount) and value.absolute else amount).alias(name)]
        if kind == "time":
            return [ex.time(cleaned, zone=self._account.time_zone).struct.field("value").alias(name)]
        if name == "currency":
            return [ex.currency(cleaned).alias(name)]
        if column.values:
            lowered = ex.gender(cleaned) if name == "gender" else cleaned.str.to_lowercase()
            return [pl.when(lowered.is_in(column.values)).then(lowered).alias(name)]
        if kind == "number" and isinstance(value, Amount) and value.unit == "minor":
            return [ex.minor_to_major(cleaned, exponent).cast(POLARS_TYPES["number"]).alias(name)]
        parsers = {"decimal": ex.decimal, "number": ex.number, "integer": ex.integer, "double": ex.double, "flag": ex.flag, "date": ex.date}
        return [parsers[kind](cleaned).alias(name) if kind in parsers else cleaned.alias(name)]

    def _times(self, columns: Mapping[str, Value]) -> list[pl.Expr]:
        """Readings of the times, each as a struct: a step of its own, because Polars would read again for every field."""
        zone = self._account.time_zone
        times = [(name, value) for name, value in columns.items() if isinstance(value, Time)]
        return [
            ex.time(ex.clean(pl.col(name)), formats=value.formats, zone=zone, date_hour=value.date_only_hour).alias(f"time:{name}")
            for name, value in times
            if value.sources
        ]

    def _parse_time(self, table: str, name: str, value: Time) -> list[pl.Expr]:
        if not value.sources:
            return [pl.lit(None, POLARS_TYPES["time"]).alias(name), *([pl.lit(value=True).alias(flag)] if (flag := INFERRED_FLAGS.get((table, name))) else [])]
        parsed = pl.col(f"time:{name}").struct
        found = [parsed.field("value").alias(name)]
        flag = INFERRED_FLAGS.get((table, name))
        if flag is not None:
            is_told = pl.col(f"inferred:{name}") if value.is_inferred is not None else pl.lit(value=False)
            found.append((parsed.field("is_zone_inferred").fill_null(value=False) | parsed.field("value").is_null() | is_told).alias(flag))
        return found

    def _judge(self, table: str, texts: pl.DataFrame, parsed: pl.DataFrame, columns: Mapping[str, Value]) -> None:
        """Books what was given and could not be read, and what was repaired in reading."""
        flags: list[pl.Expr] = []
        for name, value in columns.items():
            kind = TABLES[table].column(name).kind
            if isinstance(value, Typed) or kind in ("texts", "json"):
                continue
            blank = pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "")
            flags.append((~blank & pl.col(f"parsed:{name}").is_null()).any().alias(f"unparseable:{name}"))
            flags.append((~blank & (pl.col(name) != pl.col(name).str.strip_chars())).any().alias(f"trimmed:{name}"))
            if kind == "money":
                flags.append(pl.col(name).str.contains(r"\.\d{4}\d*[1-9]").any().alias(f"rounded:{name}"))
        if not flags or not texts.height:
            return
        both = texts.hstack(parsed.drop("source_row").rename(lambda name: f"parsed:{name}"))
        for key, is_there in both.select(flags).row(0, named=True).items():
            if is_there:
                code, name = key.split(":", 1)
                self._book(table, both, TABLES[table].column(name), code)

    def _book(self, table: str, both: pl.DataFrame, column: Column, code: str) -> None:
        name = column.name
        blank = pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "")
        conditions = {
            "unparseable": ~blank & pl.col(f"parsed:{name}").is_null(),
            "trimmed": ~blank & (pl.col(name) != pl.col(name).str.strip_chars()) & pl.col(f"parsed:{name}").is_not_null(),
            "rounded": pl.col(name).str.contains(r"\.\d{4}\d*[1-9]") & pl.col(f"parsed:{name}").is_not_null(),
        }
        found = both.filter(conditions[code]).select("source_row", name)
        if code == "unparseable" and column.unparseable:
            self._reject(found.get_column("source_row"), column.unparseable, name)
            return
        action = "set_null" if code == "unparseable" else "repaired"
        self.issues.extend(Issue(number, table, name, code, given, action) for number, given in found.iter_rows())

    def _with_derived_attributes(self, table: str, parsed: pl.DataFrame, columns: Mapping[str, Value]) -> pl.DataFrame:
        if table not in ("customers", "contacts"):
            return parsed
        has = set(parsed.columns)
        derived: list[pl.Series] = []
        if "country_raw" in has and "country_code" not in columns:
            derived.append(by_distinct(parsed.get_column("country_raw"), ex.country).alias("country_code"))
        if "gender_raw" in has and "gender" not in columns:
            derived.append(by_distinct(parsed.get_column("gender_raw"), ex.gender).alias("gender"))
        parsed = parsed.with_columns(derived)
        if "state_raw" in has and "state_code" not in columns:
            country = pl.col("country_code") if "country_code" in parsed.columns else pl.lit(None, pl.String)
            parsed = parsed.with_columns(ex.state(pl.col("state_raw"), country).alias("state_code"))
        return parsed

    def _completed(self, select: Rows, frame: pl.DataFrame, parsed: pl.DataFrame) -> pl.DataFrame:
        """The parsed rows with what follows from the record, the account and the file."""
        table = select.table
        rows = parsed.drop("source_row").hstack(frame.select(_carried(frame)))
        has = set(rows.columns)
        account, night = self._account, pl.lit(self._origin.night)
        filled: list[pl.Expr] = []
        declared = {column.name for column in TABLES[table].columns}
        if "is_currency_inferred" in declared:
            filled.append((pl.col("currency").is_null() if "currency" in has else pl.lit(value=True)).alias("is_currency_inferred"))
        if "currency" in declared and table != "vendor_stats":
            filled.append((pl.col("currency") if "currency" in has else pl.lit(None, pl.String)).fill_null(account.default_currency).alias("currency"))
        if "amount_unit" in declared:
            filled.extend((pl.lit(select.amounts).alias("amount_unit"), pl.lit(select.is_amount_unit_inferred).alias("is_amount_unit_inferred")))
        for name, value in select.columns.items():
            if isinstance(value, Time) and value.else_export_date:
                filled.append(pl.col(name).fill_null(night).alias(name))
        if "owner_record_id" in declared and "owner_record_id" not in has:
            filled.append(pl.col("owner").alias("owner_record_id"))
        if "source_profile_id" in declared and "source_profile_id" not in has:
            filled.append(pl.col("profile").alias("source_profile_id"))
        for column, id_type in (("email_value", "email"), ("phone_value", "phone"), ("vuid_value", "vuid"), ("customer_id_value", "customer_id")):
            if column in declared and column not in has and f"first:{id_type}" in has:
                filled.append(pl.col(f"first:{id_type}").alias(column))
        if "is_guest" in declared and "is_guest" not in has:
            filled.append(pl.col("profile").is_null().alias("is_guest"))
        if table == "customers":
            filled.append(self._alias(rows.get_column("owner"), self._origin.stream).alias("alias_id"))
        rows = rows.with_columns(filled)
        return self._identified(table, self._with_order_key(table, rows, declared), has)

    def _with_order_key(self, table: str, rows: pl.DataFrame, declared: set[str]) -> pl.DataFrame:
        if "order_match_key" not in declared:
            return rows
        named = [pl.col(name) for name in ("order_match_key", "order_number", "source_order_id") if name in rows.columns]
        if not named:
            return rows
        keyed = rows.with_columns(ex.order_key(pl.coalesce(named)).alias("order_match_key"), pl.lit(self._account.order_namespace).alias("order_namespace"))
        return keyed.with_columns(pl.col("order_match_key").is_null().alias("is_orphan")) if "is_orphan" in declared else keyed

    def _identified(self, table: str, rows: pl.DataFrame, has: set[str]) -> pl.DataFrame:
        """Derived ids where the vendor gives none, and the row's own key."""
        if table == "events":
            rows = self._identified_events(rows, has)
        name = DERIVED_IDS.get(table)
        if name is not None:
            current = rows.get_column(name) if name in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
            parts = rows.select("record_hash", "position").iter_rows()
            # A rating belongs to the review of its record.
            kind = "reviews" if table == "review_ratings" else table
            ids = [
                _content_id(table, value) or "derived:" + sha256(f"{kind}:{digest}:{1 if kind != table else position}".encode()).hexdigest()[:32]
                for value, (digest, position) in zip(current, parts, strict=True)
            ]
            rows = rows.with_columns(pl.Series(name, ids, dtype=pl.String))
        return rows

    def _identified_events(self, rows: pl.DataFrame, has: set[str]) -> pl.DataFrame:
        given = rows.get_column("event_id").to_list() if "event_id" in has else [None] * rows.height
        told = [pl.col(name).fill_null("") if name in rows.columns else pl.lit("") for name in _EVENT_CONTENT]
        contents = rows.select(pl.concat_str([self._moment(rows, has), *told], separator="\x1d")).to_series().to_list()
        start = "\x1d".join((self._account.source, self._account.source_account, ""))
        keys = [sha256(content.encode()).hexdigest()[:32] for content in contents]
        ids = [
            value or "derived:" + sha256(f"{start}{owner or ''}\x1d{content}".encode()).hexdigest()[:32]
            for value, owner, content in zip(given, rows.get_column("owner"), contents, strict=True)
        ]
        return rows.with_columns(
            pl.Series("event_id", ids, dtype=pl.String),
            pl.Series("content_key", keys, dtype=pl.String),
            pl.col("is_event_id_derived")
            if "is_event_id_derived" in has
            else pl.Series("is_event_id_derived", [value is None for value in given], dtype=pl.Boolean),
        )

    def _moment(self, rows: pl.DataFrame, has: set[str]) -> pl.Expr:
        """When an event happened, as text; blank where only the night of its delivery is known."""
        if "occurred_at" not in has:
            return pl.lit("")
        at = pl.col("occurred_at")
        fraction = pl.when(at.dt.microsecond() != 0).then(at.dt.strftime("%.6f")).otherwise(pl.lit(""))
        is_night = pl.col("is_time_inferred") & (at == self._origin.night) if "is_time_inferred" in rows.columns else pl.lit(value=False)
        return pl.when(~is_night).then(pl.concat_str(at.dt.strftime("%Y-%m-%dT%H:%M:%S"), fraction, pl.lit("+00:00"))).fill_null("")

    def _emit(self, table: str, rows: pl.DataFrame, owner: pl.Expr) -> None:
        """Rows in the columns of their table; rejects those that lack what they need."""
        origin, account = self._origin, self._account
        declared = TABLES[table]
        own = (
            pl.col(RECORD_KEYS[table])
            if table in RECORD_KEYS and RECORD_KEYS[table] in rows.columns
            else pl.col("owner")
            if "owner" in rows.columns
            else pl.lit(None, pl.String)
        )
        constants: dict[str, pl.Expr] = {
            "source": pl.lit(account.source),
            "source_account": pl.lit(account.source_account),
            "stream": pl.lit(origin.stream),
            "source_entity": pl.lit(self._dialect.entity),
            "source_dialect": pl.lit(self._dialect.name),
            "export_date": pl.lit(origin.export_date),
            "last_export_date": pl.lit(origin.export_date),
            "load_seq": pl.lit(origin.load_seq, pl.Int64),
            "source_record_id": own,
            "source_file": pl.lit(origin.source_file),
            "extracted_at": pl.lit(origin.night),
            "extra": pl.col("row_extra") if "row_extra" in rows.columns else pl.lit(None, pl.String),
        }
        if table in ("customer_identifiers",):
            constants["owner_record_id"] = owner
            constants["source_profile_id"] = pl.col("profile") if "profile" in rows.columns else pl.lit(None, pl.String)
        exprs = []
        for column in declared.all_columns:
            dtype = POLARS_TYPES[column.kind]
            expr = constants.get(column.name) if column in COMMON or column.name in constants else None
            if expr is None:
                expr = pl.col(column.name) if column.name in rows.columns else pl.lit(None, dtype)
            exprs.append(expr.cast(dtype).alias(column.name))
        if not rows.height:
            return
        frame = rows.select(exprs)
        for column in declared.columns:
            if column.required:
                lacking = frame.filter(pl.col(column.name).is_null()).get_column("source_row")
                self._reject(lacking, column.required, column.name)
        self._judged.append(_Judged(table, frame))


# What tells two events of one person at one time apart.
_EVENT_CONTENT = ("event_type", "event_action", "event_name_raw", "source_order_id", "product_id", "properties")
_BY_KIND: tuple[tuple[str, pl.Expr], ...] = (
    ("email", pl.col("id_type") == "email"),
    ("phone", pl.col("id_type") == "phone"),
    ("document", pl.col("id_type") == "document"),
    ("other", ~pl.col("id_type").is_in(GLOBAL_IDENTIFIERS)),
)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """A block is many objects and no cycle: to look for cycles in them again and again costs a tenth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _no_identifiers() -> pl.DataFrame:
    texts = (
        "record_hash",
        "id_type",
        "id_namespace",
        "id_value_raw",
        "id_value",
        "id_link_value",
        "merge_confidence",
        "invalid_reason",
        "deliverability_reason",
        "source_path",
    )
    flags = ("is_valid", "is_primary", "is_deliverable")
    return pl.DataFrame(schema={"source_row": pl.Int64, "position": pl.Int32, **dict.fromkeys(texts, pl.String), **dict.fromkeys(flags, pl.Boolean)})


def _content_id(table: str, value: str | None) -> str | None:
    """The id given; one that is put together from content is hashed, for content may be personal."""
    return "derived:" + sha256(f"{table}:{value}".encode()).hexdigest()[:32] if value is not None and value.startswith("content:") else value


def by_distinct(words: pl.Series, translate: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Translation of a column of few different words, each looked up once."""
    distinct = words.drop_nulls().unique()
    if not distinct.len():
        return pl.Series(words.name, [None] * words.len(), dtype=pl.String)
    found = distinct.to_frame("word").select(translate(pl.col("word"))).to_series()
    return words.replace_strict(distinct, found, default=None, return_dtype=pl.String)


def _or_null(value: pl.Expr | str | None, dtype: Any) -> pl.Expr:
    if value is None:
        return pl.lit(None, dtype)
    return pl.lit(value) if isinstance(value, str) else value.cast(dtype)


def _blank_to_null(expr: pl.Expr) -> pl.Expr:
    text = expr.cast(pl.String, strict=False)
    return pl.when(text.str.strip_chars() != "").then(text)


def _carried(frame: pl.DataFrame) -> list[pl.Expr]:
    """Columns of the working frame that rows still need."""
    carried = [pl.col(name) for name in _CARRIED] + [pl.col(name) for name in frame.columns if name.startswith("first:")]
    return [
        *carried,
        (pl.col("item_extra") if "item_extra" in frame.columns else pl.col("extra") if "item" not in frame.columns else pl.lit(None, pl.String)).alias(
            "row_extra"
        ),
    ]


def _roots(where: pl.Expr | None, values: Iterable[Value]) -> set[str]:
    """Columns that the values and the condition read."""
    exprs: list[pl.Expr] = [] if where is None else [where]
    for value in values:
        if isinstance(value, Typed):
            exprs.append(value.expr)
        elif isinstance(value, Time):
            exprs.extend(value.sources)
            exprs.extend([] if value.is_inferred is None else [value.is_inferred])
        else:
            exprs.append(value.source if isinstance(value, Amount) else value)
    return {name for expr in exprs for name in expr.meta.root_names()}


def _exploded(frame: pl.DataFrame, each: str | tuple[str, ...] | pl.Expr, needed: set[str] | None = None) -> pl.DataFrame:
    """One row per element of a list of the record: `item`, its position, and the raw leaves of the elements.

    Of the record's own columns only those that are `needed`, if it says which, and what every row carries.
    """
    if isinstance(each, pl.Expr):
        return _explode(frame, each, [], needed).rename({"element": "item"})
    outer = each if isinstance(each, str) else each[0]
    below = _explode_record(frame, outer, needed)
    if isinstance(each, str):
        return below
    inner = each[1]
    lists = pl.col(f"item_{inner}") if inner.startswith("pairs:") else _path(pl.col("item"), inner)
    return _explode(below.rename({"position": "outer_position"}), lists, []).rename({"item": "parent", "element": "item"})


def _explode_record(frame: pl.DataFrame, path: str, needed: set[str] | None) -> pl.DataFrame:
    if path.startswith("pairs:"):
        return _explode(frame, pl.col(path), [], needed).rename({"element": "item"})
    beside = [name for name in frame.columns if name.startswith((f"item_raw:{path}:", f"item_pairs:{path}:"))]
    extra = [f"item_extra:{path}"] if f"item_extra:{path}" in frame.columns else []
    exploded = _explode(frame, _path(pl.col("record"), path), beside + extra, needed).rename({"element": "item"})
    renamed = {name: f"{name.split(':')[0]}:{name.split(':', 2)[2]}" for name in beside} | dict.fromkeys(extra, "item_extra")
    return exploded.rename(renamed)


def _path(root: pl.Expr, path: str) -> pl.Expr:
    for step in path.split("."):
        root = root.struct.field(step)
    return root


def _explode(frame: pl.DataFrame, lists: pl.Expr, beside: list[str], needed: set[str] | None = None) -> pl.DataFrame:
    if needed is None:
        kept = [name for name in frame.columns if name not in beside]
    else:
        kept = [name for name in frame.columns if name not in beside and (name in needed or name in _CARRIED or name.startswith("first:"))]
    with_lists = frame.select(*kept, *beside, lists.alias("element")).filter((pl.col("element").list.len() > 0).fill_null(value=False))
    with_lists = with_lists.with_columns(pl.int_ranges(1, pl.col("element").list.len() + 1).alias("position"))
    exploded = with_lists.explode(["element", "position", *beside])
    return exploded.filter(pl.col("element").is_not_null())


def shape_paths(vendor: Vendor, stream: str) -> dict[tuple[str, str], str]:
    """For every dialect and leaf path of a stream: modelled, extra or dropped."""
    found: dict[tuple[str, str], str] = {}
    for dialect in vendor.streams[stream].dialects:
        for path, leaf in leaves(dialect.shape):
            kind = getattr(leaf, "kind", "json")
            found[dialect.name, path] = {"keep": "extra", "drop": "dropped"}.get(kind, "modelled")
    return found
