"""People who do not edit CSV decide who is who: they see what it changes, are asked, and can take it back."""

import json
from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline
from orchestration.cli import main
from orchestration.config.options import Options
from orchestration.config.settings import Settings

pytestmark = pytest.mark.long

DAY = "2026-06-01"
BY = ("--by", "mia", "--reason", "they told us")


def land(settings: Settings, folder: str, *records: dict[str, object]) -> None:
    path = settings.landing / folder / DAY / "a.ndjson"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def contact(number: str, email: str, name: str) -> dict[str, object]:
    return {
        "contactID": number,
        "email": f"{email}@mail.test.example.com",
        "firstName": name,
        "createdAt": "2026-05-01T00:00:00Z",
    }


def customer(number: str, email: str, name: str) -> dict[str, object]:
    return {"id": number, "name": name, "email": f"{email}@mail.test.example.com", "object": "customer"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Ana, known to two vendors by one address; Ben; and Cleo."""
    settings = Settings(data=tmp_path_factory.mktemp("decided") / "data", options=Options(free_disk_bytes=0))
    land(
        settings,
        "omnisend/contacts",
        contact("c1", "ana", "Ana"),
        contact("c2", "ben", "Ben"),
        contact("c3", "cleo", "Cleo"),
    )
    land(settings, "voucherify/customers", customer("v1", "ana", "Ana"))
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text("free_disk_bytes = 0\n", encoding="utf-8")
    assert pipeline.run(settings).published
    return settings


@pytest.fixture(autouse=True)
def chosen(installation: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_DATA", str(installation.data))


def reported(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main.main(words) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def people(settings: Settings) -> set[frozenset[str]]:
    """The persons as the sets of their vendors' records."""
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        query = (
            "select list(source_record_id) from marts.bridge_customer_records where not is_derived group by customer_id"
        )
        return {frozenset(records) for (records,) in con.execute(query).fetchall()}


APART = {frozenset({"c1", "v1"}), frozenset({"c2"}), frozenset({"c3"})}


def overrides(settings: Settings) -> Path:
    return settings.config / "identity_overrides.csv"


def test_where_nobody_can_be_asked_nothing_is_written(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["merge", "omnisend/contacts/c2", "omnisend/contacts/c3", *BY]) == 2
    captured = capsys.readouterr()
    assert "Persons: 3 before, 2 now: 1 merged into others." in captured.out
    assert "nobody to ask" in captured.err
    assert not overrides(installation).exists()
    assert not (installation.internal / "plan").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("merge", "omnisend/contacts/c1", "voucherify/customers/v1", *BY), "one person already"),
        (("merge", "omnisend/contacts/c1", "omnisend/contacts/none", *BY), "Nobody of the id omnisend/contacts/none"),
        (("split", "omnisend/contacts/c1", "--records", "none/at/all", *BY), "Nobody of the id none/at/all"),
        (("merge", "omnisend/contacts/c1", "omnisend/contacts/c2", "--by", "mia"), "--reason"),
        (("merge", "omnisend/contacts/c1", "omnisend/contacts/c2", "--by", " ", "--reason", "x"), "a line of text"),
        (("split", "omnisend/contacts/c1", "--records", "omnisend/contacts/c2", *BY), "none of this person's own"),
        (("split", "omnisend/contacts/c2", "--records", "omnisend/contacts/c2", *BY), "leave one"),
        (("overrides", "undo"), "No line was named"),
        (("overrides", "undo", "2"), "No decision begins on line 2"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    installation: Settings, words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in reported(capsys, *words, code=2)
    assert not overrides(installation).exists()


@pytest.mark.slow
def test_a_merge_and_a_split_are_shown_written_applied_and_undone(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert people(installation) == APART
    text = reported(capsys, "merge", "omnisend/contacts/c2", "omnisend/contacts/c3", *BY, "--yes")
    assert "2 now: 1 merged into others." in text
    assert "Written to" in text
    text = reported(capsys, "split", "voucherify/customers/v1", "--records", "voucherify/customers/v1", *BY, "--yes")
    assert "1 split off" in text
    assert people(installation) == APART

    pipeline.run(installation)
    assert people(installation) == {frozenset({"c1"}), frozenset({"v1"}), frozenset({"c2", "c3"})}
    listed = json.loads(reported(capsys, "overrides", "--json"))
    assert [(row["rule"], row["author"], row["reason"]) for row in listed] == [
        ("always", "mia", "they told us"),
        ("never", "mia", "they told us"),
    ]

    reported(capsys, "overrides", "undo", *(str(row["line"]) for row in listed), "--yes")
    assert "Nobody has decided anything" in reported(capsys, "overrides")
    pipeline.run(installation)
    assert people(installation) == APART
