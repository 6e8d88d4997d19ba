"""A copy of the published warehouse without people in it: the same tables and columns, so that queries run unchanged.

What is personal is said by the canonical tables and by the YAML of the models. Texts become keyed tokens, which still
join and count; a birth date keeps its year, a postal code its beginning; what is free text goes.
"""

import hmac
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.canonical.tables import TABLES
from orchestration.config.settings import STORAGE_VERSION, Settings
from orchestration.runtime import yaml_files
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse.duckdb_session import attach, quoted

SCHEMAS = ("marts", "staging", "meta")
# Ids of ours stand for people too: whoever has the full file could look them up.
IDS = ("customer_id", "other_customer_id", "alias_id", "referrer_customer_id", "referred_customer_id")
PLACES = ("file_path", "source_file")
# A vendor's ids of what people did, and hashes of what was delivered: whoever has the vendor's interface, or an export,
# could look them up. Codes may be made out to somebody.
VENDORS_IDS = (
    "event_id", "content_key", "review_id", "review_key", "lead_id", "redemption_id", "parent_redemption_id", "transaction_id", "coupon_code", "voucher_code",
    "order_id", "order_number", "order_match_key", "source_order_id", "source_line_id", "adjustment_id", "adjustment_key", "source_adjustment_id",
    "related_object_id", "other_record_id", "record_hash", "link_id", "anonymous_id", "coupon_codes", "tags",
)  # fmt: skip
# What somebody has typed about a person; segments and lists have names that a shop has given them.
TAGS, KINDS_OF_SEGMENT = ("segment_id", "segment_name"), ("segment_kind", "kind")
FREE_TEXT = (
    "extra", "attributes", "properties", "metadata", "qualifications", "definition", "raw", "raw_bytes", "value_given", "message", "cause", "warnings",
    "changes", "attention", "command", "comment", "title", "reason", "question", "user_agent", "ip", "address_line_1", "address_line_2", "latitude",
    "longitude", "rule_detail", "details", "status_raw",
    "deliverability_reason", "chosen_value", "other_value",
)  # fmt: skip
# Titles of products, and reasons in words of ours.
NOT_FREE = (
    ("dim_products", "title"),
    ("fct_order_lines", "title"),
    ("order_lines", "title"),
    ("customer_contactability", "reason"),
)
POSTAL_CODE = "postal_code"


def share(settings: Settings, target: Path, *, key: str | None, postal_digits: int) -> dict[str, int]:
    """Writes the copy; how many columns were left, made tokens, coarsened and emptied."""
    if not settings.published_file.exists():
        raise OperatorError(
            f"Nothing is published in {settings.data}.", remedy="`c360 run` builds it from what has landed."
        )
    if target.resolve().is_relative_to(settings.data.resolve()):
        raise OperatorError(
            "A copy to hand on does not belong into the data folder.", remedy="Name a file elsewhere.", exit_code=2
        )
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        made = _write(settings, beside, _keys(settings, key), postal_digits)
        beside.chmod(0o600)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return made


def _keys(settings: Settings, key: str | None) -> tuple[str, str]:
    """Two keys that follow from the installation's secret and from what was typed beside it."""
    if settings.secret is None:
        raise OperatorError(
            "Tokens need a secret: without one anybody could compute them from an address.",
            remedy=f"Put one into {settings.config / 'secret'} or into C360_SECRET.",
            exit_code=2,
        )
    inner, outer = (
        hmac.digest(settings.secret, f"share\x1f{place}\x1f{key or ''}".encode(), "sha256").hex()
        for place in ("inner", "outer")
    )
    return inner, outer


def _write(settings: Settings, target: Path, keys: tuple[str, str], postal_digits: int) -> dict[str, int]:
    made = {"left": 0, "tokens": 0, "coarsened": 0, "emptied": 0}
    tagged = set(personal_columns(settings))
    with duckdb.connect(config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, settings.published_file, "published")
        con.execute(f"attach {quoted(str(target))} as shared (storage_version {quoted(STORAGE_VERSION)})")
        con.execute("use shared")
        for schema in SCHEMAS:
            con.execute(f"create schema shared.{schema}")
        for schema, table, columns in _tables(con):
            parts = []
            for name, kind in columns:
                is_personal = (schema, table, name) in tagged
                what, value = _tag(name, columns, keys) or _shown(
                    schema, table, name, kind, is_personal=is_personal, keys=keys, postal_digits=postal_digits
                )
                made[what] += 1
                parts.append(f'{value} as "{name}"')
            con.execute(
                f'create table shared.{schema}."{table}" as select {", ".join(parts)} from published.{schema}."{table}"'
                " order by all"
            )
        con.execute("use memory")
        con.execute("detach shared")
    return made


def _tables(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Tables and views that are shared, with their columns and types."""
    query = """
        select schema_name, table_name, list({'name': column_name, 'kind': data_type} order by column_index)
        from duckdb_columns() where database_name = 'published' and schema_name in (select unnest($1::varchar[])) group by all order by all
    """
    for schema, table, columns in con.execute(query, [list(SCHEMAS)]).fetchall():
        yield schema, table, [(column["name"], column["kind"]) for column in columns]


def _tag(name: str, columns: list[tuple[str, str]], keys: tuple[str, str]) -> tuple[str, str] | None:
    """The same for what names a segment, which may be a tag; null for any other column."""
    kind = next((column for column, _ in columns if column in KINDS_OF_SEGMENT), None)
    if name not in TAGS or kind is None:
        return None
    return "tokens", f"case when {kind} = 'tag' then {_token(name, keys)} else {name} end"


def _shown(
    schema: str, table: str, name: str, kind: str, *, is_personal: bool, keys: tuple[str, str], postal_digits: int
) -> tuple[str, str]:
    """What becomes of a column, and the SQL of it."""
    column = f'"{name}"'
    if name in FREE_TEXT and (table, name) not in NOT_FREE:
        return "emptied", f"cast(null as {kind})"
    if name in (*IDS, *PLACES, *VENDORS_IDS):
        return "tokens", _tokens(column, kind, keys)
    if not is_personal:
        return "left", column
    if name == POSTAL_CODE:
        return "coarsened", f"left({column}, {postal_digits})"
    if kind in ("DATE", "TIMESTAMP WITH TIME ZONE"):
        return "coarsened", f"cast(date_trunc('year', {column}) as {kind})"
    if kind in ("VARCHAR", "VARCHAR[]"):
        return "tokens", _tokens(column, kind, keys)
    return "emptied", f"cast(null as {kind})"


def _tokens(column: str, kind: str, keys: tuple[str, str]) -> str:
    """The tokens of a column of texts, or of lists of texts."""
    return (
        f"list_transform({column}, lambda one: {_token('one', keys)})" if kind == "VARCHAR[]" else _token(column, keys)
    )


def _token(value: str, keys: tuple[str, str]) -> str:
    """A nested keyed hash (NMAC): equal for equal values, in whichever table they stand."""
    inner, outer = keys
    return f"left(sha256('{outer}' || sha256('{inner}' || {value})), 24)"


def personal_columns(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Schema, table and name of every column that holds personal data, as it is tagged."""
    for table in TABLES.values():
        yield from (("staging", table.name, column.name) for column in table.all_columns if column.personal)
    models = settings.dbt_project / "models"
    for path in sorted(models.rglob("*.yml")):
        schema = "meta" if path.relative_to(models).parts[0] == "meta" else "marts"
        for model in (yaml_files.read(path) or {}).get("models", ()):
            for column in model.get("columns", ()):
                if column.get("config", {}).get("meta", {}).get("personal"):
                    yield schema, model["name"], column["name"]
