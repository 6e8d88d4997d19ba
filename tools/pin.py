"""Pins the whole dependency tree: `uv run python tools/pin.py` writes constraints.txt and the list in pyproject.toml.

uv resolves what pyproject.toml asks for, on every Python it allows; the result is kept as names and versions, without
the addresses that uv.lock records. Add `--upgrade` to move to the newest versions.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "constraints.txt"
LIST = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)


def resolve(*, upgrade: bool) -> list[str]:
    """Every package of the tree as `name==version`, with its marker."""
    text = PROJECT.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "pyproject.toml"
        draft.write_text(LIST.sub("constraint-dependencies = [\n]\n", text) if upgrade else text, encoding="utf-8")
        (Path(folder) / "README.md").touch()
        run = subprocess.run(
            [
                "uv",
                "export",
                "--project",
                folder,
                "--all-groups",
                "--all-extras",
                "--no-hashes",
                "--no-annotate",
                "--no-header",
                "--no-emit-project",
                "--quiet",
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    return sorted(line.replace(" ; ", "; ") for line in run.stdout.splitlines() if line.strip())


def write(pins: list[str]) -> None:
    """The pins for pip and for uv."""
    CONSTRAINTS.write_text(
        "# Written by `uv run python tools/pin.py`; use it as `pip install -c constraints.txt -e .`\n"
        + "".join(f"{pin}\n" for pin in pins),
        encoding="utf-8",
    )
    listed = "".join(f'    "{pin}",\n' for pin in (line.replace('"', "'") for line in pins))
    PROJECT.write_text(
        LIST.sub(lambda _: f"constraint-dependencies = [\n{listed}]\n", PROJECT.read_text(encoding="utf-8")),
        encoding="utf-8",
    )


if __name__ == "__main__":
    found = resolve(upgrade="--upgrade" in sys.argv)
    write(found)
    print(f"{len(found)} packages pinned")
