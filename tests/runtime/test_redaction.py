"""What is shown of files, arguments and messages: no address, no number as long as a phone's, no name of somebody known."""

import unicodedata

import duckdb
import pytest

from orchestration.cli import main
from orchestration.config.settings import Settings
from orchestration.runtime import errors, redaction
from orchestration.warehouse import known_names


@pytest.fixture(autouse=True)
def nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "names_among", redaction.no_names)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("contacts/2026-06-01/anna@mail.test.example.com.json", "contacts/2026-06-01/a…@m….json"),
        ("omnisend@anna.kern@mail.example/contacts", "o…@m….example/contacts"),
        ("a@one.example,b@two.example", "a…@t….example"),
        ("orders_4915112345678.csv", "orders_491…78.csv"),
        ("call +49 (151) 1234-567 back", "call +49…67 back"),
        ("123456.csv", "1….csv"),
        ("１２３４５６.csv", "１….csv"),
        ("٠١٢٣٤٥٦٧.csv", "٠١٢…٦٧.csv"),
        ("४९१५११२३.csv", "४९१…२३.csv"),
        ("ａｎｎａ＠mail.example", "ａ…@m….example"),
        ("contacts-of-anna%40mail.example.csv", "c…@m….csv"),
        ("anna%2540mail.example", "a…@m….example"),
        ("part-12345-of-2026-06-01.csv", "part-12345-of-2026-06-01.csv"),
        ("9 of 10 on 2026-01-31, 02:30", "9 of 10 on 2026-01-31, 02:30"),
    ],
)
def test_addresses_and_numbers_of_every_script_are_masked_and_days_stay(given: str, shown: str) -> None:
    assert redaction.shown_name(given) == redaction.without_contacts(given) == shown


@pytest.fixture
def known(settings: Settings) -> Settings:
    """Two customers are published."""
    with duckdb.connect(str(settings.published_file)) as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.dim_customers as from (values ('Anna-Lena MÜLLER'), ('Bo Contacts'), ('Vroni Groß'), ($1), (null)) as t(full_name)",
            [unicodedata.normalize("NFD", "Søren Škvorecký")],
        )
    known_names.ask(settings)
    return settings


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("landing/omnisend/contacts/2026-06-01/anna_müller.json", "landing/omnisend/contacts/2026-06-01/a…_m….json"),
        ("LENA.csv", "L….csv"),
        (unicodedata.normalize("NFD", "anna_müller.csv"), "a…_m….csv"),
        ("groß.csv", "g….csv"),
        ("GROSS.csv", "G….csv"),
        ("škvorecký.csv", "š….csv"),
        (unicodedata.normalize("NFD", "ŠKVORECKÝ.csv"), "S….csv"),
        ("annalena.csv", "annalena.csv"),
        ("agnieszka.csv", "a….csv"),
        ("the_common_forms_of_names.csv", "the_common_forms_of_names.csv"),
        ("carla.csv", "carla.csv"),
    ],
)
def test_names_of_customers_are_masked_and_folders_of_ours_are_not(known: Settings, given: str, shown: str) -> None:
    assert redaction.shown_name(given) == shown


def test_where_nothing_can_be_looked_up_names_stop_nothing(settings: Settings) -> None:
    known_names.ask(settings)
    assert redaction.shown_name("mueller.csv") == "mueller.csv"
    known_names.ask(settings)
    settings.published_file.write_bytes(b"no warehouse")
    assert redaction.shown_name("meier.csv") == "meier.csv"


def test_what_was_typed_is_not_repeated_with_an_address_or_a_number(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["run", "--date", "anna@mail.test.example.com"],
        ["replay", "--source", "+4915112345678"],
        ["status", "anna@mail.test.example.com"],
    ):
        assert main.main(words) == 2
    to_operator_error = capsys.readouterr().err
    assert "anna" not in to_operator_error
    assert "15112345" not in to_operator_error


@pytest.mark.parametrize("given", ["anna@mail.test.example.com", "+4915112345678", "anna", "MÜLLER", "groß"])
@pytest.mark.parametrize(
    "words",
    [
        ["withdraw", "/elsewhere/{}/a.csv"],
        ["withdraw", "--source", "{}", "--date", "2026-06-01"],
        ["plan", "--config", "{}"],
        ["run", "--accept-deletions", "{}"],
        ["run", "--accept-deletions", "omnisend/{}/2026-06-01"],
        ["{}"],
    ],
)
def test_no_argument_is_echoed_with_who_it_names(
    known: Settings, capsys: pytest.CaptureFixture[str], words: list[str], given: str
) -> None:
    known.landing.mkdir(exist_ok=True)
    assert main.main([word.format(given) for word in words]) == 2
    assert given not in "".join(capsys.readouterr()).replace("ometria, omnisend", "")


def test_a_refusal_of_the_system_is_reported_without_whom_the_file_is_named_after(known: Settings) -> None:
    to_operator_error = errors.to_operator_error(
        PermissionError(13, "Permission denied", str(known.landing / "anna@mail.test.example.com" / "Groß.csv"))
    )
    assert "Permission denied" in to_operator_error.message
    assert "landing/a…@m….com/G….csv" in to_operator_error.message


def test_a_rule_named_after_somebody_is_refused_without_the_name(
    known: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    known.landing.mkdir(exist_ok=True)
    known.config.mkdir()
    (known.config / "anna.csv").write_text("kind\n", encoding="utf-8")
    assert main.main(["run"]) == 2
    assert "a….csv overrides no rule" in capsys.readouterr().err


def test_pending_files_are_reported_of_without_the_address_in_their_name(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings.landing / "omnisend" / "contacts" / "2026-06-01" / "anna@mail.test.example.com.ndjson"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n", encoding="utf-8")
    assert main.main(["status"]) == main.main(["status", "--json"]) == 0
    assert "anna@" not in capsys.readouterr().out
