"""`c360 demo` begins anew in a folder of its own, and never over what somebody has put there."""

from pathlib import Path

import pytest

from orchestration.cli import demo
from orchestration.runtime.errors import OperatorError


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder that the demo has filled."""
    folder = tmp_path / "demo"
    demo.begin(folder)
    own = folder / "landing" / "omnisend" / "contacts" / "2026-01-01" / "a.ndjson"
    own.parent.mkdir(parents=True)
    own.touch()
    (folder / "warehouse.duckdb").touch()
    demo.finish(folder)
    return folder


def test_its_own_files_are_cleared(made: Path) -> None:
    demo.begin(made)
    assert [path.name for path in made.rglob("*")] == [demo.MARK]


def test_a_demo_that_was_killed_while_it_wrote_its_exports_begins_anew(made: Path) -> None:
    demo.begin(made)
    (made / "landing").mkdir()
    (made / "landing" / "half.ndjson").touch()
    demo.begin(made)
    assert not (made / "landing").exists()


@pytest.mark.parametrize("name", ["landing/ometria/contacts/2026-01-01/mine.ndjson", "config/secret"])
def test_what_somebody_has_put_there_is_not_deleted(made: Path, name: str) -> None:
    (made / name).parent.mkdir(parents=True)
    (made / name).touch()
    with pytest.raises(OperatorError, match="has not put there") as refused:
        demo.begin(made)
    assert refused.value.exit_code == 2
    assert (made / name).exists()
    assert (made / "warehouse.duckdb").exists()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(OperatorError, match="not empty"):
        demo.begin(tmp_path)
