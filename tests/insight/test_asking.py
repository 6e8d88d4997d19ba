"""Asking from the command line: SQL, a person by what is known of them, and every table for machines."""

import json
import os
import pty
import subprocess
import sys

import duckdb
import pytest

from orchestration.cli import main
from orchestration.config.settings import Settings
from tests.support.paths import PROJECT


@pytest.fixture(autouse=True)
def installed(demo: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_DATA", str(demo.data))


def reported(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main.main(words) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_a_query_is_answered_as_a_table_and_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    query = "select lifecycle_stage, count(*) as people, sum(total_revenue) as revenue from marts.customer_insights group by 1 order by 1"
    assert "active" in reported(capsys, "sql", query)
    rows = json.loads(reported(capsys, "sql", "--json", query))
    assert [list(row) for row in rows] == [["lifecycle_stage", "people", "revenue"]] * len(rows)
    assert sum(row["people"] for row in rows) == 14


def test_a_long_answer_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    text = reported(capsys, "sql", "select * from range(2000)")
    assert (len(text.splitlines()), "--all" in text) == (1002, True)
    assert len(reported(capsys, "sql", "--all", "select * from range(2000)").splitlines()) == 2001
    assert len(json.loads(reported(capsys, "sql", "--json", "select * from range(2000)"))) == 2000


def test_a_wrong_query_says_what_is_wrong_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no_such_table" in reported(capsys, "sql", "from marts.no_such_table", code=2)
    assert "syntax error" in reported(capsys, "sql", "selec 1", code=2)
    for nothing in ("", " ", "-- a remark"):
        assert "asks nothing" in reported(capsys, "sql", nothing, code=2)


def test_a_wrong_query_is_reported_without_whom_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    message = reported(
        capsys,
        "sql",
        "select * from marts.dim_customers where full_name = 'Souza' and emial = 'ana.souza@example.com'",
        code=2,
    )
    assert "emial" in message
    assert "Souza" not in message
    assert "ana.souza" not in message


def test_nothing_can_be_changed(demo: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    before = demo.published_file.stat()
    for query in (
        "delete from marts.dim_customers",
        "create table marts.mine as select 1",
        "drop schema marts cascade",
    ):
        assert "read-only" in reported(capsys, "sql", query, code=2)
    assert demo.published_file.stat() == before


def test_a_query_may_come_by_a_pipe() -> None:
    command = [sys.executable, "-m", "orchestration.cli", "sql", "--json"]
    found = subprocess.run(
        command, cwd=PROJECT, input="select 42 as answer;", capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout) == [{"answer": 42}]


def test_a_plain_shell_answers_goes_on_after_a_mistake_and_ends(demo: Settings) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "C360_DATA": str(demo.data), "PATH": ""}  # no other shell is found
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "sql"],
        cwd=PROJECT,
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, b"selec 1;\nselect 40\n+ 2 as answer;\n\x04")
    out, err = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 0
    assert "42" in out.decode()
    assert "syntax error" in err.decode()


@pytest.mark.parametrize(
    ("option", "query"),
    [
        ("--email", "select upper(email) from marts.dim_customers where customer_id = $1"),
        ("--phone", "select phone from marts.dim_customers where customer_id = $1"),
        (
            "--phone",
            "select '0' || substr(phone, 4, 4) || '/' || substr(phone, 8) from marts.dim_customers where customer_id = $1",
        ),
        ("--order", "select '#' || min(order_number) from marts.fct_orders where customer_id = $1"),
        ("--order", "select min(order_id) from marts.fct_orders where customer_id = $1"),
    ],
)
def test_a_person_is_explained_by_what_is_known(
    con: duckdb.DuckDBPyConnection, option: str, query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    carrier = "select customer_id from marts.dim_customers where phone like '+49%' and email is not null order by record_count desc, customer_id limit 1"
    (person,) = con.execute(carrier).fetchone() or ("",)
    (known,) = con.execute(query, [person]).fetchone() or ("",)
    assert f"Person {person}" in reported(capsys, "explain", option, known)
    assert json.loads(reported(capsys, "explain", option, known, "--json"))["customer_ids"] == [person]


@pytest.mark.parametrize(
    "words",
    [
        ("--email", "nobody@example.com"),
        ("--phone", "+49 30 99999999"),
        ("--phone", "call me"),
        ("--order", "no such order"),
        (),
    ],
)
def test_nobody_is_nobody(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert "Unexpected" not in reported(capsys, "explain", *words, code=2)


def test_what_commands_print_can_be_read_by_machines(
    con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    rejected = json.loads(reported(capsys, "rejects", "--json"))
    (count,) = con.execute("select count(*) from meta.rejects").fetchone() or (0,)
    assert sum(row["records"] for row in rejected) == count > 0
    assert rejected[0]["reason_code"] == "invalid_json"
    assert json.loads(reported(capsys, "status", "--json"))["pending"] is not None
    main.main(["doctor", "--json"])
    assert {"level", "text", "remedy"} == set(json.loads(capsys.readouterr().out)[0])
