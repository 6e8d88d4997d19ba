"""`c360`: finds the command, runs it, and turns every failure into one sentence and the next thing to do.

A command is a module with `arguments(parser)` and `execute(settings, given) -> exit code`, and one line in `COMMANDS`.
Modules are imported when their command is called, so that `--help` is instant. What a command does stands there, not
here.
"""

import argparse
import atexit
import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from orchestration.runtime.errors import OperatorError, to_operator_error

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("orchestration.cli.nightly_run", "the nightly job: load what has landed, build the marts, publish"),
    "pull": ("orchestration.cli.pull", "fetch what the vendors have into the landing zone"),
    "demo": (
        "orchestration.cli.demo",
        "the nightly job on samples and a made-up shop of two years, in a folder of its own",
    ),
    "status": ("orchestration.cli.status", "what is pending, the last runs, how fresh every stream is"),
    "doctor": ("orchestration.cli.doctor", "what is broken, and how to fix it"),
    "look": ("orchestration.cli.look", "the dashboard: people, revenue, segments, quality, and one person in full"),
    "up": ("orchestration.cli.up", "the Dagster UI with schedule and backfills, on this machine only"),
    "rejects": ("orchestration.cli.rejects", "why records were rejected, with one example each"),
    "sql": ("orchestration.cli.sql", "ask the published warehouse: one query, or a shell"),
    "explain": ("orchestration.cli.explain", "why these records are one person, and what that hangs on"),
    "plan": ("orchestration.cli.plan", "what a change of the rules would do, without publishing"),
    "merge": ("orchestration.cli.merge", "decide that people are one, after seeing what that changes"),
    "split": (
        "orchestration.cli.split",
        "decide that records of a person are somebody else's, after seeing what that changes",
    ),
    "overrides": ("orchestration.cli.overrides", "what people have decided on who is who, and how to undo it"),
    "report": ("orchestration.cli.report", "figures, rejects and what needs a person, as one page for mail"),
    "docs": ("orchestration.cli.docs", "what every table and column means and where it comes from, as one file"),
    "replay": ("orchestration.cli.replay", "rejected records again, once the cause is fixed"),
    "withdraw": ("orchestration.cli.withdraw", "take a delivery out, until it is landed again"),
    "activate": ("orchestration.cli.activate", "give back to the vendors what changed, as files ready to be posted"),
    "export-profiles": (
        "orchestration.cli.export_profiles",
        "every unified customer as a line, in the shape of Optimizely's customer-profile schema",
    ),
    "forget": ("orchestration.cli.forget", "erase a person from every place, to the byte, and keep them out"),
    "erasures": ("orchestration.cli.erasures", "what was erased: receipts, without whom they are about"),
    "export-person": ("orchestration.cli.export_person", "everything held about a person, as JSON and as a page"),
    "share": ("orchestration.cli.share", "a copy of the published warehouse without people in it"),
    "rollback": ("orchestration.cli.rollback", "bring back the previous published warehouse"),
    "completion": (
        "orchestration.cli.completion",
        "a script that lets bash, zsh or fish complete commands and options",
    ),
}
EPILOG = (
    "The data folder is `data` in the project, or what C360_DATA names. Exit codes: 0 done; 3 done, with something a"
    " person must look at; 2 wrong use or configuration, nothing done; 1 failed, what analysts see is as before."
)


class _Parser(argparse.ArgumentParser):
    @property
    def option_names(self) -> list[str]:
        """Every option as it is typed."""
        return list(self._option_string_actions)

    def error(self, message: str) -> NoReturn:
        raise OperatorError(
            f"{message[0].upper()}{message[1:]}.", remedy=f"`{self.prog} --help` shows how it is used.", exit_code=2
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _execute(given)
    except OperatorError as error:
        return _complain(error.message, error.remedy, error.exit_code)
    except KeyboardInterrupt:
        return _complain("Interrupted.", "Type the same command again: it continues where it stopped.", 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("C360_DEBUG"):
            raise
        plain = to_operator_error(error)
        return _complain(plain.message, plain.remedy, 1)


def script() -> NoReturn:
    """`main` as a program; leaves at once, because the engine's bindings print complaints while the interpreter winds
    down."""
    from orchestration.config import file_rights
    from orchestration.runtime.gc_pauses import collecting_seldom

    code = 1
    file_rights.keep_private()
    try:
        with collecting_seldom():
            code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    atexit._run_exitfuncs()
    os._exit(code)


def _execute(given: list[str]) -> int:
    chosen = next((word for word in given if not word.startswith("-")), None)
    parser = _Parser(
        prog="c360", description="Nightly vendor exports in, one published customer warehouse out.", epilog=EPILOG
    )
    parser.add_argument("--version", action="store_true", help="show which version this is")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, (module, help_text) in COMMANDS.items():
        command = commands.add_parser(
            name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.", epilog=EPILOG
        )
        if name == chosen:
            import_module(module).arguments(command)
    if not given:
        parser.print_help()
        return 0
    if given == ["--version"]:
        from importlib.metadata import version  # nothing else needs it

        print(f"customer360 {version('customer360')}")
        return 0
    try:
        found = _parsed(parser, commands.choices.get(chosen or ""), given, chosen)
    except OperatorError as error:
        raise _without_whom_it_names(error, given) from None
    from orchestration.config import settings
    from orchestration.warehouse import known_names

    installation = settings.load(getattr(found, "data", None))
    known_names.ask(installation)
    return import_module(COMMANDS[found.command][0]).execute(installation, found)


def _parsed(parser: _Parser, command: _Parser | None, given: list[str], chosen: str | None) -> argparse.Namespace:
    """The arguments; for an unknown command or option, an error that names the one that was likely meant."""
    if chosen and command is None:
        raise OperatorError(
            f"`{chosen}` is no command.", remedy=_meant(chosen, COMMANDS) or "`c360 --help` lists them.", exit_code=2
        )
    found, rest = parser.parse_known_args(given)
    if rest:
        asked = command or parser
        near = _meant(rest[0].partition("=")[0], asked.option_names)
        raise OperatorError(
            f"Unrecognized arguments: {' '.join(rest)}.",
            remedy=near or f"`{asked.prog} --help` shows how it is used.",
            exit_code=2,
        )
    return found


def _meant(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean `{near[0]}`?" if near else ""


def _without_whom_it_names(error: OperatorError, given: list[str]) -> OperatorError:
    """The error on wrong use without the people that the arguments name; they are known by what the installation knows
    of people, where it can be read."""
    from orchestration.config import settings
    from orchestration.runtime import redaction
    from orchestration.warehouse import known_names

    with suppress(OperatorError):
        known_names.ask(settings.load())
    message = redaction.without_names(redaction.without_contacts(error.message), " ".join(given))
    return OperatorError(message, remedy=error.remedy, exit_code=error.exit_code)


def _complain(message: str, remedy: str, exit_code: int) -> int:
    print(f"c360: {message}\n      {remedy}", file=sys.stderr)
    return exit_code
