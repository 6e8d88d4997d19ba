"""Giving back as a part of the nightly run: after publishing, from the command line and in Dagster, and never in its way."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.activation import activate, activation_log, receipts
from orchestration.activation.receipts import Receipt
from orchestration.cli import main, status
from orchestration.config.settings import Settings
from orchestration.defs.activation_assets import activation_assets
from tests.activation.conftest import configure, run
from tests.support.activation_world import AS_OF, everywhere, publish

PEOPLE = [everywhere(f"p{number:02}") for number in range(25)]
ONE = '[targets.news-letter]\nvendor = "omnisend"\n'


def test_without_a_target_a_run_gives_nothing_back(settings: Settings) -> None:
    (settings.config / "activation.toml").unlink()
    assert activate.after_publishing(settings) == ([], False)
    assert activation_assets(settings) == []


def test_a_run_writes_what_changed_and_waits_where_a_person_should_look(settings: Settings) -> None:
    configure(settings, ONE)
    publish(settings, PEOPLE)
    [line], needs_look = activate.after_publishing(settings)
    assert "first time" in line and not needs_look
    run(settings, "news-letter")
    publish(settings, PEOPLE[:24], as_of=AS_OF + timedelta(days=1))
    assert activate.after_publishing(settings) == (
        ["news-letter: Written to activation/omnisend/default/2026-03-05."],
        False,
    )
    publish(settings, PEOPLE[:3], as_of=AS_OF + timedelta(days=2))
    [line], needs_look = activate.after_publishing(settings)
    assert "most_leaving_share" in line and needs_look


@pytest.mark.parametrize("text", ["[targets.a\n", '[targets.a]\nvendor = "omnisend"\nsegments = ["none such"]\n'])
def test_a_wrong_configuration_is_reported_and_fails_no_run(settings: Settings, text: str) -> None:
    configure(settings, text)
    publish(settings, PEOPLE)
    [line], needs_look = activate.after_publishing(settings)
    assert needs_look and ("TOML" in line or "none such" in line)


def test_an_asset_per_target_writes_what_the_command_writes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, ONE)
    publish(settings, PEOPLE)
    run(settings, "news-letter")
    publish(settings, [*PEOPLE, everywhere("new")], as_of=AS_OF + timedelta(days=1))
    monkeypatch.setenv("C360_DATA", str(settings.data))
    [asset] = activation_assets(settings)
    assert asset.key == dg.AssetKey(["activation", "news_letter"])
    result = dg.materialize([asset])
    [materialized] = result.asset_materializations_for_node(asset.op.name)
    facts = {name: value.value for name, value in materialized.metadata.items()}
    assert (facts["new"], facts["unchanged"]) == (1, len(PEOPLE))
    assert (settings.data / str(facts["folder"]) / "manifest.json").exists()
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_the_asset_of_a_wrong_configuration_says_why(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(settings, '[targets.a]\nvendor = "klaviyo"\n')
    monkeypatch.setenv("C360_DATA", str(settings.data))
    [asset] = activation_assets(settings)
    with pytest.raises(dg.Failure, match="is none of"):
        dg.materialize([asset])


def test_the_command_shows_counts_and_names_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(settings, ONE)
    publish(settings, [*PEOPLE, everywhere("canary", says="opt_out")])
    monkeypatch.setenv("C360_DATA", str(settings.data))
    assert main.main(["activate"]) == 0
    assert main.main(["activate", "--target", "news-letter", "--yes"]) == 0
    assert main.main(["activate", "--json"]) == 0
    reported = "".join(capsys.readouterr())
    assert "Written to activation/omnisend/default/2026-03-04." in reported and "consent" in reported
    assert "@" not in reported.replace("omnisend@", "") and "example.com" not in reported


def test_profiles_are_exported_by_the_command(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, PEOPLE)
    monkeypatch.setenv("C360_DATA", str(settings.data))
    assert main.main(["export-profiles", "--out", str(tmp_path / "profiles.ndjson")]) == 0
    assert len((tmp_path / "profiles.ndjson").read_text(encoding="utf-8").splitlines()) == len(PEOPLE)
    assert main.main(["export-profiles", "--out", str(tmp_path / "none such" / "profiles.ndjson")]) == 2


def test_a_vendor_s_plain_folder_may_have_a_name_and_an_account_without_records_is_reported(settings: Settings) -> None:
    named = replace(settings, accounts={("omnisend", "shop-1"): {}})
    configure(settings, ONE)
    publish(named, PEOPLE, account="shop-1")
    assert run(named, "news-letter").plan.counts["new"] == len(PEOPLE)
    [line], _ = activate.after_publishing(replace(settings, data=other(settings)))
    assert "no record of omnisend" in line


def other(settings: Settings) -> Path:
    """An installation of the same targets in which nobody was delivered."""
    empty = replace(settings, data=settings.data.parent / "empty")
    configure(empty, ONE)
    publish(empty, [])
    return empty.data


def test_status_shows_where_every_target_stands(settings: Settings) -> None:
    configure(settings, ONE)
    assert status.look(settings).given_back == ("news-letter: nothing yet",)
    configure(settings, "[targets.a\n")
    assert "TOML" in status.look(settings).given_back[0]


def test_a_target_stands_where_its_folders_and_receipts_say(settings: Settings) -> None:
    configure(settings, ONE)
    publish(settings, PEOPLE)
    run(settings, "news-letter")
    assert [str(one) for one in activation_log.standings(settings)] == [
        "news-letter: last 2026-03-04; 1 body without an answer"
    ]
    receipts.append(
        settings.data / "activation/omnisend/default",
        Receipt("2026-03-04", "upsert-00001.json", "delivered", 25, failed={"email:a": "no"}),
    )
    assert [str(one) for one in activation_log.standings(settings)] == [
        "news-letter: last 2026-03-04; 1 record to be written again"
    ]


def test_a_mistake_in_one_target_is_reported_before_anything_is_written_for_another(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(settings, f'{ONE}[targets.second]\nvendor = "ometria"\nsegments = ["none such"]\n')
    publish(settings, PEOPLE)
    monkeypatch.setenv("C360_DATA", str(settings.data))
    assert main.main(["activate", "--yes"]) == 2
    assert "none such" in capsys.readouterr().err
    assert not list((settings.data / "activation").rglob("*.json"))
