"""The report: one page in one file, for mail after the nightly run. It holds figures and reasons and nobody's name or
address."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
from markupsafe import Markup

from orchestration.config.settings import Settings
from orchestration.insight import markup, pages
from orchestration.monitoring import freshness
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name
from orchestration.warehouse import read_only


def refresh(settings: Settings, reported: Sequence[str]) -> list[str]:
    """Writes the report where `report_file` says, if it is set; returns what a person must know where that fails, since
    it is no reason for a run to fail."""
    if not settings.options.report_file or not settings.published_file.exists():
        return []
    try:
        write(settings, settings.data / settings.options.report_file, reported=reported)
    except (OperatorError, duckdb.Error) as error:
        return [
            "The report could not be written:"
            f" {error.message if isinstance(error, OperatorError) else type(error).__name__}"
        ]
    return []


def write(settings: Settings, target: Path, *, reported: Sequence[str] | None = None) -> None:
    """Writes the report on the published warehouse to a file, in one step: a reader sees the old one or the new.

    `reported` is what needs a person after a run that published nothing; else the warehouse itself says it.
    """
    with read_only.published(settings) as con:
        text = render(con, settings, reported=reported)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        where = shown_name(str(target))
        raise OperatorError(
            f"The report cannot be written to {where}: {error.strerror or type(error).__name__}.",
            remedy="Name a file in a folder that can be written to.",
        ) from None


def render(con: duckdb.DuckDBPyConnection, settings: Settings, *, reported: Sequence[str] | None = None) -> str:
    """The report as one page."""
    return markup.page(
        "customer360: report",
        pages.headline(con),
        pages.to_look_at(con, reported),
        pages.changed(con),
        _late(con, settings),
        pages.rejects(con),
        pages.revenue(con),
        *pages.parts_of_business(con),
        *pages.row_counts(con)[:2],
        Markup('<p class="note">Written {} UTC.</p>').format(_now(con).strftime("%Y-%m-%d %H:%M")),
    )


def _late(con: duckdb.DuckDBPyConnection, settings: Settings) -> Markup:
    return markup.section(
        "Late deliveries",
        markup.sentences(freshness.late_by_vendor(freshness.of_streams(con, settings)), otherwise="None."),
    )


def _now(con: duckdb.DuckDBPyConnection) -> datetime:
    row = con.execute("select now()").fetchone()
    assert row is not None
    return row[0]
