"""What in the landing zone is a delivery and of which account, and what is reported instead of being loaded."""

from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from orchestration.landing import landing_zone

DELIVERY = "omnisend/contacts/2026-03-05"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data" / "landing").mkdir(parents=True)
    return Settings(data=tmp_path / "data")


def land(settings: Settings, *paths: str) -> None:
    for path in paths:
        target = settings.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text('{"contactID": "c1"}\n', encoding="utf-8")


def found(settings: Settings) -> list[str]:
    return [file.relative_path.removeprefix("landing/") for file in landing_zone.scan(settings).files]


def problems(settings: Settings) -> dict[str, str]:
    return {
        problem.relative_path.removeprefix("landing/"): problem.reason_code
        for problem in landing_zone.scan(settings).problems
    }


@pytest.mark.parametrize(
    ("name", "is_full"),
    [
        ("contacts_full.ndjson", True),
        ("FullExport.ndjson", True),
        ("successfully_synced.ndjson", False),
        ("fulfilled.ndjson", False),
        ("contacts.ndjson", False),
    ],
)
def test_a_delivery_is_full_if_its_name_calls_it_so(settings: Settings, name: str, *, is_full: bool) -> None:
    land(settings, f"{DELIVERY}/{name}")
    assert [file.is_full for file in landing_zone.scan(settings).files] == [is_full]


def test_what_stands_in_hidden_temporary_or_tools_folders_is_no_data_at_any_depth(settings: Settings) -> None:
    tools = (
        ".rsync-partial",
        ".~tmp~",
        "_temporary",
        "__MACOSX",
        ".snapshot",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "lost+found",
        "export.tmp",
        "export.part",
    )
    land(settings, f"{DELIVERY}/a.ndjson", f"{DELIVERY}/part/b.ndjson")
    land(
        settings,
        *(f"{DELIVERY}/{name}/x.ndjson" for name in tools),
        *(f"{DELIVERY}/part/{name}/0/x.ndjson" for name in tools),
    )
    land(
        settings,
        *(f"{above}{name}/2026-03-05/x.ndjson" for above in ("", "omnisend/", "omnisend/contacts/") for name in tools),
    )
    assert found(settings) == [f"{DELIVERY}/a.ndjson", f"{DELIVERY}/part/b.ndjson"]
    assert problems(settings) == {}


def test_the_marks_of_spark_are_no_data_and_a_file_that_only_begins_with_an_underscore_is(settings: Settings) -> None:
    names = (
        "_SUCCESS",
        "_committed_6352361",
        "_started_6352361",
        "_metadata",
        "._a.ndjson",
        "~$a.xlsx",
        "Thumbs.db",
        "desktop.ini",
        "a.ndjson.part",
    )
    land(settings, *(f"{DELIVERY}/{name}" for name in names), f"{DELIVERY}/_contacts.ndjson")
    assert found(settings) == [f"{DELIVERY}/_contacts.ndjson"]


def test_a_folder_of_a_vendor_with_an_at_sign_is_the_delivery_of_that_account(settings: Settings) -> None:
    land(settings, "omnisend/events/2026-03-05/a.ndjson", "omnisend@uk/events/2026-03-05/a.ndjson")
    files = landing_zone.scan(settings).files
    assert [(file.source, file.source_account, file.feed, file.delivery) for file in files] == [
        ("omnisend", "default", "omnisend", "omnisend/events/2026-03-05"),
        ("omnisend", "uk", "omnisend@uk", "omnisend@uk/events/2026-03-05"),
    ]


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("omnisend@", "bad_account"),
        ("omnisend@ uk", "bad_account"),
        ("omnisend@uk@de", "bad_account"),
        ("omnisend@-uk", "bad_account"),
        ("omnisend@default", "bad_account"),
        ("omnisend@" + 65 * "u", "bad_account"),
        ("omnisand@uk", "unknown_vendor"),
        ("@uk", None),
    ],
)
def test_a_folder_of_an_account_that_is_none_is_reported_and_not_loaded(
    settings: Settings, folder: str, reason: str | None
) -> None:
    land(settings, f"{folder}/events/2026-03-05/a.ndjson")
    assert found(settings) == []
    assert problems(settings) == ({folder: reason} if reason else {})


def test_an_export_date_later_than_tomorrow_is_reported_and_loads_once_the_day_has_come(settings: Settings) -> None:
    days = [settings.today() + timedelta(days=number) for number in (0, 1, 2)]
    land(
        settings,
        *(f"omnisend/contacts/{day}/a.ndjson" for day in days),
        "omnisend@uk/contacts/2042-05-02/a.ndjson",
    )
    assert found(settings) == [f"omnisend/contacts/{day}/a.ndjson" for day in days[:2]]
    assert problems(settings) == {
        f"omnisend/contacts/{days[2]}": "future_date",
        "omnisend@uk/contacts/2042-05-02": "future_date",
    }
    [reported] = [problem.message for problem in landing_zone.scan(settings).problems if "2042" in problem.message]
    assert "2042-05-02 is of a day later than tomorrow and is not loaded" in reported


def test_links_to_folders_are_not_followed_out_of_the_landing_zone(settings: Settings, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "events" / "2026-03-05").mkdir(parents=True)
    (outside / "events" / "2026-03-05" / "a.ndjson").write_text("{}", encoding="utf-8")
    land(settings, f"{DELIVERY}/a.ndjson")
    links = {
        "omnisend@link": outside,
        "omnisend/events": outside / "events",
        "omnisend/contacts/2026-03-06": outside / "events" / "2026-03-05",
        f"{DELIVERY}/below": outside / "events",
        f"{DELIVERY}/itself": settings.landing,
    }
    for name, target in links.items():
        (settings.landing / name).symlink_to(target)
    (settings.landing / "omnisend@twin").symlink_to(settings.landing / "omnisend")
    assert found(settings) == [f"{DELIVERY}/a.ndjson", "omnisend@twin/contacts/2026-03-05/a.ndjson"]
    assert problems(settings).items() >= dict.fromkeys(links, "link").items()


def test_a_landing_zone_that_is_itself_a_link_is_read(settings: Settings, tmp_path: Path) -> None:
    land(settings, f"{DELIVERY}/a.ndjson")
    settings.landing.rename(tmp_path / "elsewhere")
    settings.landing.symlink_to(tmp_path / "elsewhere")
    assert (found(settings), problems(settings)) == ([f"{DELIVERY}/a.ndjson"], {})
