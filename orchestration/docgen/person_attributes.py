"""What dbt has to know of a person's attributes and of the canonical tables, from `canonical`: a file of macros, and
parts of three YAML files."""

import re
from collections.abc import Iterable

import yaml

from orchestration.canonical.people import ATTRIBUTES, Attribute
from orchestration.canonical.table_model import DUCKDB_TYPES, OWNER
from orchestration.canonical.tables import TABLES

COLUMN = re.compile(r"^  - name: (\w+)\n(?:   .*\n)*", re.MULTILINE)
ACCEPTED = re.compile(r"^( +attribute: )\[all, .*\]$", re.MULTILINE)


def macros() -> str:
    """The lists that models loop over."""
    reported = [attribute for attribute in ATTRIBUTES if attribute.columns]
    plain = [attribute for attribute in reported if attribute.part == attribute.name and attribute.name != "country"]
    mentioning = [
        table.name for table in TABLES.values() if OWNER in table.columns and table.name != "customer_identifiers"
    ]
    return "\n\n".join(
        (
            _macro("surviving_attributes", "Attributes of a person that one record is chosen for.", _names(ATTRIBUTES)),
            _macro(
                "first_attributes",
                "Those that stand first in the customer tables.",
                _names(one for one in ATTRIBUTES if not one.is_added),
            ),
            _macro(
                "added_attributes", "Those that were added, behind.", _names(one for one in ATTRIBUTES if one.is_added)
            ),
            _macro("reported_attributes", "Those that records report; the others are identifiers.", _names(reported)),
            _macro(
                "attribute_parts",
                "Parts of a person that are reported, and survive, together.",
                [*dict.fromkeys(one.part for one in reported)],
            ),
            _macro("name_attributes", "Attributes of the name.", _names(one for one in reported if one.part == "name")),
            _macro(
                "place_attributes",
                "Attributes of the place within its country.",
                _names(one for one in reported if one.part == "place"),
            ),
            _macro(
                "single_attributes",
                "Those that survive each by itself.",
                _names(one for one in ATTRIBUTES if one.part not in ("name", "place")),
            ),
            _macro("plain_attributes", "Those that are a part of their own.", _names(plain)),
            _macro(
                "attribute_columns",
                "Columns of staging that report attributes.",
                [name for one in reported for name in one.columns],
            ),
            _macro(
                "mentioning_tables", "Tables of staging with rows that belong to a record, or to a contact.", mentioning
            ),
        )
    )


def with_columns(text: str) -> str:
    """The YAML of a customer table with the attributes as they are declared, each group where it stands."""
    names = set(_names(ATTRIBUTES))
    kept = COLUMN.sub(lambda found: "" if found[1] in names else found[0], text)
    kept = _after(kept, "customer_id", [one for one in ATTRIBUTES if not one.is_added])
    last = "is_current" if re.search(r"^ +- name: is_current$", kept, re.MULTILINE) else "is_deleted"
    return _after(kept, last, [one for one in ATTRIBUTES if one.is_added])


def with_accepted(text: str) -> str:
    """The YAML of the seeds, with every attribute accepted that a source may be believed in."""
    return ACCEPTED.sub(lambda found: f"{found[1]}[{', '.join(('all', *_names(ATTRIBUTES)))}]", text)


def _names(attributes: Iterable[Attribute]) -> list[str]:
    return [attribute.name for attribute in attributes]


def _macro(name: str, meaning: str, names: list[str]) -> str:
    listed = ", ".join(f'"{one}"' for one in names)
    return f"-- {meaning}\n{{% macro {name}() -%}} {{{{ return([{listed}]) }}}} {{%- endmacro %}}"


def _after(text: str, name: str, attributes: list[Attribute]) -> str:
    """The text with the attributes behind the column of that name."""
    behind = next(found.end() for found in COLUMN.finditer(text) if found[1] == name)
    return text[:behind] + "".join(map(_column, attributes)) + text[behind:]


def _column(attribute: Attribute) -> str:
    kind = DUCKDB_TYPES[attribute.kind].lower()
    personal = "    config:\n      meta:\n        personal: true\n" if attribute.personal else ""
    described = yaml.safe_dump({"description": attribute.description}, allow_unicode=True, width=1000)
    return f"  - name: {attribute.name}\n    {described}    data_type: {kind}\n{personal}"
