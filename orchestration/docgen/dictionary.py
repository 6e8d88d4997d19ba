"""The page docs/data_dictionary.md: every table and column that the published file shows, from where each is declared.

Marts and the quality tables of dbt are declared in its YAML, staging in `tables.py`, the books that dbt reads in `generate.py`, and those that
it does not read here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestration.canonical.tables import COMMON, TABLES, Column

# Name and description of a table, and its columns as (name, type, meaning).
Described = tuple[str, str, Sequence[tuple[str, str, str]]]

_DELIVERY = (
    ("source", "VARCHAR", "Vendor that delivered it, by its code."),
    ("source_account", "VARCHAR", "Tenant at the vendor."),
    ("stream", "VARCHAR", "Stream of the landing path."),
    ("export_date", "DATE", "Night it was delivered."),
)
_FILE = ("file_path", "VARCHAR", "Landing file, relative to the data folder.")
_ARRIVAL = ("load_seq", "BIGINT", "Our arrival order; it decides nothing.")
_MEANING = ("meaning", "VARCHAR", "What the field means by the vendor's documents; null if it is in none.")
LEDGERS: tuple[Described, ...] = (
    (
        "activation_log",
        "One row per request body that was written for a vendor, with what became of it. Keys and values of nobody stand here.",
        (
            ("target", "VARCHAR", "Target of activation.toml."),
            ("source", "VARCHAR", "Vendor that it is for, by its code."),
            ("source_account", "VARCHAR", "Tenant at the vendor."),
            ("folder", "VARCHAR", "Folder of the body, named by the day of the figures."),
            ("file", "VARCHAR", "Name of the body in it."),
            ("as_of_date", "DATE", "Day that the figures are of."),
            ("run_id", "VARCHAR", "Run whose figures they are, as in meta.runs."),
            ("mapping_version", "VARCHAR", "Changes with what is sent, or how."),
            ("method", "VARCHAR", "How it is sent, such as POST."),
            ("path", "VARCHAR", "Where to, below the vendor's address."),
            ("records", "BIGINT", "Records in it."),
            ("sha256", "VARCHAR", "SHA-256 of it."),
            ("state", "VARCHAR", "written, accepted (taken for later), delivered (the vendor has judged every record) or refused."),
            ("failed_records", "BIGINT", "Records that failed; the next activation writes them again."),
            ("reason", "VARCHAR", "The vendor's reasons, without what they quote."),
            ("reference", "VARCHAR", "By what the vendor knows the request."),
            ("answered_at", "TIMESTAMPTZ", "When the last answer came; null if it was not sent."),
        ),
    ),
    (
        "rejects",
        "One row per record that was not loaded, as it was delivered.",
        (
            *_DELIVERY,
            _FILE,
            ("row_number", "BIGINT", "Record in the file, from 1; null if the whole file was rejected."),
            ("reason_code", "VARCHAR", "Why it was rejected, as a word that stays the same."),
            ("field", "VARCHAR", "Column, or path at the vendor, that was the reason; null if it was the record as a whole."),
            ("raw", "VARCHAR", "The record as delivered; null if it is no text."),
            ("raw_bytes", "BLOB", "The record as delivered, byte by byte, where it is no text."),
            ("message", "VARCHAR", "The reason in words."),
            _ARRIVAL,
        ),
    ),
    (
        "field_coverage",
        "One row per file and field: how many of its records filled it, and what became of it.",
        (
            *_DELIVERY,
            ("source_dialect", "VARCHAR", "Shape of the vendor's format the records were read as."),
            ("field", "VARCHAR", "Path of the field at the vendor."),
            ("handling", "VARCHAR", "modelled (has a column), extra (kept in `extra`) or unknown (in none of the vendor's documents)."),
            ("records", "BIGINT", "Records of the file in that shape."),
            ("records_seen", "BIGINT", "Records of them that have the field."),
            _FILE,
            _ARRIVAL,
            _MEANING,
        ),
    ),
    (
        "schema_drift",
        "One row per change of what a vendor delivers: a field that is new, of another type, or no longer filled.",
        (
            *_DELIVERY,
            ("source_dialect", "VARCHAR", "Shape of the vendor's format the records were read as."),
            ("field", "VARCHAR", "Path of the field at the vendor."),
            ("change", "VARCHAR", "What changed, such as vanished_field, as a word that stays the same."),
            ("seen_type", "VARCHAR", "Type that was seen; null if the field vanished."),
            ("record_count", "BIGINT", "Records it was seen in."),
            _FILE,
            _MEANING,
        ),
    ),
    (
        "runs",
        "One row per run.",
        (
            ("run_id", "VARCHAR", "Id of the run, which loads and events refer to."),
            ("command", "VARCHAR", "What was run, such as `c360 run`."),
            ("status", "VARCHAR", "running, done, unchanged (nothing was new), failed or interrupted."),
            ("message", "VARCHAR", "Why it failed, in words; null if it did not."),
            ("files", "BIGINT", "Files that the run looked at."),
            ("rows_read", "BIGINT", "Records in those files."),
            ("rows_loaded", "BIGINT", "Records that went into staging."),
            ("rows_rejected", "BIGINT", "Records that were rejected."),
            ("rows_duplicate", "BIGINT", "Records that were there already."),
            ("customers", "BIGINT", "People in the warehouse after the run."),
            ("orders", "BIGINT", "Orders in the warehouse after the run."),
            ("duration_s", "DOUBLE", "How long it took, in seconds."),
            ("published", "BOOLEAN", "The run put a new warehouse in place."),
            ("as_of_date", "DATE", "Day that the figures are of."),
            ("started_at", "TIMESTAMPTZ", "When the run began, in UTC."),
            ("ended_at", "TIMESTAMPTZ", "When the run ended; null while it runs."),
            ("warnings", "JSON", "Checks that warned, and stopped nothing."),
            ("changes", "JSON", "What changed against the publication before."),
            ("attention", "JSON", "What a person must look at."),
        ),
    ),
    (
        "identity_events",
        "One row per person that came, went, was merged or split by the run that published this file.",
        (
            ("run_id", "VARCHAR", "Run that found it, as in meta.runs."),
            ("occurred_at", "TIMESTAMPTZ", "When the run found it."),
            ("event_type", "VARCHAR", "What happened, such as created, retired, merged or split."),
            ("customer_id", "VARCHAR", "Our id of the person."),
            ("other_customer_id", "VARCHAR", "The other person of a merge or split; null if there is none."),
            ("cause", "VARCHAR", "What it hangs on, in words without personal data."),
        ),
    ),
)


def page(project: Path, books: Sequence[Described]) -> str:
    """The data dictionary."""
    parts = [
        "# Data dictionary",
        "Schemas of `warehouse.duckdb`: `marts` is for analysis, `meta` tells how good the data are, `staging` is what the vendors delivered.",
        "# Schema `marts`",
        *(_models(project, "marts")),
        "# Schema `meta`",
        *(_models(project, "meta")),
        *(_table(name, description, [(*column, False) for column in columns]) for name, description, columns in sorted([*books, *LEDGERS])),
        "# Schema `staging`\n\nEvery table begins with the common columns.",
        _table("Common columns", "", [_staged(column) for column in COMMON]),
        *(
            _table(table.name, f"{table.grain[0].upper()}{table.grain[1:]}. {table.description}", [_staged(column) for column in table.columns])
            for table in TABLES.values()
        ),
    ]
    return "\n\n".join(parts) + "\n"


def models(project: Path, schema: str) -> Iterator[dict[str, Any]]:
    """The models of a schema as their YAML declares them, by name."""
    declared = [model for path in (project / "models" / schema).rglob("*.yml") for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])]
    return iter(sorted(declared, key=lambda model: model["name"]))


def is_personal(column: dict[str, Any]) -> bool:
    """The YAML says that the column holds personal data."""
    return bool(column.get("config", {}).get("meta", {}).get("personal"))


def _models(project: Path, schema: str) -> Iterator[str]:
    for model in models(project, schema):
        columns = [(column["name"], column["data_type"].upper(), column["description"], is_personal(column)) for column in model["columns"]]
        yield _table(model["name"], f"{_grain(project, model['name'])} {' '.join(model['description'].split())}", columns)


def _grain(project: Path, model: str) -> str:
    """The first line of a model, which says what a row is."""
    path = next((project / "models").rglob(f"{model}.sql"))
    grain = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("-- Grain: ").rstrip(".")
    return f"{grain[0].upper()}{grain[1:]}."


def _staged(column: Column) -> tuple[str, str, str, bool]:
    meaning = column.description
    if column.values:
        meaning += f" One of: {', '.join(column.values)}."
    if column.required:
        meaning += f" Missing: rejected as `{column.required}`."
    if column.unparseable:
        meaning += f" Unreadable: rejected as `{column.unparseable}`."
    return column.name, column.duckdb_type, meaning, column.personal


def _table(name: str, description: str, columns: Sequence[tuple[str, str, str, bool]]) -> str:
    lines = [f"| `{name}` | {kind} | {'yes' if personal else ''} | {' '.join(meaning.split())} |" for name, kind, meaning, personal in columns]
    head = "| column | type | personal | meaning |\n| --- | --- | --- | --- |"
    return "\n\n".join(part for part in (f"## {name}", description, "\n".join([head, *lines])) if part)
