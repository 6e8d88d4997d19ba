"""What the tests of the dbt project ask, in words."""

from collections.abc import Mapping
from typing import Any


def in_words(arguments: Mapping[str, Any]) -> str:
    """What a test of promises asks, by its arguments as YAML gives them."""
    return "; ".join(_words(promise, value) for promise, value in arguments.items())


def of_query(sql: str) -> str:
    """What a test that is a query asks: the comment it begins with."""
    return " ".join(line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--"))


def of_test(node: Mapping[str, Any]) -> str:
    """What a test of a manifest asks."""
    if "test_metadata" not in node:
        return of_query(node["raw_code"]) or node["name"].replace("_", " ")
    asked = node["test_metadata"]
    return in_words({key: value for key, value in asked["kwargs"].items() if key != "model"}) or asked["name"]


def _words(promise: str, value: Any) -> str:
    if promise == "references":
        return "references " + ", ".join(f"{one['column']} in {one['to'][5:-2]}" for one in value)
    return f"{promise.replace('_', ' ')} {_listed(value)}"


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_listed(each)}" for name, each in value.items())
    return ", ".join(map(_listed, value)) if isinstance(value, list) else str(value)
