"""Numbers in sentences."""

import pytest

from orchestration.runtime.wording import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (1234, ("file",), "1,234 files"),
        (1, ("body", "bodies"), "1 body"),
        (2, ("body", "bodies"), "2 bodies"),
    ],
)
def test_a_thing_stands_in_the_singular_where_there_is_one(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said
