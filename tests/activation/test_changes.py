"""Only what changed is written, and nothing is written that a person should look at first."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestration.config.settings import Settings
from tests.activation.conftest import NAMES, bodies, configure, lines, run
from tests.support.activation_world import AS_OF, Person, everywhere, publish

NEXT = AS_OF + timedelta(days=1)
PEOPLE = [everywhere(f"p{number:02}") for number in range(30)]


def with_change(people: list[Person], *places: int, **values: object) -> list[Person]:
    return [replace(person, **values) if place in places else person for place, person in enumerate(people)]


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_what_was_written_is_not_written_again_however_the_warehouse_was_rebuilt(
    settings: Settings, vendor: str
) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, NAMES[vendor])
    publish(settings, reversed(PEOPLE), segments=("vip",), run_id="another", as_of=NEXT)
    outcome = run(settings, NAMES[vendor], is_confirmed=False)
    assert outcome.folder is None
    assert outcome.plan.counts["unchanged"] == len(PEOPLE)


def test_one_changed_figure_writes_one_record_and_is_shown_with_both_values(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "voucherify")
    publish(settings, with_change(PEOPLE, 4, revenue=Decimal("120.00")), segments=("vip",), as_of=NEXT)
    outcome = run(settings, "voucherify", is_confirmed=False)
    [[record]] = bodies(settings, outcome)
    assert record["source_id"] == "shop-p04"
    assert {shown.field: (str(shown.before), str(shown.after)) for shown in outcome.plan.examples} == {
        "c360_revenue": ("99.17", "120.00"),
        "c360_aov": ("49.59", "60.00"),
    }


def test_a_score_that_fades_is_written_only_when_it_has_moved_by_the_step(settings: Settings) -> None:
    written = []
    for day, score in enumerate((50.0, 48.0, 46.0, 44.0, 42.0)):
        publish(settings, [everywhere("ana", engagement=score)], segments=("vip",), as_of=AS_OF + timedelta(days=day))
        outcome = run(settings, "voucherify")
        written += [
            body[0]["metadata"]["c360_engagement"] for body in (bodies(settings, outcome) if outcome.folder else [])
        ]
    assert written == [50.0, 44.0]


def test_a_value_that_holds_no_more_is_written_empty_once(settings: Settings) -> None:
    publish(settings, PEOPLE[:1], segments=("vip",))
    run(settings, "voucherify")
    without = with_change(PEOPLE[:1], 0, revenue=None, orders=0)
    publish(settings, without, segments=("vip",), as_of=NEXT)
    [[record]] = bodies(settings, run(settings, "voucherify"))
    empty = {name: record["metadata"][f"c360_{name}"] for name in ("aov", "rfm", "first_order")}
    assert empty == {"aov": 0, "rfm": "", "first_order": "1970-01-01T00:00:00Z"}
    assert run(settings, "voucherify").folder is None


def test_the_first_time_is_a_dry_run_until_it_is_confirmed(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    outcome = run(settings, "odp", is_confirmed=False)
    assert outcome.folder is None and outcome.waits is not None
    assert outcome.plan.counts["new"] == len(PEOPLE)
    assert not list((settings.data / "activation").rglob("*.json"))


def test_a_dry_run_leaves_everything_as_it_is(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "odp")
    before = {path: path.read_bytes() for path in (settings.data / "activation").rglob("*") if path.is_file()}
    publish(settings, with_change(PEOPLE, 1, revenue=Decimal("5.00")), segments=("vip",), as_of=NEXT)
    assert run(settings, "odp", is_dry=True).plan.counts["changed"] == 1
    assert before == {path: path.read_bytes() for path in (settings.data / "activation").rglob("*") if path.is_file()}


def test_a_full_run_writes_every_record_once_more(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "omnisend")
    outcome = run(settings, "omnisend", is_full=True)
    assert outcome.folder is not None and outcome.folder.endswith("-2")
    assert len(bodies(settings, outcome, "upsert")[0]["items"]) == len(PEOPLE)


def test_another_mapping_writes_every_record_once_and_waits_for_a_person(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "odp")
    configure(settings, '[targets.odp]\nvendor = "optimizely"\nvalues = ["revenue", "aov"]\n')
    assert run(settings, "odp", is_confirmed=False).waits
    outcome = run(settings, "odp")
    [body] = bodies(settings, outcome)
    assert len(body) == len(PEOPLE)
    assert body[0]["attributes"]["c360_stage"] == "" and body[0]["attributes"]["c360_seg_vip"] is False
    assert run(settings, "odp", is_confirmed=False).folder is None


def test_a_source_that_is_suddenly_empty_stops_the_target(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "odp")
    publish(settings, PEOPLE[:3], segments=("vip",), as_of=NEXT)
    outcome = run(settings, "odp", is_confirmed=False)
    assert outcome.folder is None and "most_leaving_share" in str(outcome.waits)


def test_unusually_many_changes_stop_the_target(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "odp")
    publish(settings, with_change(PEOPLE, *range(20), revenue=Decimal("1.00")), segments=("vip",), as_of=NEXT)
    assert "most_changed_share" in str(run(settings, "odp", is_confirmed=False).waits)
    assert run(settings, "odp").folder is not None


def test_a_record_that_the_vendor_no_longer_holds_is_forgotten_and_sent_nothing(settings: Settings) -> None:
    publish(settings, PEOPLE[:2], segments=("vip",))
    run(settings, "odp")
    publish(settings, PEOPLE[:1], segments=("vip",), as_of=NEXT)
    outcome = run(settings, "odp")
    assert outcome.plan.counts["gone"] == 1 and bodies(settings, outcome) == []
    assert run(settings, "odp").folder is None
    publish(settings, PEOPLE[:2], segments=("vip",), as_of=NEXT + timedelta(days=1))
    assert run(settings, "odp").plan.counts["new"] == 1


def test_same_inputs_give_the_same_bytes(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    first = run(settings, "omnisend")
    folder = settings.data / str(first.folder)
    written = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".parquet"}
    shutil.rmtree(settings.data / "activation")
    run(settings, "omnisend")
    assert written == {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".parquet"}


def test_a_lost_state_is_read_from_the_folders_again(settings: Settings) -> None:
    for day, revenue in enumerate(("1.00", "2.00", "3.00")):
        publish(
            settings,
            with_change(PEOPLE, day, revenue=Decimal(revenue)),
            segments=("vip",),
            as_of=AS_OF + timedelta(days=day),
        )
        run(settings, "odp")
    (settings.data / "activation/optimizely/default/state.parquet").unlink()
    assert run(settings, "odp").plan.counts["unchanged"] == len(PEOPLE)
    (settings.data / "activation/optimizely/default/state.parquet").write_bytes(b"cut")
    assert run(settings, "odp").plan.counts["unchanged"] == len(PEOPLE)


def test_segments_of_omnisend_are_tags_that_are_added_and_removed(settings: Settings) -> None:
    vip = with_change(PEOPLE[:3], 0, 1, segments=("vip",))
    publish(settings, vip, segments=("vip",))
    added = bodies(settings, run(settings, "omnisend"), "tags-add")
    assert added == [{"emails": ["P00@example.com", "P01@example.com"], "tags": ["c360_vip"]}]
    publish(settings, with_change(vip, 0, segments=()), segments=("vip",), as_of=NEXT)
    outcome = run(settings, "omnisend")
    assert bodies(settings, outcome, "tags-remove") == [{"emails": ["P00@example.com"], "tags": ["c360_vip"]}]
    manifest = json.loads((settings.data / str(outcome.folder) / "manifest.json").read_bytes())
    assert {found["method"] for found in manifest["files"] if found["file"].startswith("tags-remove")} == {"DELETE"}


def test_every_record_is_written_unchanged_or_rejected_with_a_reason(settings: Settings) -> None:
    keyless = everywhere("nokey", records={"voucherify": {"email": "nokey@example.com"}})
    publish(settings, [*PEOPLE, keyless, everywhere("no", says="opt_out")], segments=("vip",))
    outcome = run(settings, "voucherify")
    assert dict(outcome.plan.rejected) == {"no_vendor_key": 1, "consent": 1}
    rejects = lines(settings.data / str(outcome.folder) / "rejects.ndjson")
    assert sorted(reject["reason_code"] for reject in rejects) == ["consent", "no_vendor_key"]
    assert outcome.plan.counts["new"] + len(rejects) == len(PEOPLE) + 2


def test_two_records_of_one_person_are_written_with_equal_values(settings: Settings) -> None:
    ana = everywhere("ana", records={"voucherify": {"customer_id": "1"}, "voucherify+": {"customer_id": "2"}})
    publish(settings, [ana], segments=("vip",))
    [[one, other]] = bodies(settings, run(settings, "voucherify"))
    assert (one["source_id"], other["source_id"]) == ("1", "2")
    assert one["metadata"] == other["metadata"]


def test_two_people_who_turn_out_to_be_one_are_written_anew_and_nothing_is_merged_at_the_vendor(
    settings: Settings,
) -> None:
    ana, anna = (everywhere(name, records={"voucherify": {"customer_id": name}}) for name in ("ana", "anna"))
    publish(settings, [ana, anna], segments=("vip",))
    run(settings, "voucherify")
    publish(
        settings,
        [
            replace(
                ana, orders=4, records={"voucherify": {"customer_id": "ana"}, "voucherify+": {"customer_id": "anna"}}
            )
        ],
        segments=("vip",),
        as_of=NEXT,
    )
    [[one, other]] = bodies(settings, run(settings, "voucherify"))
    assert (one["source_id"], other["source_id"]) == ("ana", "anna")
    assert one["metadata"] == other["metadata"] and one["metadata"]["c360_customer_id"] == "person-ana"


def test_figures_of_an_earlier_day_are_written_after_those_that_were_written_last(settings: Settings) -> None:
    """A warehouse as of an earlier day."""
    for revenue, as_of in (("3.00", NEXT), ("1.00", AS_OF)):
        publish(settings, with_change(PEOPLE, 0, revenue=Decimal(revenue)), segments=("vip",), as_of=as_of)
        outcome = run(settings, "voucherify")
    assert outcome.folder == "activation/voucherify/default/2026-03-05-2"
    (settings.data / "activation/voucherify/default/state.parquet").unlink()
    assert run(settings, "voucherify", is_confirmed=False).folder is None


def renamed(address: str, **values: Any) -> Person:
    return everywhere("ana", records={"omnisend": {"email": address}}, **values)


def test_a_contact_that_has_another_address_today_is_the_same_contact(settings: Settings) -> None:
    publish(settings, [renamed("old@example.com", segments=("vip",))], segments=("vip",))
    run(settings, "omnisend")
    publish(settings, [renamed("new@example.com", orders=0, revenue=None)], segments=("vip",), as_of=NEXT)
    outcome = run(settings, "omnisend")
    assert bodies(settings, outcome, "tags-remove") == [{"emails": ["new@example.com"], "tags": ["c360_vip"]}]
    [body] = bodies(settings, outcome, "upsert")
    assert body["items"][0]["customProperties"]["c360_aov"] == 0
    assert run(settings, "omnisend").folder is None


def test_a_contact_with_another_address_that_takes_the_yes_back_is_cleared(settings: Settings) -> None:
    publish(settings, [renamed("old@example.com", segments=("vip",))], segments=("vip",))
    run(settings, "omnisend")
    publish(settings, [renamed("new@example.com", says="opt_out")], segments=("vip",), as_of=NEXT)
    outcome = run(settings, "omnisend")
    assert bodies(settings, outcome, "tags-remove") == [{"emails": ["new@example.com"], "tags": ["c360_vip"]}]
    assert outcome.plan.counts["cleared"] == 1
    assert run(settings, "omnisend").folder is None


def test_who_comes_back_is_reported_with_the_score_of_now_however_little_it_is(settings: Settings) -> None:
    for day, (says, score) in enumerate((("opt_in", 3.0), ("opt_out", 3.0), ("opt_in", 3.0))):
        person = everywhere("ana", says=says, engagement=score)
        publish(settings, [person], segments=("vip",), as_of=AS_OF + timedelta(days=day))
        outcome = run(settings, "voucherify")
    [[record]] = bodies(settings, outcome)
    assert record["metadata"]["c360_engagement"] == 3.0


def test_a_score_that_goes_to_and_fro_around_a_step_is_not_written_every_day(settings: Settings) -> None:
    for day, score in enumerate((50.0, 54.9, 50.1, 55.0, 50.1, 54.0)):
        publish(settings, [everywhere("ana", engagement=score)], segments=("vip",), as_of=AS_OF + timedelta(days=day))
        run(settings, "voucherify")
    written = [
        json.loads(path.read_bytes())[0]["metadata"]["c360_engagement"]
        for path in sorted((settings.data / "activation/voucherify/default").glob("*/upsert-00001.json"))
    ]
    assert written == [50.0, 55.0]


def at_voucherify(name: str, *keys: str, **values: Any) -> Person:
    records = {"voucherify" + "+" * place: {"customer_id": key} for place, key in enumerate(keys)}
    return everywhere(name, records=records, **values)


def test_two_who_turn_out_to_be_one_and_one_who_turns_out_to_be_two_get_new_values(settings: Settings) -> None:
    apart = [
        at_voucherify("ana", "shop-1", revenue=Decimal("1.00")),
        at_voucherify("bo", "shop-2", revenue=Decimal("2.00"), says="opt_out"),
    ]
    together = [at_voucherify("ana", "shop-1", "shop-2", revenue=Decimal("3.00"))]
    reported = []
    for day, people in enumerate((apart, together, apart)):
        publish(settings, people, segments=("vip",), as_of=AS_OF + timedelta(days=day))
        [records] = bodies(settings, run(settings, "voucherify"))
        reported.append({record["source_id"]: record["metadata"]["c360_revenue"] for record in records})
    assert reported == [{"shop-1": 1.0}, {"shop-1": 3.0, "shop-2": 3.0}, {"shop-1": 1.0, "shop-2": 0}]
    assert run(settings, "voucherify").folder is None
