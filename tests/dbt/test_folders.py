"""The folders of the models run one way: what a folder holds rests on its own models and on folders before it. Every model says what it holds."""

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import Any

import pytest

from orchestration.config.settings import Settings
from orchestration.transformation import dbt_project


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every model, with those that are steps of others."""
    nodes = dbt_project.parsed(Settings(data=tmp_path_factory.mktemp("project") / "data")).nodes
    return {key: node for key, node in nodes.items() if node.resource_type == "model"}


def test_no_two_folders_rest_on_each_other(models: dict[str, Any]) -> None:
    folder = {key: str(PurePosixPath(node.path).parent) for key, node in models.items()}
    rests_on: dict[str, set[str]] = defaultdict(set)
    for key, place in folder.items():
        rests_on[place] |= {folder[used] for used in models[key].depends_on.nodes if used in folder} - {place}
    try:
        order = list(TopologicalSorter(rests_on).static_order())
    except CycleError as error:
        pytest.fail(f"Folders that rest on each other: {' -> '.join(error.args[1])}")
    assert len(order) == len(set(folder.values())) > 15


def test_every_model_states_its_grain_first_and_is_described(models: dict[str, Any]) -> None:
    silent = {node.name for node in models.values() if not node.raw_code.startswith(("-- Grain: ", '"""Grain: '))}
    undescribed = {node.name for node in models.values() if not node.description}
    assert (silent, undescribed) == (set(), set())
