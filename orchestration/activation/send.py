"""`c360 activate --send`: posts the bodies of a target that have no receipt yet, in the order they were written, and
asks what became of them.

A process that was killed between an answer and its receipt posts that body again: every body states values and adds
nothing, so that twice is once. What fails stays pending: the next plan writes it again, from the values of then.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from orchestration.activation import outbox, plan, receipts
from orchestration.activation.channel import Judged, Verdict
from orchestration.activation.freshness import require_fresh
from orchestration.activation.outbox import Written
from orchestration.activation.receipts import Receipt
from orchestration.activation.targets import Target
from orchestration.config.accounts import feed
from orchestration.config.settings import Settings
from orchestration.network.client import Answer, Client, Patience, RefusedError
from orchestration.network.pacing import Pace
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.wording import counted

# Of this body the vendor takes nothing, however often it is sent; any other refusal is of us, and sending stops.
OF_THE_BODY = (400, 409, 413, 422)
# The vendor does not know the body any more, so that nobody says whether it was taken.
FORGOTTEN = (404, 410)
SLOWEST_POLL = 30.0
LONGEST_AT_WORK = timedelta(days=1)


@dataclass
class Sent:
    """What one target was sent."""

    target: Target
    bodies: int = 0
    records: int = 0
    failed: int = 0
    pending: int = 0
    reasons: set[str] = field(default_factory=set)
    problem: OperatorError | None = None


@dataclass(frozen=True)
class Polling:
    """How long a vendor is asked what became of a body, before the next `--send` asks again."""

    first_wait: float = 1.0
    longest: float = 300.0


def send(
    settings: Settings, target: Target, *, patience: Patience | None = None, polling: Polling | None = None
) -> Sent:
    """Sends what is pending and asks for what is not judged; stops at the first problem that is not one of a body."""
    sent = Sent(target)
    root = target.folder(settings)
    with Client(settings, target.login(settings), patience) as client:
        try:
            _send_all(settings, client, sent, _slower(settings, target), polling or Polling())
        except OperatorError as error:
            sent.problem = error
    sent.pending = sum(1 for _ in _pending(root))
    return sent


def _pending(root: Path) -> Iterator[tuple[Written, dict[str, Any]]]:
    known = {place for place, receipt in outbox.last(root).items() if receipt.is_answer}
    return (
        (found, facts)
        for found in outbox.written(root)
        if not found.is_without_bodies
        for facts in found.manifest["files"]
        if (found.name, facts["file"]) not in known
    )


def _slower(settings: Settings, target: Target) -> Pace | None:
    """The pace of tags, where the vendor takes them more rarely than all else and nobody says otherwise."""
    tags = target.receiver.tags
    if tags is None or tags.per_second is None or target.requests_per_second:
        return None
    return Pace(settings.internal / "network" / f"{feed(target.vendor, target.account)}-tags", 1 / tags.per_second)


def _send_all(settings: Settings, client: Client, sent: Sent, slower: Pace | None, polling: Polling) -> None:
    """Folder by folder: a vendor that takes bodies for later need not keep their order, so that one is done before the
    next names the same people."""
    root, published = sent.target.folder(settings), _Published(settings)
    _ask_all(client, root, sent, polling)
    for _, bodies in itertools.groupby(list(_pending(root)), key=lambda pending: pending[0].name):
        if _at_work(root):
            return
        _post_all(settings, client, sent, slower, published, bodies)
        _ask_all(client, root, sent, polling)


class _Published:
    """Of which run what is published is; looked up again whenever that is another file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: tuple[int, int] | None = None
        self._run = ""

    def require_run(self, found: Written) -> None:
        """Refuses to send what was written of an earlier publication: who has said no since is in it."""
        now = self._settings.published_file.stat()
        if self._seen != (now.st_ino, now.st_mtime_ns):
            with plan.working(self._settings) as con:
                self._seen, self._run = (now.st_ino, now.st_mtime_ns), plan.published(con)[0]
        if found.manifest["run_id"] != self._run:
            raise OperatorError(
                f"{found.name} is older than what is published: who has said no since would be sent.",
                remedy="`c360 activate --send` writes it anew and goes on.",
            )


def _at_work(root: Path) -> list[Receipt]:
    """Answers to bodies of which the vendor has not said yet what became of them."""
    return [receipt for receipt in outbox.last(root).values() if receipt.is_open]


def _post_all(
    settings: Settings,
    client: Client,
    sent: Sent,
    slower: Pace | None,
    published: "_Published",
    bodies: Iterable[tuple[Written, dict[str, Any]]],
) -> None:
    root = sent.target.folder(settings)
    for found, facts in bodies:
        if slower and facts["file"].startswith("tags"):
            slower.take()

        def may_be_sent(written: Written = found) -> None:
            require_fresh(settings)
            published.require_run(written)

        may_be_sent()
        receipt = _post(client, found, facts, sent.target, root, may_be_sent)
        pass_point("before_receipt")
        _record_receipt(root, receipt, sent)
        sent.bodies += 1
        sent.records += facts["records"]
        pass_point("after_receipt")


def _post(
    client: Client,
    found: Written,
    facts: dict[str, Any],
    target: Target,
    root: Path,
    may_be_sent: Callable[[], object],
) -> Receipt:
    """The answer to a body. Without one the body stays begun: the vendor perhaps holds it. A vendor that asks to wait
    may be asked again hours later."""
    if not outbox.is_as_written(found.folder, facts):
        raise OperatorError(
            f"{found.name}/{facts['file']} of `{target.name}` is not what was written.",
            remedy="Put it back, or let `c360 activate --send` take it back and write it anew.",
        )
    body = (found.folder / facts["file"]).read_bytes()
    receipt = Receipt(found.name, facts["file"], "begun", facts["records"], sha256=facts["sha256"])
    receipts.append(root, receipt)
    pass_point("body_is_begun")
    try:
        answer = client.request(facts["method"], facts["path"], body=body, before=may_be_sent)
    except RefusedError as error:
        if error.status not in OF_THE_BODY or facts["file"].startswith("tags"):
            if 400 <= error.status < 500 and not _was_on_its_way(root, receipt):
                receipts.append(root, replace(receipt, state="not_taken", status=error.status))
            raise
        return replace(receipt, state="refused", status=error.status, reason=error.message)
    return _accepted(receipt, answer, target)


def _was_on_its_way(root: Path, receipt: Receipt) -> bool:
    """The body was posted before, too, and nobody knows what became of that."""
    place = (receipt.folder, receipt.file, receipt.sha256)
    before = [one.state for one in receipts.read(root) if (one.folder, one.file, one.sha256) == place]
    return before[-2:-1] == ["begun"]


def _accepted(receipt: Receipt, answer: Answer, target: Target) -> Receipt:
    """That a vendor took a body, if its answer is one that its documents have: the page of a proxy is none."""
    channel, is_tags = target.receiver, receipt.file.startswith("tags")
    verdict = None if is_tags else channel.verdict
    refused, reference = None, None
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = answer.json if answer.content else None
        refused = 0 if is_tags else channel.refused(said)
        reference = verdict.reference(said) if verdict and refused is not None else None
    if refused is None or (verdict and not reference):
        raise OperatorError(
            f"`{target.name}` answers {receipt.folder}/{receipt.file} with {answer.status}, and not as its vendor's"
            " documents say.",
            remedy="Look at `address`, and at what stands in between; the next `--send` sends it again.",
        )
    taken = replace(
        receipt, state="accepted", status=answer.status, reference=None if reference is None else str(reference)
    )
    if not refused:
        return taken
    reason = f"{refused:,} of {counted(receipt.records, 'record')} refused and not named"
    if refused < receipt.records:
        return replace(taken, is_all_failed=True, reason=reason)
    return replace(taken, state="refused", reason=reason)


def _ask_all(client: Client, root: Path, sent: Sent, polling: Polling) -> None:
    for receipt in _at_work(root):
        judged = _ask(client, receipt, sent.target, polling) or _given_up(receipt)
        if judged is not None:
            _record_receipt(root, judged, sent)
            pass_point("after_verdict")


def _ask(client: Client, receipt: Receipt, target: Target, polling: Polling) -> Receipt | None:
    """The verdict on one body; None while the vendor is at work on it."""
    verdict = target.receiver.verdict
    assert verdict is not None and receipt.reference is not None
    wait, until = polling.first_wait, time.monotonic() + polling.longest
    while (judged := _judged(client, verdict, receipt.reference)) is None:
        if time.monotonic() + wait > until:
            return None
        time.sleep(wait)
        wait = min(2 * wait, SLOWEST_POLL)
    failed = {key: receipts.code(reason) for key, reason in judged.failed.items()}
    return replace(receipt, state="delivered", failed=failed, is_all_failed=judged.unnamed > 0, at="")


def _judged(client: Client, verdict: Verdict, reference: str) -> Judged | None:
    try:
        said = client.get(verdict.path.format(reference)).json
        return verdict.judge(said) if isinstance(said, dict) else None
    except RefusedError as error:
        if error.status not in FORGOTTEN:
            raise
    return Judged({}, unnamed=1)


def _given_up(receipt: Receipt) -> Receipt | None:
    """A body of which the vendor has said nothing for a day is written again; None before that."""
    if datetime.now(UTC) - datetime.fromisoformat(receipt.at) < LONGEST_AT_WORK:
        return None
    return replace(
        receipt, state="delivered", is_all_failed=True, reason="the vendor did not say what became of it", at=""
    )


def _record_receipt(root: Path, receipt: Receipt, sent: Sent) -> None:
    if receipt.failed_records:
        outbox.forget_state(root)
        sent.failed += receipt.failed_records
        sent.reasons.update(receipt.failed.values())
        sent.reasons.update({receipt.reason} if receipt.reason else ())
    receipts.append(root, receipt)
