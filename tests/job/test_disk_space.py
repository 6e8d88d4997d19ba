"""Nothing is begun that the disk would not hold."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from orchestration.job.disk_space import bytes_to_write, require_disk
from orchestration.landing.landing_zone import LandedFile
from orchestration.runtime.errors import OperatorError

PLAIN = LandedFile(date(2026, 3, 1), "ometria", "orders", "a.ndjson", Path("a.ndjson"), 1_000, 0, is_full=False)
PACKED = replace(PLAIN, path=Path("a.ndjson.gz"))


def test_a_packed_file_needs_ten_times_the_room_of_a_plain_one(settings: Settings) -> None:
    assert bytes_to_write(settings, [PACKED]) == 10 * bytes_to_write(settings, [PLAIN])


def test_what_the_build_file_holds_is_written_once_more(settings: Settings) -> None:
    settings.build_file.parent.mkdir(parents=True)
    settings.build_file.write_bytes(b"x" * 500)
    assert bytes_to_write(settings) == 500


def test_a_first_night_needs_room_for_what_is_built_and_for_its_copy(settings: Settings) -> None:
    assert bytes_to_write(settings, [PLAIN]) == 2 * 2.5 * PLAIN.size


def test_a_later_night_needs_room_for_what_is_new_and_for_a_copy_of_all(settings: Settings) -> None:
    settings.build_file.parent.mkdir(parents=True)
    settings.build_file.write_bytes(b"x" * 100_000)
    assert bytes_to_write(settings, [PLAIN]) == 2 * 2.5 * PLAIN.size + 100_000


def test_a_step_that_the_disk_would_not_hold_is_refused_before_it_begins(settings: Settings) -> None:
    require_disk(settings, 0)
    with pytest.raises(OperatorError, match="MB free, and this run may need") as error:
        require_disk(settings, 2 * shutil.disk_usage(settings.data).total)
    assert "Make room" in error.value.remedy
