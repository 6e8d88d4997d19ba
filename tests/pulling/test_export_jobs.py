"""Export jobs: started once, waited for, and their files landed as they were laid out, or not at all."""

import gzip
from pathlib import Path

import pytest

from orchestration.landing import landing_zone
from orchestration.pulling import export
from orchestration.vendors import discover
from tests.pulling.conftest import Installation
from tests.support.http_server import Response, answer
from tests.support.vendor_servers import SECRET, Optimizely


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "FIRST_POLL", 0.001)


def connected(installation: Installation, *segments: str) -> Optimizely:
    vendor = Optimizely()
    installation.connect("optimizely", vendor, "segments", segments=list(segments or ["spring_buyers"]))
    return vendor


def landed(installation: Installation) -> list[Path]:
    return installation.files("optimizely", "segments")


def test_the_file_lands_byte_for_byte_under_the_name_the_vendor_gave_it(installation: Installation) -> None:
    vendor = connected(installation)
    (outcome,) = installation.pull()
    assert outcome.is_done and outcome.rows == 7
    assert [path.name for path in landed(installation)] == ["spring_buyers_0_0_0.csv.gz"]
    assert landed(installation)[0].read_bytes() == vendor.file


def test_the_product_reads_the_segment_from_that_name(installation: Installation) -> None:
    connected(installation)
    installation.pull()
    (file,) = landing_zone.scan(installation.settings).files
    pattern = discover()["optimizely"].streams["segments"].file_value
    assert pattern and landing_zone.value_in_name(pattern, file.path.name) == "spring_buyers" and not file.is_full


def test_every_segment_is_a_job_of_its_own(installation: Installation) -> None:
    vendor = connected(installation, "spring_buyers", "lapsed")
    assert [outcome.name for outcome in installation.pull()] == [
        "optimizely/segments (spring_buyers)",
        "optimizely/segments (lapsed)",
    ]
    assert vendor.jobs == ["spring_buyers", "lapsed"] and len(landed(installation)) == 2


def test_a_vendor_that_is_still_exporting_is_waited_for(installation: Installation) -> None:
    vendor = connected(installation)
    vendor.busy = 2
    assert installation.pull()[0].is_done and vendor.jobs == ["spring_buyers"]


@pytest.mark.parametrize("state", ["completed_with_errors", "failed", "a phrase for anna.canary@example.com"])
def test_a_job_that_ends_badly_lands_nothing_and_the_next_pull_starts_another(
    installation: Installation, state: str
) -> None:
    vendor = connected(installation)
    vendor.states = ["running", state]
    (outcome,) = installation.pull()
    assert (
        not outcome.is_done
        and "ended as" in outcome.problem
        and "anna" not in outcome.problem
        and not landed(installation)
    )
    vendor.states = ["completed"]
    assert installation.pull()[0].is_done and len(vendor.jobs) == 2


def test_a_pull_that_stopped_asks_after_the_same_job(installation: Installation) -> None:
    vendor = connected(installation)
    installation.servers["optimizely"].failures = [None, None, *[Response(503)] * 4]
    assert not installation.pull()[0].is_done
    assert installation.pull()[0].is_done and vendor.jobs == ["spring_buyers"]


def test_a_file_that_breaks_off_is_fetched_again_and_leaves_nothing_behind(installation: Installation) -> None:
    vendor = connected(installation)
    vendor.states = ["completed"]
    installation.servers["optimizely"].failures = [None, None, Response(200, vendor.file[:5], cut=9)]
    assert installation.pull()[0].is_done
    assert [path.read_bytes() for path in landed(installation)] == [vendor.file]


def test_an_address_that_has_expired_is_reported_without_the_address(installation: Installation) -> None:
    connected(installation).states = ["completed"]
    installation.servers["optimizely"].failures = [None, None, Response(403, b"<Error>expired</Error>")]
    (outcome,) = installation.pull()
    assert not outcome.is_done and SECRET not in outcome.problem and not landed(installation)


def test_a_file_with_fewer_records_than_the_vendor_counts_is_reported(installation: Installation) -> None:
    vendor = connected(installation)
    vendor.file = gzip.compress(b"email\na@example.com\n")
    (outcome,) = installation.pull()
    assert "counts 7 records, its files hold 1" in outcome.problem and len(landed(installation)) == 1


def test_a_name_that_leads_out_of_the_folder_stays_inside(installation: Installation) -> None:
    vendor = connected(installation)
    vendor.states = ["completed"]
    vendor._start = lambda _: (vendor.jobs.append("..%2F..%2Fescaped"), Response(201, b'{"id": "job-1"}'))[1]
    installation.pull()
    assert all(
        path.is_relative_to(installation.settings.landing / "optimizely" / "segments")
        for path in installation.settings.data.rglob("*escaped*")
    )


def test_files_of_one_name_all_land_and_name_their_segment(installation: Installation) -> None:
    vendor = connected(installation)
    address = "{}/files/{}/spring_buyers_0_0_0.csv.gz?X-Amz-Signature={}"
    job = {"id": "job-1", "state": "completed", "exportRowCount": 14}
    addresses = [address.format(vendor.address, part, SECRET) for part in ("a", "b")]
    installation.servers["optimizely"].failures = [None, answer({**job, "presignedUrls": addresses})]
    (outcome,) = installation.pull()
    assert (outcome.problem, outcome.pages, outcome.rows) == ("", 2, 14)
    pattern = discover()["optimizely"].streams["segments"].file_value
    found = landing_zone.scan(installation.settings).files
    assert [landing_zone.value_in_name(str(pattern), file.path.name) for file in found] == ["spring_buyers"] * 2
