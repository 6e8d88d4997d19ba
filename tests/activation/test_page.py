"""The page docs/activation.md says of every key, value and reason what the code does."""

import re

import msgspec
import pytest

from orchestration.activation import planned
from orchestration.activation.catalogue import VALUES
from orchestration.activation.targets import Target
from tests.support.paths import PROJECT

PAGE = (PROJECT / "docs" / "activation.md").read_text(encoding="utf-8")
KEYS = [field for field in msgspec.structs.fields(Target) if field.name != "name"]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_is_listed_with_its_default(key: msgspec.structs.FieldInfo) -> None:
    [row] = re.findall(rf"^\| (?:[^|]*, )?`{key.name}`(?:, [^|]*)? \| ([^|]+) \|", PAGE, re.MULTILINE)
    if isinstance(key.default, int | float) and not isinstance(key.default, bool):
        assert float(row) == key.default
    elif isinstance(key.default, str) and key.default:
        assert row == f"`{key.default}`"


@pytest.mark.parametrize("name", VALUES)
def test_every_value_is_listed(name: str) -> None:
    assert f"`c360_{name}`" in PAGE


@pytest.mark.parametrize("reason", [planned.NO_VENDOR_KEY, planned.SHARED, planned.CONSENT, planned.TOO_LONG])
def test_every_reason_is_explained(reason: str) -> None:
    assert f"| `{reason}` | " in PAGE
