"""Who writes an installation: he holds the lock, on a sound build file, with an entry in the run log."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import duckdb

from orchestration import vendors
from orchestration.config import accounts, file_rights
from orchestration.config.chosen_engine import engine_of
from orchestration.config.settings import Settings
from orchestration.job.disk_space import LEAST_FREE, require_disk
from orchestration.loading import erasure_log
from orchestration.loading.loader import Warehouse
from orchestration.monitoring import attention
from orchestration.privacy import erasing
from orchestration.publishing import publish, retention, sound_build_file
from orchestration.runtime.errors import OperatorError, to_operator_error
from orchestration.runtime.progress import Progress, silent
from orchestration.transformation import identity_rules, seeds, segment_rules
from orchestration.warehouse import build_file, run_log
from orchestration.warehouse.writer_lock import writer_lock


class DamagedFileError(OperatorError):
    """A database file of ours turned out to be damaged in the midst of the work and was moved aside."""


class ErasureBegunError(OperatorError):
    """An erasure was begun while a run waited for the lock: nothing may be published before that has ended."""


def new_run_id() -> str:
    """An id for a run that nobody else has named."""
    return uuid.uuid4().hex


CHECKS: tuple[Callable[[Settings], object], ...] = (
    lambda settings: accounts.check_accounts(settings.config, vendors.names()),
    identity_rules.check_files,
    segment_rules.check_files,
    seeds.check_files,
    lambda settings: engine_of(settings).check(),
    # A build file would be begun anew with another secret.
    erasure_log.erasures,
)
"""What is wrong with the configuration is reported before anything is begun."""


@contextmanager
def writing(
    settings: Settings,
    run_id: str,
    *,
    command: str,
    from_scratch: bool = False,
    reported: Sequence[str] = (),
    ends_erasures: bool = False,
    progress: Progress = silent,
) -> Iterator[Warehouse]:
    """Holds the writer lock and an open entry in the run log while the body works on a sound build file; `reported` is
    noted there, to be looked at. While an erasure is under way only what ends it may write."""
    for check in CHECKS:
        check(settings)
    if settings.options.keep_inactive_days:
        erasing.require_secret(settings)
    require_disk(settings, LEAST_FREE)
    with writer_lock(settings, command=command, on_wait=progress):
        erasing.drop_never_begun(settings)
        if not ends_erasures and erasing.pending(settings):
            raise ErasureBegunError(
                "An erasure was begun and has not ended.", remedy="Type it again: `c360 run` ends the erasure first."
            )
        file_rights.tighten(settings)
        retention.sweep(settings)
        reported = [*reported, *publish.secure(settings)]
        warehouse, damage = sound_build_file.sound_warehouse(settings, from_scratch=from_scratch, progress=progress)
        with build_file.connect(settings) as con:
            run_log.begin(con, run_id, command, published=[found.run_id for found in publish.publications(settings)])
            attention.add(con, run_id, *reported, *damage)
        try:
            yield warehouse
        except BaseException as error:
            with suppress(duckdb.Error, OSError), build_file.connect(settings) as con:
                is_failure = isinstance(error, Exception)
                run_log.end(
                    con,
                    run_id,
                    failure=to_operator_error(error).message if is_failure else "It was interrupted.",
                    is_interrupted=not is_failure,
                )
            if moved := sound_build_file.set_damaged_aside(error, settings):
                raise DamagedFileError(
                    " ".join(moved), remedy="Run again: it is built anew from what has landed."
                ) from None
            raise
        with build_file.connect(settings) as con:
            run_log.end(con, run_id)
