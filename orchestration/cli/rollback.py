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
        is_begun = publish.is_rollback_begun(settings)
        reported = publish.secure(settings)
        back = publish.current(settings) if is_begun else None
        back = back or publish.rollback(settings)
    for sentence in reported:
        output.say(sentence)
    output.say(
        f"Analysts see the warehouse of {back.shown_at} again: {counted(back.customers, 'customer')}, {counted(back.orders, 'order')}."
    )
    output.say(
        "What was taken back is not published again until an export, a rule or a setting changes (or by `c360 run"
        " --full-refresh`)."
    )
    return 3 if reported else 0
