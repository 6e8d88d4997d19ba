"""What vendors were given and what Dagster remembers: the first is handed over and forgotten, the second never knew anybody."""

import dagster as dg
import pytest

from orchestration import definitions
from orchestration.activation import erasure as activation_erasure
from orchestration.activation import targets
from orchestration.config.settings import Settings
from orchestration.privacy import erasing
from tests.privacy.conftest import c360
from tests.support import canary

pytestmark = pytest.mark.slow

TARGETS = '[targets.omnisend]\nvendor = "omnisend"\n[targets.ometria]\nvendor = "ometria"\n'


def test_nothing_is_left_in_what_was_given_back_and_nothing_stood_in_the_store_of_dagster(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.config / targets.FILE).write_text(TARGETS, encoding="utf-8")
    assert c360(settings, "activate", "--yes").returncode == 0
    given = [name for name in canary.found_in_files(settings.data / "activation") if name.endswith(".json")]
    assert given
    # A file that is named after the person, loaded by a run of Dagster's.
    path = settings.landing / "omnisend" / "contacts" / canary.LATER / f"contacts-of-{canary.EMAIL}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('[{"contactID": "' + canary.IDS["omnisend"] + '", "email": "' + canary.EMAIL + '"}, {"email": 7}]', encoding="utf-8")  # fmt: skip
    monkeypatch.setenv("C360_DATA", str(settings.data))
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.local_temp(str(settings.dagster_home)) as instance:
        job = definitions.definitions.load_fn().resolve_job_def("nightly")
        assert job.execute_in_process(instance=instance, raise_on_error=False).success
    assert list(settings.dagster_home.rglob("*.db"))
    assert canary.found_in_files(settings.internal) == {}

    done = c360(settings, "forget", "--email", canary.EMAIL, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    [receipt] = erasing.receipts(settings)
    assert receipt["requests_to_vendors"] == 2 and receipt["records_given_back"] >= 2
    left = canary.found_in_files(settings.data)
    asked = activation_erasure.requests(settings)
    # What the vendors are to be asked names whom, until they were.
    assert left.keys() == {str(path.relative_to(settings.data)) for path in asked}
    assert c360(settings, "erasures", "--asked", receipt["erasure"]).returncode == 0
    assert canary.found_in_files(settings.data) == {}
    assert c360(settings, "erasures", "--asked", receipt["erasure"]).returncode == 2
