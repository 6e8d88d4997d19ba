"""What commands print for machines is JSON, whatever a query gives."""

import json
import math

import pytest

from orchestration.cli import output


def test_columns_of_one_name_are_all_there(capsys: pytest.CaptureFixture[str]) -> None:
    output.objects(["customer_id", "customer_id", "name"], [("one", "other", "Ana")])
    assert json.loads(capsys.readouterr().out) == [{"customer_id": "one", "customer_id_2": "other", "name": "Ana"}]


def test_a_number_that_json_has_none_for_is_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    output.objects(["a", "b", "c"], [(math.nan, -math.inf, 1.5)])
    assert capsys.readouterr().out == '[{"a": "nan", "b": "-inf", "c": 1.5}]\n'
