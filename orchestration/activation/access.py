"""What was given back to the vendors of one person, as the folders of the targets hold it."""

import json
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

from orchestration.activation import outbox, plan
from orchestration.activation.channels import discover
from orchestration.config.settings import Settings

_MINE = f"""
select * from read_parquet($1)
where list_contains($2, customer_id) or list_has_any({outbox.KNOWN_BY}, $3)
order by kind, key
"""


def given_back(settings: Settings, customer_ids: Collection[str], values: Collection[str]) -> Iterator[dict[str, Any]]:
    """Every record that was written of the person for a vendor, oldest first; `values` are identifiers as vendors hold
    them, `outbox.of_account` where only one of them does."""
    roots = [root for root in sorted((settings.data / "activation").glob("*/*/")) if root.parent.name in discover()]
    with duckdb.connect(":memory:", config=settings.duckdb_config) as con:
        for root in roots:
            account = plan.source_account(settings, root.parent.name, root.name)
            known = list(outbox.spellings(values, root.parent.name, account))
            for folder in outbox.written(root):
                found = con.execute(_MINE, [str(folder.folder / outbox.RECORDS), list(customer_ids), known])
                names = [column[0] for column in found.description or []]
                for row in found.fetchall():
                    reported = dict(zip(names, row, strict=True))
                    yield {
                        "vendor": root.parent.name,
                        "account": root.name,
                        "night": folder.name,
                        **{name: _plain(value) for name, value in reported.items() if value is not None},
                    }


def _plain(value: Any) -> Any:
    """Objects that stand as texts as what they are."""
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except ValueError:
        return value
