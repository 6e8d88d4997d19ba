"""Whoever was erased is known again by the secret of then, and nothing goes on without it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.cli import doctor
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.loading import erasure_log
from orchestration.normalisation import erasures
from orchestration.privacy import erasing
from orchestration.runtime.errors import OperatorError

SECRET = b"a secret of this test"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation in which somebody was erased."""
    made = Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0), secret=SECRET)
    made.landing.mkdir(parents=True)
    record = erasures.record("ometria", "default", "profiles", "p-1")
    erasure_log.write(
        erasure_log.folder(made) / "one.json",
        {
            "at": "2026-03-01T10:00:00+00:00",
            "until": None,
            "key": erasure_log.fingerprint(SECRET),
            "hashes": erasures.hashes(SECRET, [record]),
        },
    )
    return made


def test_with_the_secret_of_then_the_record_is_known_again(settings: Settings) -> None:
    found = erasure_log.erasures(settings)
    assert found is not None
    assert found.holds(erasures.record("ometria", "default", "profiles", "p-1"), date(2026, 3, 2))


@pytest.mark.parametrize("secret", [None, b"another secret"])
def test_without_the_secret_of_then_nothing_is_loaded_erased_or_begun(settings: Settings, secret: bytes | None) -> None:
    other = replace(settings, secret=secret)
    for attempt in (pipeline.run, erasing.require_secret):
        with pytest.raises(OperatorError, match="secret") as caught:
            attempt(other)
        assert caught.value.exit_code == 2
    assert not settings.build_file.exists()
    assert any(
        one.level == "broken" and one.text.startswith("People were erased here") for one in doctor.examine(other)
    )


def test_an_entry_of_a_version_that_did_not_note_its_secret_is_believed(settings: Settings) -> None:
    path = erasure_log.folder(settings) / "one.json"
    erasure_log.write(path, {"until": None, "hashes": []})
    assert erasure_log.erasures(replace(settings, secret=b"another secret")) is not None
