"""The folders of the models run one way: what a folder holds rests on its own models and on folders before it."""

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

import pytest

from orchestration.config.settings import Settings
from orchestration.transformation import dbt_project


def test_no_two_folders_rest_on_each_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    nodes = dbt_project.parsed(Settings(data=tmp_path_factory.mktemp("project") / "data")).nodes
    folder = {key: str(PurePosixPath(node.path).parent) for key, node in nodes.items() if node.resource_type == "model"}
    rests_on: dict[str, set[str]] = defaultdict(set)
    for key, place in folder.items():
        rests_on[place] |= {folder[used] for used in nodes[key].depends_on.nodes if used in folder} - {place}
    try:
        order = list(TopologicalSorter(rests_on).static_order())
    except CycleError as error:
        pytest.fail(f"Folders that rest on each other: {' -> '.join(error.args[1])}")
    assert len(order) == len(set(folder.values())) > 15
