"""The installations of the suite: each test module lands what it asks about, then one run loads it all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import (
    test_absurd_records,
    test_configuration,
    test_figures,
    test_orders,
    test_people,
    test_records,
    test_segments_and_consents,
    test_traps,
)
from tests.support import made_once
from tests.support.installation import Installation, Outcome

WORLD = (
    test_absurd_records,
    test_orders,
    test_people,
    test_segments_and_consents,
    test_figures,
    test_records,
    test_traps,
)


@pytest.fixture(scope="session")
def world_run(shared: Path) -> tuple[Installation, Outcome]:
    def land(installation: Installation) -> None:
        for module in WORLD:
            module.land(installation)

    return made_once.installation(shared, "world", land)


@pytest.fixture(scope="session")
def world(world_run: tuple[Installation, Outcome]) -> Installation:
    """An installation without any configuration."""
    installation, outcome = world_run
    assert (installation.data / "warehouse.duckdb").exists(), outcome.said
    return installation


@pytest.fixture(scope="session")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with accounts, settings and seeds of its own."""
    installation = Installation(tmp_path_factory.mktemp("configured"))
    test_configuration.land(installation)
    outcome = installation.c360("run")
    assert outcome.exit_code == 0, outcome.said
    return installation


@pytest.fixture(scope="session")
def samples(samples_run: tuple[Installation, Outcome]) -> Installation:
    return samples_run[0]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An empty installation."""
    data = tmp_path / "own"
    (data / "landing").mkdir(parents=True)
    return Installation(data)
