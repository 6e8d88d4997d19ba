"""Generated files are current, and the rules that the documents show work."""

import re
from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from orchestration.docgen.generate import REMEDY, generated
from orchestration.transformation import identity_rules, seeds, segment_rules
from tests.support.paths import PROJECT

CONFIGURE = PROJECT / "docs" / "configure.md"
EXAMPLES = dict(
    re.findall(r"^```csv (\w+)\n(.*?)^```$", CONFIGURE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_a_generated_file_is_what_the_declarations_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], f"{path.name} is out of date. {REMEDY}"


def test_the_rules_that_the_documents_show_pass_every_check(settings: Settings) -> None:
    assert sorted(EXAMPLES) == ["computed_segments", "identity_overrides"]
    settings.config.mkdir(parents=True)
    for name, text in EXAMPLES.items():
        (settings.config / f"{name}.csv").write_text(text, encoding="utf-8")
    assert {seed.name for seed in seeds.find(settings) if seed.path.parent == settings.config} == EXAMPLES.keys()
    segment_rules.check_files(settings)
    identity_rules.check_files(settings)
