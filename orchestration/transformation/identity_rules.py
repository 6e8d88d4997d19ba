"""Checks the rules that decide who is who, before anything runs on them: overrides, blocked identifiers, composite
keys.

`check_files` needs nothing but the files. What only the data makes impossible, such as a decision on a record that has
not landed, stops nothing: `set_aside` finds it once the models are made. Columns and types are checked where seeds are
loaded; what the rules do is dbt's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from orchestration import vendors
from orchestration.canonical.vocabulary import IDENTIFIER_TYPES
from orchestration.config.settings import Settings
from orchestration.transformation import seeds
from orchestration.transformation.seeds import Seed
from orchestration.warehouse.duckdb_session import has_table

OVERRIDES = "identity_overrides"
BLOCKLIST = "identifier_blocklist"
COMPOSITE_KEYS = "identity_rules"

# The stream that derived records are named by.
DERIVED = "derived"
PAIR_RULES = ("never", "always")
RECORD_PARTS = ("source", "source_account", "stream", "source_record_id")
BLOCK_KINDS = ("exact", "pattern", "local_part", "domain", "domain_ending")
NAME_PARTS = ("first_name", "first_initial", "last_name", "last_initial", "full_name", "name_words")
PLACE_PARTS = ("postal_code", "city", "address")
BIRTH_PARTS = ("birth_date", "birth_year", "birth_month", "birth_day")
OWN_PARTS = ("document", "email", "phone", "customer_id", "external_id")
FREE_PARTS = ("any_first_name", "any_birth_date")
KEY_PARTS = (*NAME_PARTS, *BIRTH_PARTS, *PLACE_PARTS, *OWN_PARTS, *FREE_PARTS)


@dataclass(frozen=True, order=True)
class Record:
    """A record as an override names it; the stream of derived records is `derived`."""

    source: str
    source_account: str
    stream: str
    source_record_id: str

    def __str__(self) -> str:
        return f"{self.source}/{self.source_account}/{self.stream}"


@dataclass(frozen=True)
class Pair:
    """An override on two records, and the line it stands on."""

    line: int
    rule: str
    one: Record
    other: Record


@dataclass(frozen=True)
class SetAside:
    """A decision that does nothing, why, and the persons that its records are of, if any."""

    sentence: str
    customer_id: str | None
    other_customer_id: str | None


def check_files(settings: Settings) -> None:
    """Refuses rules that say nothing, contradict each other, or name a rule or a type that does not exist."""
    for seed in seeds.find(settings):
        if seed.name == BLOCKLIST:
            _check_blocklist(seed)
        if seed.name == COMPOSITE_KEYS:
            _check_composite_keys(seed)
        if seed.name == OVERRIDES:
            _refuse_contradictions(seed, _pairs(seed))


def set_aside(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[SetAside]:
    """Decisions that do nothing in a warehouse with its models made: a record has not landed yet or is gone, or another
    decision or two documents forbid it."""
    if not has_table(con, "internal", "int_record_customers"):
        return
    for seed in seeds.find(settings):
        if seed.name != OVERRIDES:
            continue
        pairs = _pairs(seed)
        persons = _persons(con, pairs)
        for pair in pairs:
            one, other = persons.get(pair.one), persons.get(pair.other)
            where = f"{seed.path.name}, line {pair.line}: `{pair.rule}`"
            if one is None or other is None:
                side, record = ("the one", pair.one) if one is None else ("the other", pair.other)
                yield SetAside(
                    f"{where} is set aside, since {side} record is not there: {record} has no record of that id.",
                    one,
                    other,
                )
            elif pair.rule == "always" and one != other:
                yield SetAside(
                    f"{where} is set aside, since another decision or two documents keep its records apart.", one, other
                )


def look(con: duckdb.DuckDBPyConnection, settings: Settings, _: str) -> Iterator[str]:
    """What somebody must look at: decisions that lie aside."""
    for found in set_aside(con, settings):
        yield f"{found.sentence} Take the line out, or fix it."


def _pairs(seed: Seed) -> list[Pair]:
    return [pair for line, row in seeds.rows(seed) if (pair := _pair(seed, line, row)) is not None]


def _pair(seed: Seed, line: int, row: dict[str, str]) -> Pair | None:
    """The pair a row decides on; None for a blocked identifier."""
    for name in ("author", "reason"):
        if not row[name]:
            raise seeds.problem(seed, line, f"`{name}` is empty: a decision needs somebody who made it and a reason")
    named = [f"{prefix}{part}" for prefix in ("", "other_") for part in RECORD_PARTS]
    if row["rule"] == "blocked":
        _refuse_filled(seed, line, row, named, "`blocked` is about an identifier, not about records")
        _check_identifier_type(seed, line, row["identifier_type"])
        if not row["identifier_value"]:
            raise seeds.problem(seed, line, "`identifier_value` is empty")
        return None
    if row["rule"] not in PAIR_RULES:
        raise seeds.problem(seed, line, f"`{row['rule']}` is no rule; rules are never, always and blocked")
    _refuse_filled(
        seed,
        line,
        row,
        ["identifier_type", "identifier_value"],
        f"`{row['rule']}` is about two records, not about an identifier",
    )
    for name in named:
        if not row[name]:
            raise seeds.problem(seed, line, f"`{name}` is empty, and `{row['rule']}` is about two records")
    one, other = (Record(*(row[f"{prefix}{part}"] for part in RECORD_PARTS)) for prefix in ("", "other_"))
    for record in (one, other):
        _check_place(seed, line, record)
    if one == other:
        raise seeds.problem(seed, line, "both records are the same")
    return Pair(line, row["rule"], one, other)


def _refuse_contradictions(seed: Seed, pairs: list[Pair]) -> None:
    """Records that `always` joins, directly or through others, are one; `never` may not name two of them."""
    joined: dict[Record, Record] = {}

    def find(record: Record) -> Record:
        while record in joined:
            record = joined[record]
        return record

    for pair in pairs:
        if pair.rule == "always" and find(pair.one) != find(pair.other):
            joined[find(pair.one)] = find(pair.other)
    for pair in pairs:
        if pair.rule == "never" and find(pair.one) == find(pair.other):
            lines = [each.line for each in pairs if each.rule == "always" and find(each.one) == find(pair.one)]
            where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
            raise seeds.problem(seed, pair.line, f"`never` keeps apart what `always` joins ({where})")


def _persons(con: duckdb.DuckDBPyConnection, pairs: list[Pair]) -> dict[Record, str]:
    """The person of each record that is there; a record that is nobody's stands by its own id."""
    wanted = sorted({record for pair in pairs for record in (pair.one, pair.other)})
    if not wanted:
        return {}
    lists = [[getattr(record, part) for record in wanted] for part in RECORD_PARTS]
    unnested = ", ".join(f"unnest(${number}::varchar[]) as {part}" for number, part in enumerate(RECORD_PARTS, start=1))
    parts = ", ".join(RECORD_PARTS)
    query = f"""
        select distinct {parts}, customer_id
        from (select {unnested})
        inner join (
            select source, source_account, stream_key as stream, source_record_id, coalesce(customer_id, alias_id) as customer_id
            from internal.int_record_customers
        ) using ({parts})
        """
    return {Record(*row[:4]): row[4] for row in con.execute(query, lists).fetchall()}


def _check_place(seed: Seed, line: int, record: Record) -> None:
    """Refuses what no record can ever be of; with a mistake in a vendor's module its streams are not known."""
    if record.source not in vendors.names():
        raise seeds.problem(seed, line, f"`{record.source}` is no vendor; vendors are {', '.join(vendors.names())}")
    vendor = vendors.discover().get(record.source)
    if vendor and record.stream not in (DERIVED, *vendor.streams):
        raise seeds.problem(
            seed,
            line,
            f"`{record.stream}` is no stream of {record.source}; streams are {', '.join((*vendor.streams, DERIVED))}",
        )


def _check_blocklist(seed: Seed) -> None:
    for line, row in seeds.rows(seed):
        if row["identifier_type"] != "first_name":
            _check_identifier_type(seed, line, row["identifier_type"])
        if row["match_kind"] not in BLOCK_KINDS:
            raise seeds.problem(
                seed, line, f"`{row['match_kind']}` is no way to compare; ways are {', '.join(BLOCK_KINDS)}"
            )
        if not row["value"]:
            raise seeds.problem(seed, line, "`value` is empty")
        if row["match_kind"] == "pattern" and not re.fullmatch("[+]?[0-9][0-9_]*", row["value"]):
            raise seeds.problem(seed, line, "a pattern is a number with `_` for any one digit")


def _check_composite_keys(seed: Seed) -> None:
    parts: dict[str, set[str]] = {}
    lines: dict[str, int] = {}
    for line, row in seeds.rows(seed):
        if row["part"] not in KEY_PARTS:
            raise seeds.problem(seed, line, f"`{row['part']}` is no part of a key; parts are {', '.join(KEY_PARTS)}")
        if row["is_active"].lower() in ("true", "t", "1", "yes"):
            parts.setdefault(row["rule"], set()).add(row["part"])
            lines.setdefault(row["rule"], line)
    for rule, chosen in parts.items():
        if chosen <= {*NAME_PARTS, *FREE_PARTS}:
            raise seeds.problem(seed, lines[rule], f"the rule `{rule}` would join people by their names alone")


def _check_identifier_type(seed: Seed, line: int, given: str) -> None:
    if given not in IDENTIFIER_TYPES:
        shown = f"`{given}`" if re.fullmatch("[A-Za-z_]+", given) else "this"
        raise seeds.problem(seed, line, f"{shown} is no identifier type; types are {', '.join(IDENTIFIER_TYPES)}")


def _refuse_filled(seed: Seed, line: int, row: dict[str, str], names: list[str], reason: str) -> None:
    for name in names:
        if row[name]:
            raise seeds.problem(seed, line, f"`{name}` is filled, and {reason}")
