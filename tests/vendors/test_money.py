"""Every money column that a vendor fills, in a currency without decimals, with two and with three: the amount in major units, and the right code.

A case states one amount in all money fields of a record; `docs/money.md` says which those are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from orchestration.money_fields import money_fields
from orchestration.vendors import discover
from tests.vendors.harness import normalise

AMOUNTS = {"JPY": "1234", "EUR": "12.34", "KWD": "1.234"}
# Vendors of which every money column has a case.
COVERED: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A record with one amount, as the vendor would state it, in each of its money fields.

    `fills` are the money columns that the amount must come out of, by table. `scale` is by how much the vendor's number is greater than the amount;
    `is_named` says that the record names its currency, which else is the account's.
    """

    vendor: str
    stream: str
    dialect: str
    record: Callable[[str, Any], Mapping[str, Any]]
    fills: Mapping[str, tuple[str, ...]]
    scale: Callable[[str], int] = lambda code: 1
    is_named: bool = True
    account: Mapping[str, str] = field(default_factory=dict)


CASES: tuple[Case, ...] = ()


@pytest.mark.parametrize("code", AMOUNTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.dialect)
def test_an_amount_comes_out_in_major_units_and_its_own_currency(case: Case, code: str) -> None:
    amount = Decimal(AMOUNTS[code])
    account = {**case.account} if case.is_named else {"default_currency": code, **case.account}
    outcome = normalise(case.vendor, case.stream, [case.record(code, format(amount * case.scale(code), "f"))], **account)
    assert (outcome.rejects, outcome.dialects) == ([], {case.dialect: 1})
    read = {(f"{table}.{column}", row[column], row["currency"]) for table, columns in case.fills.items() for row in outcome.rows(table) for column in columns}
    assert read == {(f"{table}.{column}", amount, code) for table, columns in case.fills.items() for column in columns}


@pytest.mark.parametrize("vendor", COVERED)
def test_every_money_column_of_the_vendor_has_a_case(vendor: str) -> None:
    filled = {(found.dialect, found.column) for found in money_fields(discover()[vendor])}
    tried = {(case.dialect, f"{table}.{column}") for case in CASES for table, columns in case.fills.items() for column in columns}
    assert filled - tried == set()
