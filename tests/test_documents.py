"""Generated files are current."""

from pathlib import Path

import pytest

from orchestration.documents import REMEDY, generated


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_a_generated_file_is_what_the_declarations_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], f"{path.name} is out of date. {REMEDY}"
