"""`c360 activate`: plans what changed for every target and writes it as request bodies into the target's folder.

Nothing is sent here. A target that a person should look at first is planned and left alone.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import msgspec

from orchestration.activation import activation_log, outbox, plan, retention, targets
from orchestration.activation.changes import encode
from orchestration.activation.channel import Request
from orchestration.activation.freshness import require_fresh
from orchestration.activation.plan_rows import BLOCK
from orchestration.activation.planned import CHANGED, CLEARED, GONE, NEW, UNCHANGED, Plan
from orchestration.activation.targets import Target
from orchestration.config.settings import Settings
from orchestration.runtime import file_lock
from orchestration.runtime.errors import OperatorError, to_operator_error
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse.duckdb_session import quoted

_BODIES = "select file, record from changes where kind = $kind and file is not null order by file, position"
_TAGS = "select action, slug, identity from tagged order by action, slug, key"
_REJECTS = "select customer_id, alias_id, reason_code, field from rejects order by all"
_RECORDS = """
copy (select kind, key, customer_id, alias_id, action, status, identity, vals, file, position from changes order by kind, key)
to {path} (format parquet, compression zstd)
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one target: its plan, the folder that was written, or why a person should look first."""

    plan: Plan
    folder: str | None
    waits: str | None


def activate(
    settings: Settings,
    target: Target,
    *,
    is_dry: bool = False,
    is_full: bool = False,
    is_confirmed: bool = False,
    is_sent_next: bool = False,
) -> Outcome:
    """Writes what changed for the target, unless there is nothing, only a preview is wanted, or a person should look
    first. What `is_sent_next` takes the place of bodies that were never posted and are of other figures or settings."""
    with alone(settings), plan.working(settings) as con:
        if not is_dry:
            require_fresh(settings)
        is_begun = is_sent_next and outbox.withdraw(con, target.folder(settings), plan.basis(con, target))
        made = plan.make(con, settings, target, is_full=is_full, is_begun=is_begun)
        pass_point("activation_is_planned")
        waits = None if is_confirmed else made.to_confirm
        is_written = not (is_dry or waits or made.is_empty)
        folder = _write(con, settings, made) if is_written else None
        if not is_dry:
            retention.prune(con, settings, target.folder(settings))
        return Outcome(made, folder, waits)


def require_sound(settings: Settings, wanted: Sequence[Target]) -> None:
    """Refuses what is wrong with any of the targets before anything is written for one."""
    with plan.working(settings) as con:
        for target in wanted:
            plan.require_sound(con, target)


def after_publishing(settings: Settings) -> tuple[list[str], bool]:
    """Activates every configured target after a run: a line for each, and whether a person must look at one."""
    if not (targets.is_configured(settings) and settings.published_file.exists()):
        return [], False
    try:
        outcomes = [_tried(settings, target) for target in targets.load(settings)]
    except OperatorError as error:
        return [str(error)], True
    activation_log.publish_log(settings)
    return [line for line, _ in outcomes], any(look for _, look in outcomes)


def _tried(settings: Settings, target: Target) -> tuple[str, bool]:
    try:
        outcome = activate(settings, target)
    except Exception as error:
        return f"{target.name} was not activated: {to_operator_error(error)}", True
    return f"{target.name}: {ending(outcome)}", outcome.waits is not None and not outcome.plan.is_first


def ending(outcome: Outcome) -> str:
    """What came of a target, in one sentence."""
    name = outcome.plan.target.name
    if outcome.folder:
        return f"Written to {outcome.folder}."
    if outcome.plan.has_nobody:
        return (
            f"Nothing was written: the published warehouse holds no record of {outcome.plan.target.vendor}, account"
            f" {outcome.plan.target.account}."
        )
    if outcome.plan.is_empty:
        return "Nothing changed; nothing was written."
    if outcome.waits:
        return (
            f"Nothing was written: {outcome.waits}. `c360 activate --target {name} --dry-run` shows it, `--yes`"
            " writes it."
        )
    return "A dry run: nothing was written."


def _write(con: duckdb.DuckDBPyConnection, settings: Settings, made: Plan) -> str:
    root = made.target.folder(settings)
    draft = outbox.Draft(root, outbox.free_name(root, made.as_of))
    try:
        _write_bodies(con, draft, made.target)
        _write_tags(con, draft, made.target)
        draft.beside(outbox.REJECTS, _rejects(con))
        pass_point("before_records")
        con.execute(_RECORDS.format(path=quoted(str(draft.folder / outbox.RECORDS))))
        # An erasure that is begun after this waits for us, and clears what we wrote.
        require_fresh(settings)
        draft.finish(**_facts(made))
    except BaseException:
        draft.drop()
        raise
    pass_point("after_activation_rename")
    outbox.save_state(con, root)
    return str((root / draft.name).relative_to(settings.data))


def _write_bodies(con: duckdb.DuckDBPyConnection, draft: outbox.Draft, target: Target) -> None:
    channel = target.receiver
    body = channel.dialects.get(target.dialect, channel.body)
    # What somebody refused is said before anything else is sent.
    for kind, request, wrap in (("optout", channel.optouts, channel.optout_body), ("profile", channel.profiles, body)):
        found = con.cursor().execute(_BODIES, {"kind": kind})
        for file, rows in itertools.groupby(_streamed(found), key=lambda row: row[0]):
            records: list[Any] = [msgspec.Raw(record) for _, record in rows]
            assert request is not None and wrap is not None
            draft.body(file, encode(wrap(records)), **_posted(request), records=len(records))


def _write_tags(con: duckdb.DuckDBPyConnection, draft: outbox.Draft, target: Target) -> None:
    channel = target.receiver
    if channel.tags is None or channel.tag_body is None:
        return
    numbers = {"tags-add": itertools.count(1), "tags-remove": itertools.count(1)}
    methods = {"tags-add": "POST", "tags-remove": "DELETE"}
    for (action, slug), rows in itertools.groupby(_streamed(con.cursor().execute(_TAGS)), key=lambda row: row[:2]):
        for some in _batched(rows, channel.tags.most_records):
            body = channel.tag_body(slug, [msgspec.json.decode(identity) for _, _, identity in some])
            draft.body(
                f"{action}-{next(numbers[action]):05}.json",
                encode(body),
                **_posted(channel.tags, methods[action]),
                records=len(some),
                segment=slug,
            )


def _posted(request: Request, method: str | None = None) -> Mapping[str, str]:
    return {"method": method or request.method, "path": request.path}


def _rejects(con: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    for person, alias, reason, field in _streamed(con.cursor().execute(_REJECTS)):
        yield encode(
            {"customer_id": person, "alias_id": alias, "reason_code": reason, **({"field": field} if field else {})}
        )


def _facts(made: Plan) -> dict[str, Any]:
    """What the manifest says beside the files."""
    return {
        "target": made.target.name,
        "vendor": made.target.vendor,
        "account": made.target.account,
        "purpose": made.target.purpose,
        "channel": made.target.channel,
        "as_of": str(made.as_of),
        "run_id": made.run_id,
        "mapping_version": made.mapping_version,
        "counts": counts(made),
        "rejected": dict(sorted(made.rejected.items())),
        "fields": dict(sorted(made.fields.items())),
    }


def counts(made: Plan) -> dict[str, int]:
    """Records by what becomes of them."""
    by_action = {action: made.counts[action] for action in (NEW, CHANGED, UNCHANGED, CLEARED, GONE)}
    return {**by_action, "rejected": made.rejected.total(), "opt_outs": made.opt_outs, "tags": made.tag_changes}


def report(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    made = outcome.plan
    return {
        **_facts(made),
        "folder": outcome.folder,
        "waits_because": outcome.waits,
        "changes": [asdict(shown) for shown in made.examples],
    }


def _streamed(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while block := found.fetchmany(BLOCK):
        yield from block


def _batched(rows: Iterator[tuple[Any, ...]], size: int) -> Iterator[tuple[tuple[Any, ...], ...]]:
    """`itertools.batched`, which Python 3.11 has not."""
    while some := tuple(itertools.islice(rows, size)):
        yield some


@contextmanager
def alone(settings: Settings, *, wait_seconds: float = 0) -> Iterator[None]:
    """One activation at a time: two would write the same changes twice. An erasure waits for another to end."""
    root = settings.data / "activation"
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as file:
        if not file_lock.lock_within(file, wait_seconds):
            raise OperatorError("Another `c360 activate` is at work.", remedy="Wait until it has ended and run again.")
        yield
