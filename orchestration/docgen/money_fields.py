"""The page on money: every amount that a vendor's formats hold, its unit, and where its currency comes from.

Written from the mappings themselves, so that it says what is done; `generate.py` puts it in its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.canonical.tables import TABLES
from orchestration.mapping.expressions import roots
from orchestration.mapping.model import Dialect, Vendor
from orchestration.mapping.selects import Rows
from orchestration.mapping.values import Amount, Value
from orchestration.vendors import discover

INTRODUCTION = """# Money: units and currencies

Every amount that staging holds, by the field it is read from. Staging holds major units with four decimals, exact, beside an ISO 4217 code. *Minor* units
have as many decimals as the currency of their row has by ISO 4217 (yen none, euro two, Kuwaiti dinar three) unless the vendor's paragraph says otherwise.
Where a row names no currency it is the account's (`default_currency` of `accounts.csv`, else the vendor's default); `is_currency_inferred` says so in
`orders`, `order_adjustments` and `redemptions`. Amounts of different currencies are never added: marts convert by the rate of the order's day."""
HEAD = ("dialect", "column", "read from", "unit", "currency from")


@dataclass(frozen=True)
class MoneyField:
    """One money column as one select of a dialect fills it."""

    dialect: str
    column: str
    fields: tuple[str, ...]
    unit: str
    currency: tuple[str, ...]
    """Fields that name it; without any, or where none is filled, it is the account's."""


def money_fields(vendor: Vendor) -> list[MoneyField]:
    """Every money column that the vendor's mappings fill, each form of it once."""
    return list(dict.fromkeys(found for dialect in vendor.dialects for found in _of_dialect(dialect)))


def _of_dialect(dialect: Dialect) -> Iterator[MoneyField]:
    for select in dialect.rows:
        currency = _fields(select, select.columns["currency"]) if "currency" in select.columns else ()
        for name, value in select.columns.items():
            if _is_money(select, name):
                yield MoneyField(
                    dialect.name, f"{select.table}.{name}", _fields(select, value), _unit(select, value), currency
                )


def _is_money(select: Rows, column: str) -> bool:
    if select.table == "vendor_stats":
        return column == "value_num" and "currency" in select.columns and bool(roots(select.columns["currency"]))
    return TABLES[select.table].column(column).kind == "money"


def _unit(select: Rows, value: Value) -> str:
    unit = "minor" if isinstance(value, Amount) and value.unit == "minor" else select.amounts
    return f"{unit}, or as `amount_unit` says" if select.is_amount_unit_inferred else unit


def _fields(select: Rows, value: Value) -> tuple[str, ...]:
    """Paths at the vendor that the value hangs on; those of a list's elements below the list."""
    outer, inner = select.each if isinstance(select.each, tuple) else (select.each, select.each)
    starts = {"at": "", "raw": "", "item": f"{inner}[]." if isinstance(inner, str) else "[].", "parent": f"{outer}[]."}
    starts |= {"item_raw": starts["item"]}
    read = (name.partition(":") for name in roots(value))
    return tuple(sorted({f"{starts[kind]}{path}" for kind, _, path in read if kind in starts and path}))


def page() -> str:
    """The page, vendor by vendor."""
    parts = [INTRODUCTION]
    for vendor in discover().values():
        lines = [
            (
                f"`{found.dialect}`",
                f"`{found.column}`",
                _shown(found.fields),
                found.unit,
                _shown(found.currency) or "the account",
            )
            for found in money_fields(vendor)
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in (HEAD, ("---",) * len(HEAD), *lines))
        parts.append(f"## {vendor.title}\n\n{vendor.money}\n\n{table}")
    return "\n\n".join(parts)


def _shown(fields: tuple[str, ...]) -> str:
    return ", ".join(f"`{field}`" for field in fields)
