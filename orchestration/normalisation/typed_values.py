"""Values as given into typed values: parsed and judged by the column they are for.

The value as given stays beside the parsed one, so a failure is a named reject or field issue and never a silent null.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from orchestration.canonical.currencies import DECIMAL_PLACES, decimal_places
from orchestration.canonical.people import PERSON_ATTRIBUTES
from orchestration.canonical.table_model import Column
from orchestration.canonical.tables import TABLES
from orchestration.config.accounts import Account
from orchestration.mapping.expressions import given, roots
from orchestration.mapping.values import Amount, Time, Typed, Value, Word
from orchestration.mapping.words import word_form
from orchestration.normalisation.outcomes import Issue
from orchestration.parsing import codes, ids, numbers, times
from orchestration.parsing import person_names as names
from orchestration.parsing.text import by_distinct, clean

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

# What lies further after the start of its export date has not happened: a clock was wrong.
PLAUSIBLE = timedelta(days=3)
# Times that are of the future by their meaning, and those that are a vendor's figure to be compared as it stands.
FREE_TIMES = frozenset({"expires_at", "value_ts"})

# Columns that follow from a word as given: the word's column, theirs, and how it is read.
DERIVED_WORDS: tuple[tuple[str, str, Callable[[pl.Expr], pl.Expr]], ...] = (
    ("country_raw", "country_code", codes.country),
    ("gender_raw", "gender", codes.gender),
)


# Tables about people, and the columns in which a wrong encoding is repaired.
PEOPLE = ("customers", "contacts")
REPAIRED = (
    "first_name",
    "middle_name",
    "last_name",
    "full_name",
    "city",
    "district",
    "address_line_1",
    "address_line_2",
    "state_raw",
)
FIRST_BIRTH_DATE = date(1900, 1, 1)
# A day without a time, in every order in which its parts are written.
_DAY = r"^[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}$"


@dataclass
class Read:
    """Typed values row by row, with what is to be rejected (row, reason, field) and logged."""

    frame: pl.DataFrame
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """Reads the columns of a table from the values that a vendor's select names for them; `export_start` is the start
    of the export date."""

    table: str
    columns: Mapping[str, Value]
    account: Account
    export_start: pl.Expr
    amounts: str = "major"

    def read(self, frame: pl.DataFrame) -> Read:
        """The values of every row of `frame`."""
        declared = TABLES[self.table]
        given = [_given(declared.column(name), value).alias(name) for name, value in self.columns.items()]
        if self.table == "contacts":
            given.extend(
                pl.lit(None, pl.String).alias(column.name)
                for column in PERSON_ATTRIBUTES
                if column.name not in self.columns
            )
        reported = [expr.meta.output_name() for expr in given]
        given.extend(
            value.is_inferred.alias(f"inferred:{name}")
            for name, value in self.columns.items()
            if isinstance(value, Time) and value.is_inferred is not None
        )
        given.extend(
            _blank_to_null(stated).alias(at)
            for name, value in self.columns.items()
            for at, stated in _not_before(name, value).items()
        )
        given.extend(
            value.expr.alias(f"typed:{name}")
            for name, value in self.columns.items()
            if isinstance(value, Typed) and value.given is not None
        )
        unknown = [
            found.alias(at)
            for name, value in self.columns.items()
            if isinstance(value, Word)
            for at, found in _unknown_words(name, value).items()
        ]
        given.extend(unknown)
        texts = frame.select("source_row", *given)
        # Of a wide table most files fill a few columns: to parse and judge nulls would cost as much as values do.
        empty = {
            name for name, count in zip(texts.columns, texts.null_count().row(0), strict=True) if count == texts.height
        }
        # What is typed already may have a value where nothing is given, such as the usual scale of a rating.
        earlier = {
            name: [at for at in _not_before(name, value) if at not in empty] for name, value in self.columns.items()
        }
        empty -= {name for name, value in self.columns.items() if isinstance(value, Typed) or earlier[name]}
        exponent = self._exponent(texts)
        texts = texts.with_columns(self._times(empty, earlier))
        exprs: list[pl.Expr] = []
        for name in reported:
            column, value = declared.column(name), self.columns.get(name)
            exprs.extend(
                self._without_values(column, value)
                if name in empty
                else self._parse(column, value, exponent, earlier.get(name, []))
            )
        read = Read(texts.select("source_row", *exprs))
        self._judge(frame, texts, read, empty)
        if self.table in PEOPLE:
            self._repair(frame, texts, read)
            self._doubt_birth_dates(frame, texts, read)
        read.frame = self._with_derived_attributes(read.frame)
        self._log_unknown_words(read)
        self._log_unknown(texts.select("source_row", *(expr.meta.output_name() for expr in unknown)), read)
        if self.table == "customer_consents":
            self._heed_refusals(texts, read)
        return read

    def _exponent(self, texts: pl.DataFrame) -> pl.Expr:
        """Decimal places of a row's currency: ISO 4217 says two for most."""
        default = pl.lit(DECIMAL_PLACES.get(self.account.default_currency, 2), pl.Int64)
        if "currency" not in texts.columns:
            return default
        return pl.coalesce(decimal_places(codes.currency(clean(pl.col("currency")))), default)

    def _without_values(self, column: Column, value: Value | None) -> list[pl.Expr]:
        """What `_parse` gives where no row has a value."""
        flag = column.inferred_flag if isinstance(value, Time) else None
        return [
            pl.lit(None, POLARS_TYPES[column.kind]).alias(column.name),
            *([pl.lit(value=True).alias(flag)] if flag else []),
        ]

    def _parse(self, column: Column, value: Value | None, exponent: pl.Expr, earlier: Sequence[str]) -> list[pl.Expr]:
        name = column.name
        text = pl.col(name)
        if isinstance(value, Typed):
            return [
                (text if value.given is None else pl.col(f"typed:{name}")).cast(POLARS_TYPES[column.kind]).alias(name)
            ]
        if isinstance(value, Time):
            return self._parse_time(column, value, earlier)
        kind = column.kind
        if kind in ("texts", "json"):
            return [text.alias(name)]
        cleaned = clean(text)
        if kind == "money":
            amounts = value.unit if isinstance(value, Amount) and value.unit != "major" else self.amounts
            places = pl.lit(2, pl.Int64) if amounts == "hundredths" else exponent
            amount = (
                numbers.money(cleaned) if amounts in ("major", "stated") else numbers.cents_to_major(cleaned, places)
            )
            return [(amount.abs() if isinstance(value, Amount) and value.absolute else amount).alias(name)]
        if kind == "time":
            return [times.time(cleaned, zone=self.account.time_zone).struct.field("value").alias(name)]
        if name == "currency":
            return [codes.currency(cleaned).alias(name)]
        if column.values:
            lowered = codes.gender(cleaned) if name == "gender" else cleaned.str.to_lowercase()
            if column.spellings:
                lowered = lowered.str.replace_all(r"[\s_-]+", "").replace(column.spellings)
            return [pl.when(lowered.is_in(column.values)).then(lowered).alias(name)]
        if kind == "number" and isinstance(value, Amount) and value.unit == "minor":
            return [numbers.minor_to_major(cleaned, exponent).cast(POLARS_TYPES["number"]).alias(name)]
        parsers = {
            "decimal": numbers.decimal,
            "number": numbers.number,
            "integer": numbers.integer,
            "double": numbers.double,
            "flag": numbers.flag,
            "date": times.date,
        }
        if kind == "id":
            return [ids.identity(text).alias(name)]
        return [parsers[kind](cleaned).alias(name) if kind in parsers else cleaned.alias(name)]

    def _times(self, empty: set[str], earlier: Mapping[str, Sequence[str]]) -> list[pl.Expr]:
        """Readings of the times, each as a struct: a step of its own, because Polars would read again for every
        field."""
        zone = self.account.time_zone
        stated = [
            (name, value) for name, value in self.columns.items() if isinstance(value, Time) and name not in empty
        ]
        return [
            times.time(clean(pl.col(at)), formats=value.formats, zone=zone, date_hour=value.date_only_hour).alias(
                f"time:{at}"
            )
            for name, value in stated
            for at in (name, *earlier[name])
        ]

    def _parse_time(self, column: Column, value: Time, earlier: Sequence[str]) -> list[pl.Expr]:
        name, flag = column.name, column.inferred_flag
        parsed = pl.col(f"time:{name}").struct
        moment, is_implausible = parsed.field("value"), self._is_implausible(name)
        if flag is None:
            return [pl.when(~is_implausible).then(moment).alias(name)]
        is_reported = pl.col(f"inferred:{name}") if value.is_inferred is not None else pl.lit(value=False)
        is_inferred = (
            parsed.field("is_zone_inferred").fill_null(value=False) | moment.is_null() | is_reported | is_implausible
        )
        moment = pl.when(is_implausible).then(self.export_start).otherwise(moment)
        if not earlier:
            return [moment.alias(name), is_inferred.alias(flag)]
        earliest = pl.max_horizontal(
            pl.when(~self._is_implausible(at)).then(pl.col(f"time:{at}").struct.field("value")) for at in earlier
        )
        is_early = (earliest > moment.fill_null(self.export_start)).fill_null(value=False)
        return [
            pl.when(is_early).then(earliest).otherwise(moment).alias(name),
            (is_inferred | is_early).alias(flag),
        ]

    def _is_implausible(self, name: str) -> pl.Expr:
        """The time cannot be; where something happened at it, the export date stands in, else it is left out."""
        if name in FREE_TIMES:
            return pl.lit(value=False)
        return (pl.col(f"time:{name}").struct.field("value") >= self.export_start + PLAUSIBLE).fill_null(value=False)

    def _judge(self, frame: pl.DataFrame, texts: pl.DataFrame, read: Read, empty: set[str]) -> None:
        """Logs what was given and could not be read, and what was repaired in reading."""
        both = texts.hstack(read.frame.drop("source_row").rename(lambda name: f"parsed:{name}"))
        doubts = {
            (name, code): condition
            for name, value in self.columns.items()
            if (not isinstance(value, Typed) or value.given is not None) and name not in empty
            for code, condition in self._doubts_of(name, value).items()
        }
        if not doubts or not both.height:
            return
        found = both.select(condition.any().alias(f"{code}:{name}") for (name, code), condition in doubts.items()).row(
            0
        )
        for ((name, code), condition), is_there in zip(doubts.items(), found, strict=True):
            if is_there:
                is_doubted = both.select(condition.alias("is_doubted")).to_series()
                given = delivered(
                    self.columns[name], both.get_column(name).filter(is_doubted), frame.filter(is_doubted)
                )
                self._log(
                    pl.DataFrame([both.get_column("source_row").filter(is_doubted), given]),
                    TABLES[self.table].column(name),
                    code,
                    read,
                )

    def _doubts_of(self, name: str, value: Value) -> dict[str, pl.Expr]:
        found = _doubts(TABLES[self.table].column(name))
        if not isinstance(value, Time):
            return found
        is_implausible = self._is_implausible(name)
        return {code: condition & ~is_implausible for code, condition in found.items()} | {
            "implausible_time": is_implausible
        }

    def _log(self, found: pl.DataFrame, column: Column, code: str, read: Read) -> None:
        if code == "unparseable" and column.unparseable:
            read.rejected.extend((number, column.unparseable, column.name) for number in found.get_column("source_row"))
            return
        is_left_out = code == "implausible_time" and column.inferred_flag is None
        action = "set_null" if code in ("unparseable", "unknown_word") or is_left_out else "repaired"
        read.issues.extend(
            Issue(number, self.table, column.name, code, given, action) for number, given in found.iter_rows()
        )

    def _heed_refusals(self, texts: pl.DataFrame, read: Read) -> None:
        """A no of which only the day is known holds from the end of it, for a yes of that day may have come before; one
        whose channel is not known is one to all."""
        is_no = pl.col("status") == "opt_out"
        if not read.frame.select(is_no.any()).item():
            return
        when = self.columns["effective_at"]
        if isinstance(when, Time):
            text = clean(pl.col("effective_at"))
            day = pl.when(text.str.contains(_DAY)).then(text)
            next_day = times.time(day, formats=when.formats, zone=self.account.time_zone, date_hour=24)
            last_moment = next_day.struct.field("value") - timedelta(seconds=1)
            read.frame = read.frame.hstack([texts.select(last_moment.alias("last_moment")).to_series()]).with_columns(
                pl.when(is_no & (pl.col("last_moment") < self.export_start + PLAUSIBLE))
                .then(pl.max_horizontal("effective_at", "last_moment"))
                .otherwise("effective_at")
                .alias("effective_at")
            )
            read.frame = read.frame.drop("last_moment")
        is_to_all = is_no & pl.col("channel").is_null()
        heeded = set(read.frame.filter(is_to_all).get_column("source_row"))
        read.frame = read.frame.with_columns(channel=pl.when(is_to_all).then(pl.lit("all")).otherwise("channel"))
        read.issues = [
            replace(issue, action="kept") if issue.number in heeded and issue.field == "channel" else issue
            for issue in read.issues
        ]

    def _repair(self, frame: pl.DataFrame, texts: pl.DataFrame, read: Read) -> None:
        """Names and places as they should have arrived, each change logged, and names as they are compared."""
        for name in REPAIRED:
            if name in read.frame.columns and read.frame.schema[name] == pl.String:
                self._rewrite(frame, texts, read, name, names.repaired, "mended_encoding")
        for name in ("first_name", "full_name"):
            if name in read.frame.columns:
                self._rewrite(frame, texts, read, name, names.without_titles, "title")
        keys = {f"{name}_key": name for name in ("first_name", "last_name", "full_name") if name in read.frame.columns}
        read.frame = read.frame.with_columns(
            _translated(read.frame.get_column(name), names.key).alias(key) for key, name in keys.items()
        )

    def _rewrite(
        self,
        frame: pl.DataFrame,
        texts: pl.DataFrame,
        read: Read,
        name: str,
        rewrite: Callable[[str], str | None],
        code: str,
    ) -> None:
        before = read.frame.get_column(name)
        after = _translated(before, rewrite)
        changed = before.is_not_null() & (after.is_null() | (after != before))
        if not changed.any():
            return
        read.frame = read.frame.with_columns(after.alias(name))
        given = (
            delivered(self.columns[name], texts.get_column(name).cast(pl.String), frame)
            if name in self.columns
            else before
        )
        rows = pl.DataFrame([read.frame.get_column("source_row"), given.alias("given"), after.alias("after")]).filter(
            changed
        )
        read.issues.extend(
            Issue(number, self.table, name, code, reported, "set_null" if kept is None else "repaired")
            for number, reported, kept in rows.iter_rows()
        )

    def _doubt_birth_dates(self, frame: pl.DataFrame, texts: pl.DataFrame, read: Read) -> None:
        """A birth date that a form or a system fills in, or that nobody alive can have, is nobody's: logged, and
        null."""
        if "birth_date" not in read.frame.columns or read.frame.schema["birth_date"] != pl.Date:
            return
        born = pl.col("birth_date")
        doubted = (
            (born < FIRST_BIRTH_DATE)
            | (born >= self.export_start.dt.date())
            | born.is_in(sorted(self.account.date_placeholders))
        )
        is_doubted = read.frame.select(doubted.fill_null(value=False)).to_series()
        if is_doubted.any():
            given = delivered(
                self.columns["birth_date"],
                texts.get_column("birth_date").cast(pl.String).filter(is_doubted),
                frame.filter(is_doubted),
            )
            rows = pl.DataFrame([texts.get_column("source_row").filter(is_doubted), given])
            read.issues.extend(
                Issue(number, self.table, "birth_date", "implausible_date", given, "set_null")
                for number, given in rows.iter_rows()
            )
            read.frame = read.frame.with_columns(pl.when(~is_doubted).then(born).alias("birth_date"))

    def _with_derived_attributes(self, parsed: pl.DataFrame) -> pl.DataFrame:
        if self.table not in ("customers", "contacts"):
            return parsed
        has = set(parsed.columns)
        derived = ((raw, name, read) for raw, name, read in DERIVED_WORDS if raw in has and name not in self.columns)
        parsed = parsed.with_columns(
            by_distinct(parsed.get_column(raw), read).alias(name) for raw, name, read in derived
        )
        if "state_raw" in has and "state_code" not in self.columns:
            country = pl.col("country_code") if "country_code" in parsed.columns else pl.lit(None, pl.String)
            parsed = parsed.with_columns(codes.state(pl.col("state_raw"), country).alias("state_code"))
        return parsed

    def _log_unknown(self, unknown: pl.DataFrame, read: Read) -> None:
        """Words of the vendor that are none of those known, in the column that they were to fill."""
        for at in unknown.columns[1:]:
            name = at.split(":", 2)[2]
            values = read.frame.get_column(name)
            reported = unknown.select("source_row", at, values.alias("read")).filter(pl.col(at).is_not_null())
            read.issues.extend(
                Issue(number, self.table, name, "unknown_word", word, "set_null" if ours is None else "kept")
                for number, word, ours in reported.iter_rows()
            )

    def _log_unknown_words(self, read: Read) -> None:
        """A country or gender that was given and is none we know is null beside its raw word, and logged."""
        for raw, name, _ in DERIVED_WORDS:
            if {raw, name} <= set(read.frame.columns):
                unread = read.frame.filter(pl.col(raw).is_not_null() & pl.col(name).is_null()).select("source_row", raw)
                read.issues.extend(
                    Issue(number, self.table, name, "unparseable", given, "set_null")
                    for number, given in unread.iter_rows()
                )


def _translated(words: pl.Series, translate: Callable[[str], str | None]) -> pl.Series:
    """Each different word translated once."""
    return by_distinct(words, lambda word: word.map_elements(translate, return_dtype=pl.String))


def _not_before(name: str, value: Value) -> dict[str, pl.Expr]:
    """For each of the times that a time may not be earlier than, the place of its text."""
    times_before = value.not_before if isinstance(value, Time) else ()
    return {f"not_before:{place}:{name}": stated for place, stated in enumerate(times_before)}


def _unknown_words(name: str, value: Word) -> dict[str, pl.Expr]:
    """For each place of a vendor's word, the word where it is none that is known."""
    return {
        f"unknown:{place}:{name}": pl.when(given(stated) & ~word_form(stated).is_in(list(known))).then(stated)
        for place, (stated, known) in enumerate(value.sources)
    }


def _given(column: Column, value: Value) -> pl.Expr:
    if isinstance(value, Typed):
        return value.expr if value.given is None else value.given.cast(pl.String)
    if isinstance(value, Time):
        return (
            pl.coalesce([_blank_to_null(source) for source in value.sources])
            if value.sources
            else pl.lit(None, pl.String)
        )
    if isinstance(value, Word):
        is_unknown = pl.any_horizontal(found.is_not_null() for found in _unknown_words(column.name, value).values())
        return (
            value.expr.fill_null(pl.when(is_unknown).then(pl.lit("unknown")))
            if "unknown" in column.values
            else value.expr
        )
    source = value.source if isinstance(value, Amount) else value
    return source if column.kind in ("texts", "json") else source.cast(pl.String, strict=False)


def _doubts(column: Column) -> dict[str, pl.Expr]:
    """By issue code, where a value as given was not read, or not read as it stood."""
    if column.kind in ("texts", "json"):
        return {}
    text, is_parsed = pl.col(column.name), pl.col(f"parsed:{column.name}").is_not_null()
    bare = text.str.strip_chars()
    is_given = text.is_not_null() & (bare != "")
    code = "unknown_word" if column.values and column.name != "gender" else "unparseable"
    found = {code: is_given & ~is_parsed, "trimmed": is_given & (text != bare) & is_parsed}
    return found | {"rounded": text.str.contains(r"\.\d{4}\d*[1-9]") & is_parsed} if column.kind == "money" else found


def delivered(value: Value, read: pl.Series, frame: pl.DataFrame) -> pl.Series:
    """The values as delivered, for those that were made of fields of the rows of `frame`: before any rewriting of a
    mapping."""
    sources = (
        value.sources
        if isinstance(value, Time)
        else value.given
        if isinstance(value, Typed)
        else value.source
        if isinstance(value, Amount)
        else value
    )
    names = sorted(
        name for name in roots(sources) if name in frame.columns and ":" in name and frame.schema[name] == pl.String
    )
    if not names:
        return read
    fields = frame.select(names)
    is_it = [pl.col(name).str.strip_chars() == read.str.strip_chars() for name in names]
    reported = [pl.when(test).then(pl.col(name)) for test, name in zip(is_it, names, strict=True)]
    return fields.select(
        pl.coalesce(*reported, *([pl.col(names[0])] if len(names) == 1 else []), read).alias(read.name)
    ).to_series()


def _blank_to_null(expr: pl.Expr) -> pl.Expr:
    text = expr.cast(pl.String, strict=False)
    return pl.when(text.str.strip_chars() != "").then(text)
