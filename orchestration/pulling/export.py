"""One export job: started, asked after until it ends, and its files fetched under the names that the vendor gave
them."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from orchestration.config.settings import Settings
from orchestration.network.client import Client, RefusedError
from orchestration.pulling import landing, walk_log
from orchestration.pulling.configuration import Unit
from orchestration.pulling.streams import Export
from orchestration.pulling.walk_log import Walk, WalkLog
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point

FIRST_POLL, LONGEST_POLL = 1.0, 30.0


def export(
    settings: Settings, client: Client, unit: Unit, log: WalkLog, *, sleep: Callable[[float], None] = time.sleep
) -> Walk:
    """Fetches what the job of the log lays out; one that was started before is not started again."""
    current, facts = log.walk, unit.facts
    assert current is not None and isinstance(facts, Export)
    if current.job is None:
        current.job = _started(client, unit, facts)
        walk_log.save(settings, unit, log)
        pass_point("job_is_noted")
    try:
        state = _ended(client, unit, facts, current.job, sleep)
    except OperatorError as error:
        if isinstance(error, _FailedJobError) or (isinstance(error, RefusedError) and error.status in (404, 410)):
            current.job = None  # of no use any more, or forgotten by the vendor: the next pull starts another
            walk_log.save(settings, unit, log)
        raise
    folder = landing.folder_of(settings, unit, current)
    for name, address in _named(_addresses(unit, facts, state)):
        target = landing.file_to_land(folder, name)
        client.download(address, target)
        landing.finish(target)
        current.pages += 1
        pass_point("file_has_landed")
        current.rows += landing.rows_of_table(target.with_suffix(""))
    counted = state.get("exportRowCount")
    if isinstance(counted, int) and counted != current.rows:
        current.gaps.append(f"the vendor counts {counted:,} records, its files hold {current.rows:,}")
    landing.sweep(folder)
    log.walk, log.finished_at = None, walk_log.now()
    walk_log.save(settings, unit, log)
    return current


def _started(client: Client, unit: Unit, facts: Export) -> str:
    body = msgspec.json.encode(facts.body).replace(b'"{part}"', msgspec.json.encode(unit.part))
    answer = _object(client.post(facts.path, body, busy=facts.busy, expects_json=True).json)
    job = answer.get("id")
    if not isinstance(job, str | int) or not str(job):
        raise OperatorError(
            f"{unit.name}: the vendor started an export and did not name it.", remedy="Please report it."
        )
    return str(job)


def _ended(client: Client, unit: Unit, facts: Export, job: str, sleep: Callable[[float], None]) -> dict[str, Any]:
    """What the vendor says of the job once it is done."""
    deadline, pause = time.monotonic() + facts.most_seconds, FIRST_POLL
    while True:
        answer = _object(client.get(f"{facts.path}/{job}").json)
        state = answer.get(facts.state)
        if state == facts.done:
            return answer
        if state not in facts.working:
            word = (
                state
                if isinstance(state, str) and re.fullmatch("[A-Za-z_]{1,40}", state)
                else "a word that is not known"
            )
            raise _FailedJobError(
                f"{unit.name}: the vendor's export ended as {word}; nothing of it was landed.",
                remedy="`c360 pull` starts another.",
            )
        if time.monotonic() > deadline:
            raise OperatorError(
                f"{unit.name}: the vendor's export is not done after {facts.most_seconds / 60:.0f} minutes.",
                remedy="`c360 pull` asks again.",
            )
        sleep(pause)
        pause = min(pause * 2, LONGEST_POLL)


class _FailedJobError(OperatorError):
    """The job ended and is of no use."""


def _addresses(unit: Unit, facts: Export, state: dict[str, Any]) -> list[str]:
    """Where the files lie; these addresses are secrets."""
    found: Any = state
    for name in facts.files:
        found = found.get(name) if isinstance(found, dict) else None
    addresses = [found] if isinstance(found, str) else found
    if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
        raise OperatorError(
            f"{unit.name}: the vendor does not say where the files of the export lie.", remedy="Please report it."
        )
    return addresses


def _named(addresses: list[str]) -> Iterator[tuple[str, str]]:
    """The files with the names that the vendor gave them; where two have one, as in folders of parts, each gets a number
    before its ending, for what stands before that is read."""
    names = [unquote(PurePosixPath(urlsplit(address).path).name) for address in addresses]
    is_kept_apart = len({name.lower() for name in names}) == len(names)
    for place, (name, address) in enumerate(zip(names, addresses, strict=True)):
        stem, dot, ending = name.partition(".")
        yield (name if is_kept_apart else f"{stem}.{place:03}{dot}{ending}"), address


def _object(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}
