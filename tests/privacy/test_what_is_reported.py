"""`c360 status` and `c360 doctor` report erasures that have not ended, and what was last deleted for its age."""

from pathlib import Path

from orchestration.cli import doctor, status
from orchestration.config.settings import Settings
from orchestration.loading import erasure_log
from orchestration.privacy import erasing
from orchestration.privacy.erasing import Erasing

LIMITS = {"keep_landing_days": 30}
REPORTED = ("The erasure", "what went last")


def findings(settings: Settings) -> list[tuple[str, str]]:
    return [(one.level, one.text) for one in doctor.examine(settings) if one.text.startswith(REPORTED)]


def test_nothing_is_reported_where_nobody_was_erased_and_nothing_was_deleted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    found = status.look(settings)
    assert (found.erasures_unended, found.retention, findings(settings)) == ((), None, [])


def test_an_erasure_is_reported_from_when_it_begins_until_it_ends(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    begun = Erasing("2026-03-01-abcd", "me", "2026-03-01T10:00:00+00:00", None, [])
    note = settings.privacy / "pending" / f"{begun.id}.json"
    erasure_log.write(note, vars(begun))
    assert status.look(settings).erasures_unended == ()
    erasure_log.write(erasure_log.folder(settings) / note.name, {"at": begun.at, "until": None, "hashes": ["x"]})
    expected = "The erasure 2026-03-01-abcd was begun and has not ended."
    assert status.look(settings).erasures_unended == (expected,)
    assert findings(settings) == [("note", expected)]
    note.unlink()
    assert status.look(settings).erasures_unended == () and findings(settings) == []


def test_what_was_last_deleted_for_its_age_is_reported_with_its_day(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    for taken in (
        {"deliveries_deleted": 1, "rejects_emptied": 0, "publications_dropped": 2},
        {"deliveries_deleted": 3, "rejects_emptied": 0, "publications_dropped": 0},
    ):
        erasing.note_retention(settings, taken, limits=LIMITS)
    [*_, last] = erasing.receipts(settings)
    expected = status.look(settings).retention
    assert expected == f"{last['ended_at'][:10]}: 4 deliveries deleted, 2 publications dropped"
    assert findings(settings) == [("ok", f"what went last by the limits on how long things are kept: {expected}")]
