"""What the warehouse was made from, in one hash: the run compares them to know what is left to do.

The build file remembers the fingerprint it was transformed with, a publication the one it was published with. Both are
compared with what is wanted now, so a run that was killed anywhere is continued and never trusted.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from importlib import metadata
from pathlib import Path

import duckdb

from orchestration.config.settings import PACKAGE, Settings
from orchestration.warehouse.duckdb_session import has_table, transaction

PROJECT_FOLDERS = ("models", "seeds", "macros", "tests", "analyses")
# What decides what a landing file becomes: a build file made by other code than this is built anew.
CODE = (
    "canonical",
    "landing",
    "loading",
    "mapping",
    "normalisation",
    "parsing",
    "runtime/redaction.py",
    "vendors",
    "warehouse/change_keys.py",
    "warehouse/ddl.py",
)
# Two versions of the phone library judge 189 of 17,500 numbers differently.
LIBRARIES = (
    "anyascii",
    "babel",
    "ftfy",
    "idna",
    "msgspec",
    "phonenumberslite",
    "polars",
    "python-stdnum",
    "tzdata",
    "zstandard",
)
RULE_OPTIONS = ("reporting_currency", "reporting_time_zone", "identity_sharing_limit")


def made_by(settings: Settings) -> str:
    """Changes with the code, the settings and the libraries that decide what a landing file becomes."""
    digest = hashlib.sha256(settings.staging_fingerprint.encode())
    digest.update(repr([(name, metadata.version(name)) for name in LIBRARIES]).encode())
    for path in staging_code():
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def staging_code() -> list[Path]:
    """The modules that decide what a landing file becomes."""
    places = [PACKAGE / name for name in CODE]
    return sorted(path for place in places for path in ([place] if place.is_file() else place.rglob("*.py")))


def project_fingerprint(settings: Settings) -> str:
    """Changes with every file of the dbt project and every module: its Python models call some of them."""
    modules = _digest(sorted(PACKAGE.rglob("*.py")), root=PACKAGE)
    return _digest(_project_files(settings.dbt_project), root=settings.dbt_project) + modules


def rules_fingerprint(settings: Settings) -> str:
    """Changes with everything but the data that decides what models make of them; with the engine too, because its
    hashes distinguish keys."""
    parts = (
        [getattr(settings.options, key) for key in RULE_OPTIONS],
        settings.staging_fingerprint,
        project_fingerprint(settings),
        _digest(sorted(settings.config.glob("*.csv")), root=settings.config),
        duckdb.__version__,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def wanted_fingerprint(con: duckdb.DuckDBPyConnection, rules: str, as_of: date) -> str:
    """What a warehouse made of the present staging by those rules for that day would carry."""
    # Not by xor: DuckDB's hash of several values is made so that one change made to an even number of rows cancels out.
    staged = con.execute("select count(*), sum(hash(load_seq, run_id, status)) from meta.loads").fetchone()
    full = con.execute(_FULL_DELIVERIES).fetchone()
    return hashlib.sha256(repr((staged, full, as_of.isoformat(), rules)).encode()).hexdigest()


def transformed_fingerprint(con: duckdb.DuckDBPyConnection) -> str | None:
    """What the build file was last transformed from; None if it was not, or not to the end."""
    row = (
        con.execute("select fingerprint from internal.transformed").fetchone()
        if has_table(con, "internal", "transformed")
        else None
    )
    return row[0] if row else None


def is_behind(con: duckdb.DuckDBPyConnection) -> bool:
    """Something was loaded since the marts of the build file were made; whether rules have changed since is not
    asked."""
    row = (
        con.execute("select fingerprint, rules from internal.transformed").fetchone()
        if has_table(con, "internal", "transformed")
        else None
    )
    day = con.execute("select as_of_date from internal.run_settings").fetchone() if row else None
    return row is not None and day is not None and wanted_fingerprint(con, row[1], day[0]) != row[0]


@dataclass(frozen=True)
class Transformed:
    """What marts were made of: the loads up to one, and when all of them were last made at once."""

    load_seq: int
    in_full_at: datetime


def transformed_by(con: duckdb.DuckDBPyConnection, rules: str) -> Transformed | None:
    """What the marts of the build file were made of, if it was by these rules and with the same full deliveries."""
    query = (
        "select load_seq, in_full_at from internal.transformed where rules = $1 and full_deliveries ="
        f" ({_FULL_DELIVERIES})"
    )
    row = con.execute(query, [rules]).fetchone() if has_table(con, "internal", "transformed") else None
    return Transformed(*row) if row else None


def forget_transformed(con: duckdb.DuckDBPyConnection) -> None:
    """From here on the marts of the build file are not to be trusted."""
    con.execute("drop table if exists internal.transformed")


def remember_transformed(
    con: duckdb.DuckDBPyConnection, fingerprint: str, rules: str, in_full_at: datetime | None = None
) -> None:
    """The marts of the build file are complete and sound, and made of all that is in staging: at once and now, unless
    another time is given for that."""
    with transaction(con):
        con.execute(
            f"""
            create or replace table internal.transformed as
            select
                $1 as fingerprint, $2 as rules, (select coalesce(max(load_seq), 0) from meta.loads) as load_seq,
                ({_FULL_DELIVERIES}) as full_deliveries, now() as transformed_at, coalesce($3, now()) as in_full_at
            """,
            [fingerprint, rules, in_full_at],
        )
        con.execute("delete from internal.changed_keys")


# Who is left out of a full delivery is gone: of a stream that has one, every delivery counts for everybody.
_FULL_DELIVERIES = """
select coalesce(sum(hash(source, source_account, stream, export_date, is_full)), 0)
from meta.deliveries
where (source, source_account, stream) in (select (source, source_account, stream) from meta.deliveries where is_full)
"""


def _project_files(project: Path) -> Iterator[Path]:
    yield project / "dbt_project.yml"
    for folder in PROJECT_FOLDERS:
        yield from sorted(path for path in (project / folder).rglob("*") if path.is_file())


def _digest(paths: Iterator[Path] | list[Path], *, root: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
