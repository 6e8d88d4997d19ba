"""`c360 rollback`: the previous published warehouse."""

import argparse

from orchestration.cli import output
from orchestration.config import file_rights
from orchestration.config.settings import Settings
from orchestration.publishing import publish
from orchestration.runtime.wording import counted
from orchestration.warehouse.writer_lock import writer_lock


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Swaps the previous publication in; the next run publishes again only once something is new."""
    with writer_lock(settings, command="c360 rollback"):
        file_rights.tighten(settings)
        before = _stands(settings)
        reported = publish.secure(settings)
        # Where the file was damaged or gone, or a rollback was killed, an earlier one stands there by now.
        back = publish.current(settings) if _stands(settings) != before else None
        back = back or publish.rollback(settings)
        is_taken_back = publish.taken_back(settings) is not None
    for sentence in reported:
        output.say(sentence)
    output.say(
        f"Analysts see the warehouse of {back.shown_at} again: {counted(back.customers, 'customer')}, {counted(back.orders, 'order')}."
    )
    if is_taken_back:
        output.say(
            "What was taken back is not published again until an export, a rule or a setting changes (or by `c360 run"
            " --full-refresh`)."
        )
    return 3 if reported else 0


def _stands(settings: Settings) -> tuple[int, int] | None:
    """Which file is published just now."""
    if not settings.published_file.exists():
        return None
    found = settings.published_file.stat()
    return found.st_ino, found.st_mtime_ns
