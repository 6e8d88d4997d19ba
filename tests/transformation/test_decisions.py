"""The file of decisions keeps what others wrote, byte for byte, whatever is added or taken out."""

from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import decisions
from orchestration.transformation.identity_rules import Record

HEADER = (
    "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,"
    "identifier_type,identifier_value,author,reason"
)
FIRST = 'never,ometria,default,contacts,7,omnisend,default,contacts,8,,,mia,"father and son,\nboth called Leo"'
SECOND = "blocked,,,,,,,,,email,desk@shop.example.com,leo,the till"
ONE, OTHER = Record("ometria", "default", "contacts", "a,b"), Record("omnisend", "default", "contacts", "9")


@pytest.fixture(params=["\n", "\r\n"], ids=["LF", "CRLF"])
def end(request: pytest.FixtureRequest) -> str:
    return request.param


def file(settings: Settings, text: str) -> Path:
    settings.config.mkdir(exist_ok=True)
    path = settings.config / "identity_overrides.csv"
    path.write_bytes(text.encode())
    return path


def test_a_decision_is_added_below_what_stands_there(settings: Settings, end: str) -> None:
    before = end.join([HEADER, FIRST, SECOND]) + end
    file(settings, before)
    wanted = decisions.with_pairs(settings, [("always", ONE, OTHER)], author="mia", reason='they said "one"')
    assert wanted.startswith(before)
    path = decisions.write(settings, wanted, instead_of=decisions.text(settings))
    assert path.read_bytes() == wanted.encode()
    added = decisions.read(settings)[-1]
    assert (added.cells["rule"], added.record(), added.record("other_")) == ("always", ONE, OTHER)
    assert (added.cells["author"], added.cells["reason"]) == ("mia", 'they said "one"')
    assert decisions.without(settings, {added.line}) == before


def test_a_last_line_without_an_end_stays_a_line(settings: Settings) -> None:
    file(settings, f"{HEADER}\n{SECOND}")
    wanted = decisions.with_pairs(settings, [("never", ONE, OTHER)], author="mia", reason="two")
    assert wanted.startswith(f"{HEADER}\n{SECOND}\nnever,")


def test_the_first_decision_of_an_installation_makes_the_file(settings: Settings) -> None:
    wanted = decisions.with_pairs(settings, [("never", ONE, OTHER)], author="mia", reason="two")
    decisions.write(settings, wanted, instead_of=decisions.text(settings))
    assert [decision.line for decision in decisions.read(settings)] == [2]


def test_undoing_takes_out_the_whole_decision_and_no_other(settings: Settings, end: str) -> None:
    file(settings, end.join([HEADER, FIRST, "", SECOND]) + end)
    lines = [decision.line for decision in decisions.read(settings)]
    assert decisions.without(settings, {lines[0]}) == end.join([HEADER, SECOND]) + end
    assert decisions.without(settings, {lines[1]}) == end.join([HEADER, FIRST, ""]) + end
    assert decisions.without(settings, set(lines)) == HEADER + end


def test_a_line_on_which_no_decision_begins_is_refused(settings: Settings) -> None:
    file(settings, f"{HEADER}\n{FIRST}\n")
    for line in (1, 3, 9):
        with pytest.raises(OperatorError, match=f"No decision begins on line {line}"):
            decisions.without(settings, {line})


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(settings: Settings) -> None:
    path = file(settings, f"{HEADER}\n")
    before = decisions.text(settings)
    file(settings, f"{HEADER}\n{SECOND}\n")
    with pytest.raises(OperatorError, match="changed the decisions meanwhile"):
        decisions.write(settings, before, instead_of=before)
    assert path.read_text(encoding="utf-8") == f"{HEADER}\n{SECOND}\n"
