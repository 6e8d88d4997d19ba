"""The switch that writes golden files anew, and a test per golden case."""

import pytest

from tests.support.goldens import goldens


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write what the vendor modules give now as what they must give"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "golden" in metafunc.fixturenames:
        cases = goldens()
        metafunc.parametrize("golden", cases, ids=[f"{case.vendor}-{case.path.stem}" for case in cases])


@pytest.fixture
def update_goldens(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-goldens", default=False))
