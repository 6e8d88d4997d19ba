"""What a build file is known by: a change of anything that decides what a landing file becomes has it built anew."""

import ast

from orchestration.fingerprints import CODE
from orchestration.settings import PACKAGE

# They decide where and when something is written, not what; settings count by their values.
BESIDE_THE_POINT = {"collecting.py", "connections.py", "errors.py", "faults.py", "fingerprints.py", "settings.py"}


def imported_by(module: str) -> set[str]:
    """Modules of the package that a module imports, those it imports included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        found.add(name)
        for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "orchestration":
                named = [f"{alias.name}.py" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orchestration."):
                named = [f"{(node.module or '').removeprefix('orchestration.')}.py"]
            else:
                continue
            waiting.extend(name for name in named if name not in found and (PACKAGE / name).is_file())
    return found


def test_every_module_that_writing_staging_rests_on_counts() -> None:
    assert imported_by("warehouse.py") - BESIDE_THE_POINT == set(CODE)
