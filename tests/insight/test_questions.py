"""docs/questions.md: every query runs as it stands, joins little, and answers what the page says."""

import re
from typing import Any

import duckdb
import pytest

from orchestration.config.settings import project_folder

PAGE = (project_folder() / "docs" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^## \d+\. (.+?)\n\n```sql\n(.*?)\n```\n\n```text\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
MOST_JOINS = 2


def shown(row: tuple[Any, ...]) -> str:
    return " | ".join("" if value is None else str(value) for value in row).rstrip()


@pytest.mark.parametrize(("question", "sql", "answer"), QUESTIONS, ids=[question for question, _, _ in QUESTIONS])
def test_a_question_is_answered_as_the_page_says(
    con: duckdb.DuckDBPyConnection, question: str, sql: str, answer: str
) -> None:
    found = con.execute(sql)
    columns = tuple(column[0] for column in found.description or ())
    assert [shown(row) for row in (columns, *found.fetchall())] == answer.split("\n")


def test_no_question_takes_more_than_two_joins() -> None:
    assert len(QUESTIONS) == 30 == PAGE.count("\n## ")
    assert {question: sql.count(" join ") for question, sql, _ in QUESTIONS if sql.count(" join ") > MOST_JOINS} == {}
