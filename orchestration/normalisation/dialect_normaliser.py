"""The records of one dialect in one block into rows of canonical tables: whom they are about, and what the vendor's
selects find in them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from orchestration.canonical.reason_codes import ERASED
from orchestration.canonical.tables import TABLES
from orchestration.mapping.expressions import needs, with_shared
from orchestration.mapping.selects import Contact, Profile, Rows
from orchestration.mapping.values import Amount, Time
from orchestration.normalisation.canonical_rows import in_columns_of
from orchestration.normalisation.contact_attributes import as_last_reported
from orchestration.normalisation.contact_owners import owners_of
from orchestration.normalisation.decimal_columns import fields_read, is_in_minor_units
from orchestration.normalisation.erasures import Erasures, People, loyalty_account
from orchestration.normalisation.file_context import Span
from orchestration.normalisation.identifiers import identifiers as identifiers_of
from orchestration.normalisation.identifiers import no_identifiers
from orchestration.normalisation.list_elements import elements, exploded, records
from orchestration.normalisation.outcomes import Decoded, Issue
from orchestration.normalisation.record_ids import alias_ids
from orchestration.normalisation.row_completion import completed
from orchestration.normalisation.typed_values import PLAUSIBLE, POLARS_TYPES, Reader
from orchestration.parsing import ids, times
from orchestration.parsing.text import clean

ACCOUNT_TABLES = ("loyalty_accounts", "loyalty_transactions")


@dataclass
class _Judged:
    """Rows of one table with parsed values."""

    table: str
    frame: pl.DataFrame


class DialectNormaliser:
    """The records of one dialect in one block on their way to canonical rows."""

    def __init__(self, decoded: Decoded, span: Span, major_fields: frozenset[str]) -> None:
        self._dialect = decoded.dialect
        self._major_fields = major_fields
        self._span = span
        self._account = span.account
        frame = decoded.frame.with_columns(
            span.reported(lambda origin: origin.file_value, pl.String).alias("file_value"),
            pl.lit(span.account.default_currency).alias("account_currency"),
            pl.lit(span.account.phone_region, pl.String).alias("account_phone_region"),
        )
        self._frame = with_shared(frame, decoded.dialect.reads)
        self._judged: list[_Judged] = []
        self.reported: list[_Judged] = []
        self._people = pl.DataFrame()
        self._carried = no_identifiers()
        self.rejected: dict[int, tuple[str, str | None]] = {}
        self.issues: list[Issue] = []

    def people(self) -> People:
        """Whom the records are about; the group is of no other use afterwards."""
        numbers = set(self._frame.get_column("source_row"))
        self._own()
        owners = self._frame.filter(pl.col("owner").is_not_null()).select("source_row", "owner")
        return People(
            self._account.source, self._account.source_account, self._span.stream, numbers, owners, self._carried
        )

    def accounts(self) -> dict[int, str]:
        """Records that name an account of a loyalty programme and nobody, after the run."""
        found = (
            judged.frame.filter(pl.col("owner_record_id").is_null())
            for judged in self._judged
            if judged.table in ACCOUNT_TABLES
        )
        pairs = (frame.select("source_row", "account_id").drop_nulls() for frame in found)
        return {number: account for frame in pairs for number, account in frame.iter_rows()}

    def give_up_accounts(self, erasures: Erasures) -> set[int]:
        """Rejects records that name an erased account and nobody, after the run; their numbers."""
        of = self._account.source, self._account.source_account
        found = {
            number
            for number, account in self.accounts().items()
            if erasures.holds(loyalty_account(*of, account), self._span.export_date(number))
        }
        self._reject(found, ERASED, None)
        return found

    def run(self) -> None:
        self._check()
        self._own()
        self._frame = self._frame.with_columns(self._updated().alias("updated"))
        for select in self._dialect.rows:
            self._rows(select)
        if isinstance(self._dialect.about, Contact):
            self._contacts(self._dialect.about)

    def accepted(self, judged_rows: "Iterable[_Judged] | None" = None) -> Iterable[tuple[str, pl.DataFrame]]:
        """Frames of the records that were not rejected, in the columns of their tables."""
        rejected = list(self.rejected)
        for judged in self._judged if judged_rows is None else judged_rows:
            frame = judged.frame.filter(~pl.col("source_row").is_in(rejected)) if rejected else judged.frame
            if frame.height:
                yield judged.table, self._span.in_own_numbers(frame)

    def _reject(self, numbers: Iterable[int], reason: str, at: str | None) -> None:
        for number in numbers:
            self.rejected.setdefault(number, (reason, at))

    def _where(self, condition: pl.Expr) -> pl.Series:
        """Numbers of the records for which it holds."""
        return self._frame.select(pl.col("source_row").filter(condition)).to_series()

    def _check(self) -> None:
        for check in self._dialect.reject_rules:
            self._reject(self._where(check.condition), check.reason, check.field)
        for rule in self._dialect.issue_rules:
            below = self._frame if rule.each is None else exploded(self._frame, rule.each, needs(rule))
            found = below.select("source_row", rule.given.alias("given"), rule.condition.alias("is_an_issue")).filter(
                "is_an_issue"
            )
            action = "kept" if rule.code in ("unknown_word", "other_kind", "unheard_consent") else "set_null"
            self.issues.extend(
                Issue(number, None, rule.field, rule.code, given, action) for number, given, _ in found.iter_rows()
            )

    # -- whom the records are about ----------------------------------------------------------------------------------

    def _own(self) -> None:
        about = self._dialect.about
        if isinstance(about, Profile):
            self._own_profile(about)
        elif isinstance(about, Contact):
            self._own_contact(about)
        else:
            self._frame = self._frame.with_columns(
                pl.lit(None, pl.String).alias("owner"), pl.lit(None, pl.String).alias("profile")
            )

    def _own_profile(self, about: Profile) -> None:
        self._frame = self._frame.with_columns(
            ids.identifier(about.record_id, "profile_id").alias("owner")
        ).with_columns(pl.col("owner").alias("profile"))
        self._reject(self._where(pl.col("owner").is_null()), "missing_identity", None)
        self._frame = self._frame.filter(pl.col("owner").is_not_null())
        self._carried = identifiers = self._identifiers(about)
        owners = self._frame.select("source_row", "owner", "profile")
        self._emit(
            "customer_identifiers", identifiers.join(owners, on="source_row", maintain_order="left"), pl.col("owner")
        )

    def _own_contact(self, about: Contact) -> None:
        profile = (
            ids.identifier(about.profile_id, "profile_id") if about.profile_id is not None else pl.lit(None, pl.String)
        )
        self._frame = self._frame.with_columns(profile.alias("profile"))
        identifiers = self._identifiers(about)
        people = self._read(Reader("contacts", about.attributes, self._account, self._span.export_start), self._frame)
        owner = owners_of(self._frame, people, identifiers, self._account)
        self._frame = self._frame.with_columns(owner.alias("owner"))
        nameless = identifiers.join(
            self._frame.filter(owner.is_null()).select("source_row"), on="source_row", how="semi", maintain_order="left"
        )
        self.issues.extend(
            Issue(number, "customer_identifiers", path, "unusable_identifier", given, "kept")
            for number, path, given in nameless.select("source_row", "source_path", "given").iter_rows()
        )
        self._first_of_type(identifiers)
        self._people, self._carried = people, identifiers

    def _identifiers(self, about: Profile | Contact) -> pl.DataFrame:
        """What the records are known by; a blank taken off a value is logged."""
        found = identifiers_of(about.identifiers, self._frame, self._account)
        trimmed = found.filter(pl.col("given") != pl.col("id_value_raw")).select("source_row", "given")
        self.issues.extend(
            Issue(number, "customer_identifiers", "id_value", "trimmed", given, "repaired")
            for number, given in trimmed.iter_rows()
        )
        return found

    def _first_of_type(self, identifiers: pl.DataFrame) -> None:
        rows = self._frame.select("source_row")
        for id_type in ("email", "phone", "vuid", "customer_id"):
            found = identifiers.filter(pl.col("id_type") == id_type).unique(
                "source_row", keep="first", maintain_order=True
            )
            rows = rows.join(
                found.select("source_row", pl.col("id_value").alias(f"first:{id_type}")),
                on="source_row",
                how="left",
                maintain_order="left",
            )
        self._frame = self._frame.hstack(rows.drop("source_row"))

    def _contacts(self, about: Contact) -> None:
        """The people that accepted records are about, each once: what its records say last, with the identifiers of the
        newest."""
        people, identifiers = self._people, self._carried
        is_accepted = ~pl.col("source_row").is_in(list(self.rejected))
        owners = self._frame.filter(pl.col("owner").is_not_null() & is_accepted).select(
            "source_row", "record_hash", self._span.by_file(pl.col("owner")).alias("owner"), "profile"
        )
        reported = owners.join(self._contact_times(), on="source_row", how="left").sort("seen", "source_row")
        seen = reported.group_by("owner").agg(
            pl.col("seen").min().alias("first_seen_at"), pl.col("seen").max().alias("seen_at")
        )
        if not reported.height:
            return
        last, merged = as_last_reported(reported.join(people, on="source_row", how="left", maintain_order="left"))
        last = last.drop("seen").sort("source_row")
        newest = last.select("source_row", "record_hash", "owner", "profile")
        self._emit(
            "contacts",
            self._as_contacts(about, last.join(seen, on="owner", how="left", maintain_order="left")),
            pl.col("owner"),
        )
        if merged.height:
            self._emit(
                "contacts",
                self._as_contacts(about, merged.with_columns(seen_at="seen", first_seen_at="seen")),
                pl.col("owner"),
            )
            self.reported.append(self._judged.pop())
        carried = newest.select("source_row", self._span.without_file(pl.col("owner")).alias("owner")).join(
            identifiers.drop("owner", "profile", strict=False), on="source_row", maintain_order="left"
        )
        carried = carried.join(
            self._frame.select("source_row", "profile"), on="source_row", how="left", maintain_order="left"
        )
        self._emit("customer_identifiers", carried, pl.col("owner"))

    def _as_contacts(self, about: Contact, rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.with_columns(
            self._span.without_file(pl.col("owner")).alias("owner"),
            pl.lit(about.is_lead).alias("is_lead_only"),
            pl.col("profile").alias("source_profile_id"),
        )
        return rows.with_columns(alias_ids(self._span, rows, "derived"))

    def _updated(self) -> pl.Expr:
        """When the vendor last changed the record, for those of its rows that say nothing of their own: it decides the
        newer of two versions."""
        needed = any(_takes_update_of_record(select) for select in self._dialect.rows)
        stated = (
            select.columns.get("source_updated_at") for select in self._dialect.rows if select.each is None and needed
        )
        found = next((value for value in stated if isinstance(value, Time) and value.sources), None)
        return pl.lit(None, POLARS_TYPES["time"]) if found is None else self._plausible(found)

    def _plausible(self, value: Time) -> pl.Expr:
        """The time that a record states, if it can be."""
        text = clean(pl.coalesce([clean(source) for source in value.sources]))
        seen = times.time(
            text, formats=value.formats, zone=self._account.time_zone, date_hour=value.date_only_hour
        ).struct.field("value")
        return pl.when(seen < self._span.export_start + PLAUSIBLE).then(seen)

    def _contact_times(self) -> pl.DataFrame:
        for select in self._dialect.rows:
            for column in TABLES[select.table].times_seen:
                value = select.columns.get(column.name)
                if select.each is None and isinstance(value, Time) and value.sources:
                    return self._frame.select(
                        "source_row", pl.coalesce(self._plausible(value), self._span.export_start).alias("seen")
                    )
        return self._frame.select("source_row", self._span.export_start.alias("seen"))

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _rows(self, select: Rows) -> None:
        if select.is_amount_unit_inferred and self._account.amount_unit is not None:
            select = replace(select, amounts=self._account.amount_unit, is_amount_unit_inferred=False)
        if select.each is None and self._major_fields:
            select = self._in_major_units(select)
        if select.each is not None:
            select, frame = elements(select, select.each, self._frame)
        else:
            frame = records(select, self._frame)
        if select.where is not None:
            frame = frame.filter(select.where)
        if frame.height:
            parsed = self._read(
                Reader(select.table, select.columns, self._account, self._span.export_start, select.amounts), frame
            )
            self._emit(select.table, completed(select, frame, parsed, self._span), pl.col("owner"))

    def _in_major_units(self, select: Rows) -> Rows:
        """The select with the amounts that this file states in major units, each logged as given."""
        columns = dict(select.columns)
        for name, value in select.columns.items():
            if is_in_minor_units(select, name, value) and fields_read(value) & self._major_fields:
                source = value.source if isinstance(value, Amount) else value
                assert isinstance(source, pl.Expr)
                columns[name] = Amount(source, "stated", absolute=isinstance(value, Amount) and value.absolute)
                below = self._frame if select.where is None else self._frame.filter(select.where)
                reported = below.select("source_row", source.cast(pl.String).alias("given")).filter(
                    pl.col("given").is_not_null()
                )
                self.issues.extend(
                    Issue(number, select.table, name, "major_units", given, "repaired")
                    for number, given in reported.iter_rows()
                )
        return replace(select, columns=columns)

    def _read(self, reader: Reader, frame: pl.DataFrame) -> pl.DataFrame:
        """Typed values row by row of `frame`; what cannot be read is rejected or logged."""
        read = reader.read(frame)
        for number, reason, at in read.rejected:
            self._reject([number], reason, at)
        self.issues.extend(read.issues)
        return read.frame

    def _emit(self, table: str, rows: pl.DataFrame, owner: pl.Expr) -> None:
        """Rows in the columns of their table; rejects those that lack what they need."""
        if not rows.height:
            return
        frame = in_columns_of(table, rows, owner, self._span, self._dialect)
        for column in TABLES[table].columns:
            if column.required:
                lacking = frame.filter(pl.col(column.name).is_null()).get_column("source_row")
                self._reject(lacking, column.required, column.name)
        self._judged.append(_Judged(table, frame))


def _takes_update_of_record(select: Rows) -> bool:
    return (
        any(column.name == "source_updated_at" for column in TABLES[select.table].columns)
        and "source_updated_at" not in select.columns
    )
