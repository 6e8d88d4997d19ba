"""One warehouse for the scenarios of all these folders, for building it takes as long as a hundred of its tests: every module stages rows of its own people, orders and segments."""

import importlib
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support import made_once
from tests.support.paths import PROJECT
from tests.support.warehouse_builder import WarehouseBuilder

AS_OF = date(2024, 3, 1)
RATES = (
    "rate_date,currency,units_per_eur\n2023-12-29,GBP,0.8\n2024-01-02,GBP,0.9\n2023-12-29,JPY,160\n2024-02-01,BRL,5.5\n"
)
SEGMENTS = """segment_id,name,description,predicate
spenders,Spenders,People who spend,total_revenue >= 40 and email like '%@insights.example'
recent,Recent,People who bought of late,order_count_30_days >= 1 and email like '%@insights.example'
gone,Gone,People whom the vendors have deleted,is_deleted
whales,Whales,People who spend as nobody does,total_revenue > 1000000
austrians,Austrians,People who live in Austria,"country = 'AT' and email like '%@movers.example'"
"""

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def warehouse(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> WarehouseBuilder:
    """The warehouse built from the rows of every scenario."""
    made = made_once.folder(shared, "marts", lambda folder: _staged(folder).build())
    return _staged(Path(shutil.copytree(made, tmp_path_factory.mktemp("marts") / "data")))


def _staged(folder: Path) -> WarehouseBuilder:
    builder = WarehouseBuilder(folder, as_of=AS_OF, rules={"fx_rates": RATES, "computed_segments": SEGMENTS})
    for path in sorted((PROJECT / "tests" / "dbt").rglob("test_*.py"), key=lambda path: path.name):
        module = importlib.import_module(".".join(path.relative_to(PROJECT).with_suffix("").parts))
        if hasattr(module, "stage"):
            module.stage(builder)
    return builder


@pytest.fixture
def query(warehouse: WarehouseBuilder) -> Query:
    """Rows of that warehouse."""
    return warehouse.query
