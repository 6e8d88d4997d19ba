"""Nobody is subscribed by us, nobody who said no is sent, and a no goes out only as it was said."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from orchestration.activation import activate
from orchestration.config.settings import Settings
from orchestration.publishing import publish as publishing
from orchestration.runtime.errors import OperatorError
from tests.activation.conftest import NAMES, bodies, configure, lines, run
from tests.support.activation_world import AS_OF, SAID, everywhere, keep_as_publication, publish

NEXT = AS_OF + timedelta(days=1)
NO_AT = datetime(2026, 2, 10, 8, 30, tzinfo=UTC)
OPT_OUTS = {
    "optimizely": [
        {
            "identifier_field_name": "email",
            "identifier_value": "no@example.com",
            "consent": False,
            "consent_update_reason": "c360:shop",
            "consent_update_ts": 1770712200,
        }
    ],
    "ometria": [
        {
            "@type": "contact",
            "@collection": "c360",
            "id": "alias-ometria-no",
            "customer_id": "shop-no",
            "email": "no@example.com",
            "marketing_optin": "EXPLICITLY_OPTEDOUT",
            "timestamp_unsubscribed": "2026-02-10T08:30:00Z",
        }
    ],
    "open_delivery": {
        "items": [
            {
                "identifier": {"type": "phone", "value": "+55 11 9999-0002no"},
                "consents": [
                    {
                        "purpose": "marketing",
                        "channel": "email",
                        "status": "revoked",
                        "source": "c360",
                        "revokedAt": "2026-02-10T08:30:00Z",
                    }
                ],
            }
        ]
    },
    "voucherify": [{"source_id": "shop-no", "metadata": {"c360_optout_email": True}}],
    "omnisend": {
        "method": "POST",
        "endpoint": "contacts",
        "items": [
            {
                "identifiers": [
                    {
                        "type": "email",
                        "id": "No@example.com",
                        "channels": {"email": {"status": "unsubscribed", "statusChangedAt": "2026-02-10T08:30:00Z"}},
                    }
                ],
                "sendWelcomeMessage": False,
            }
        ],
    },
}


# What two people stand on at each vendor.
FAMILY = {
    "optimizely": {"email": "family@example.com"},
    "ometria": {"email": "family@example.com"},
    "open_delivery": {"identifier": "phone:+55 11 9999-0001"},
    "voucherify": {"customer_id": "family@example.com"},
    "omnisend": {"email": "family@example.com"},
}


def opting_out(settings: Settings, vendor: str) -> None:
    dialect = 'dialect = "rc2"\n' if vendor == "open_delivery" else ""
    configure(settings, f'[targets.{NAMES[vendor]}]\nvendor = "{vendor}"\nopt_outs = true\n{dialect}')


@pytest.mark.parametrize("says", ["opt_out", "unknown", ""])
@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_only_who_said_yes_is_in_a_marketing_target(settings: Settings, vendor: str, says: str) -> None:
    publish(settings, [everywhere("yes"), everywhere("other", says=says)], segments=("vip",))
    outcome = run(settings, NAMES[vendor])
    reported = json.dumps(bodies(settings, outcome))
    assert "person-yes" in reported and "person-other" not in reported
    assert outcome.plan.rejected == {"consent": 1}


def test_a_service_target_names_everybody(settings: Settings) -> None:
    configure(settings, '[targets.service]\nvendor = "voucherify"\npurpose = "service"\n')
    publish(settings, [everywhere("yes"), everywhere("no", says="opt_out")])
    assert run(settings, "service").plan.counts["new"] == 2


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_who_takes_the_yes_back_is_cleared_once_and_then_left_alone(settings: Settings, vendor: str) -> None:
    ana = everywhere("ana", segments=("vip",))
    publish(settings, [ana], segments=("vip",))
    run(settings, NAMES[vendor])
    publish(settings, [replace(ana, says="opt_out")], segments=("vip",), as_of=NEXT)
    outcome = run(settings, NAMES[vendor])
    reported = json.dumps(bodies(settings, outcome))
    assert outcome.plan.counts["cleared"] == 1
    assert "99.17" not in reported and "person-ana" not in reported and "active" not in reported
    publish(settings, [replace(ana, says="opt_out", orders=7)], segments=("vip",), as_of=NEXT + timedelta(days=1))
    assert run(settings, NAMES[vendor]).folder is None
    publish(settings, [ana], segments=("vip",), as_of=NEXT + timedelta(days=2))
    assert "99.17" in json.dumps(bodies(settings, run(settings, NAMES[vendor])))


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_no_said_elsewhere_goes_out_once_with_the_time_it_was_said(settings: Settings, vendor: str) -> None:
    opting_out(settings, vendor)
    publish(settings, [everywhere("no", refusal=("shop", NO_AT, False))])
    assert bodies(settings, run(settings, NAMES[vendor]), "optouts") == [OPT_OUTS[vendor]]
    assert run(settings, NAMES[vendor]).folder is None


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_no_with_an_inferred_time_is_not_sent(settings: Settings, vendor: str) -> None:
    opting_out(settings, vendor)
    publish(settings, [everywhere("no", refusal=("shop", NO_AT, True))])
    assert run(settings, NAMES[vendor]).plan.opt_outs == 0


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_no_that_is_repeated_later_without_a_time_goes_out_as_it_was_said(settings: Settings, vendor: str) -> None:
    opting_out(settings, vendor)
    publish(settings, [everywhere("no", refusal=("shop", NO_AT, False), repeats_no_undated=True)])
    assert bodies(settings, run(settings, NAMES[vendor]), "optouts") == [OPT_OUTS[vendor]]


def test_a_no_that_a_stated_yes_has_undone_is_not_sent_for_another_without_a_time(settings: Settings) -> None:
    opting_out(settings, "omnisend")
    undone = everywhere("no", refusal=("shop", SAID - timedelta(days=1), False))
    publish(settings, [replace(undone, repeats_no_undated=True)])
    assert run(settings, "omnisend").plan.opt_outs == 0
    # One that holds by itself, for it was forced, is sent.
    publish(settings, [undone])
    assert run(settings, "omnisend").plan.opt_outs == 1


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_vendor_is_not_reported_its_own_no(settings: Settings, vendor: str) -> None:
    opting_out(settings, vendor)
    publish(settings, [everywhere("no", refusal=(vendor, NO_AT, False))])
    assert run(settings, NAMES[vendor]).plan.opt_outs == 0


def test_opt_outs_are_sent_only_where_they_are_asked_for(settings: Settings) -> None:
    publish(settings, [everywhere("no", refusal=("shop", NO_AT, False))], segments=("vip",))
    assert run(settings, "omnisend").folder is None


@pytest.mark.parametrize("vendor", ["ometria", "omnisend"])
def test_an_address_that_too_many_people_share_is_never_sent(settings: Settings, vendor: str) -> None:
    publish(settings, [everywhere("ana"), everywhere("bo")], segments=("vip",), shared=(("email", "bo@example.com"),))
    outcome = run(settings, NAMES[vendor])
    assert "bo@example.com" not in json.dumps(bodies(settings, outcome)).lower()
    assert outcome.plan.rejected == {"shared_identifier": 1}


def test_a_key_that_two_people_stand_on_is_written_for_neither(settings: Settings) -> None:
    twice = [everywhere(name, records={"voucherify": {"customer_id": "shop-1"}}) for name in ("ana", "bo")]
    publish(settings, twice, segments=("vip",))
    assert run(settings, "voucherify").plan.rejected == {"shared_identifier": 2}


def test_identifiers_that_other_vendors_hold_are_not_taught(settings: Settings) -> None:
    ana = everywhere(
        "ana",
        records={"optimizely": {"vuid": "0a1b2c"}, "ometria": {"customer_id": "shop-ana", "email": "ana@example.com"}},
    )
    publish(settings, [ana], segments=("vip",))
    [[record]] = bodies(settings, run(settings, "odp"))
    assert record["attributes"]["vuid"] == "0a1b2c"
    assert "shop-ana" not in json.dumps(record) and "@" not in json.dumps(record)


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_service_target_leaves_out_who_said_no_to_every_purpose(settings: Settings, vendor: str) -> None:
    dialect = 'dialect = "rc2"\n' if vendor == "open_delivery" else ""
    configure(settings, f'[targets.service]\nvendor = "{vendor}"\npurpose = "service"\n{dialect}')
    publish(settings, [everywhere("yes", says=""), everywhere("no", says="opt_out", refuses_every_purpose=True)])
    outcome = run(settings, "service")
    assert outcome.plan.counts["new"] == 1 and outcome.plan.rejected == {"consent": 1}
    assert "person-no" not in json.dumps(bodies(settings, outcome))


def test_a_no_said_to_another_account_of_the_vendor_goes_out(settings: Settings) -> None:
    opting_out(settings, "omnisend")
    publish(settings, [everywhere("no", refusal=("omnisend", NO_AT, False), refused_account="second")])
    assert run(settings, "omnisend").plan.opt_outs == 1


def test_an_opt_out_is_never_written_by_an_id_that_too_many_people_share(settings: Settings) -> None:
    opting_out(settings, "voucherify")
    publish(settings, [everywhere("no", refusal=("shop", NO_AT, False))], shared=(("customer_id", "shop-no"),))
    assert run(settings, "voucherify").plan.opt_outs == 0


@pytest.mark.parametrize(
    ("vendor", "held", "shared"),
    [
        ("ometria", {"customer_id": "shop-no"}, ()),
        ("ometria", {"phone": "+44 20 7946 0000"}, ()),
        ("voucherify", {"customer_id": "shop-no"}, (("customer_id", "shop-no"),)),
    ],
)
def test_an_opt_out_that_cannot_be_said_is_a_reject_with_its_channel(
    settings: Settings, vendor: str, held: dict[str, str], shared: tuple[tuple[str, str], ...]
) -> None:
    opting_out(settings, vendor)
    no = everywhere("no", refusal=("shop", NO_AT, False), records={vendor: held})
    publish(settings, [no, everywhere("yes")], shared=shared)
    outcome = run(settings, NAMES[vendor])
    assert (outcome.plan.opt_outs, outcome.plan.rejected["opt_out_not_said"]) == (0, 1)
    rejects = lines(settings.data / str(outcome.folder) / "rejects.ndjson")
    [reject] = [reject for reject in rejects if reject["reason_code"] == "opt_out_not_said"]
    assert (reject["customer_id"], reject["field"]) == ("person-no", "email")


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_no_that_somebody_else_said_at_the_address_is_a_reject(settings: Settings, vendor: str) -> None:
    """It is not theirs to be said, and the vendor still says yes."""
    opting_out(settings, vendor)
    publish(settings, [everywhere("yes"), everywhere("other", is_refused_at_address=True)])
    outcome = run(settings, NAMES[vendor])
    assert (outcome.plan.opt_outs, outcome.plan.rejected) == (0, {"consent": 1, "opt_out_not_said": 1})


def test_unusually_many_opt_outs_wait_for_a_person(settings: Settings) -> None:
    people = [everywhere(f"p{number:02}") for number in range(30)]
    opting_out(settings, "voucherify")
    publish(settings, people)
    run(settings, "voucherify")
    configure(settings, '[targets.voucherify]\nvendor = "voucherify"\npurpose = "service"\nopt_outs = true\n')
    publish(settings, [replace(person, refusal=("shop", NO_AT, False)) for person in people], as_of=NEXT)
    outcome = run(settings, "voucherify", is_confirmed=False)
    assert outcome.folder is None and "30 opt-outs" in str(outcome.waits)


def test_a_no_is_posted_before_anything_else_is_reported(settings: Settings) -> None:
    configure(settings, '[targets.voucherify]\nvendor = "voucherify"\npurpose = "service"\nopt_outs = true\n')
    publish(settings, [everywhere("no", refusal=("shop", NO_AT, False))])
    outcome = run(settings, "voucherify")
    manifest = json.loads((settings.data / str(outcome.folder) / "manifest.json").read_bytes())
    assert [found["file"] for found in manifest["files"]] == ["optouts-00001.json", "upsert-00001.json"]


def test_a_shared_address_is_known_in_every_spelling(settings: Settings) -> None:
    spelt = everywhere("ana", records={"omnisend": {"email": "b.o@example.com"}})
    other = everywhere("bo", records={"ometria": {"email": "bo@example.com"}})
    publish(settings, [spelt, other], segments=("vip",), shared=(("email", "bo@example.com"),))
    assert run(settings, "omnisend").plan.rejected == {"shared_identifier": 1}


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_what_reaches_two_people_is_written_for_neither(settings: Settings, vendor: str) -> None:
    """Whether by key or by the address that the vendor joins profiles by, and however it is spelt."""
    spelt = {**FAMILY, "omnisend": {"email": "Family@example.com"}}
    people = [everywhere("ana", records=FAMILY), everywhere("bo", records=spelt)]
    publish(settings, people, segments=("vip",))
    assert run(settings, NAMES[vendor]).plan.rejected == {"shared_identifier": 2}


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_what_was_written_is_cleared_once_when_it_reaches_two_people(settings: Settings, vendor: str) -> None:
    """However many stand on it now; who of them says no later finds nothing of theirs there."""
    ana = everywhere("ana", segments=("vip",), records=FAMILY)
    publish(settings, [ana], segments=("vip",))
    run(settings, NAMES[vendor])
    publish(settings, [ana, everywhere("bo", records=FAMILY)], segments=("vip",), as_of=NEXT)
    outcome = run(settings, NAMES[vendor])
    reported = json.dumps(bodies(settings, outcome))
    assert outcome.plan.counts["cleared"] == 1 and outcome.plan.rejected == {"shared_identifier": 2}
    assert "99.17" not in reported and "person-ana" not in reported and "active" not in reported
    both = [replace(ana, says="opt_out"), everywhere("bo", says="opt_out", records=FAMILY)]
    publish(settings, both, segments=("vip",), as_of=NEXT + timedelta(days=1))
    assert run(settings, NAMES[vendor]).folder is None


def test_nothing_is_cleared_by_an_address_that_was_not_written_before(settings: Settings) -> None:
    """Whoever is told of it would be another of those who share it."""
    ana = everywhere("ana", segments=("vip",))
    publish(settings, [ana], segments=("vip",))
    run(settings, "ometria")
    moved = replace(ana, records={**ana.records, "ometria": {"customer_id": "shop-ana", "email": "all@example.com"}})
    publish(settings, [moved], segments=("vip",), shared=(("email", "all@example.com"),), as_of=NEXT)
    outcome = run(settings, "ometria")
    assert outcome.plan.counts["gone"] == 1 and bodies(settings, outcome) == []


def test_while_a_rollback_stands_nothing_is_written_for_nobody_knows_who_has_said_no_since(settings: Settings) -> None:
    for number, says in enumerate(("opt_in", "opt_out"), start=1):
        publish(settings, [everywhere("ana", says=says), everywhere("bo")], segments=("vip",), run_id=f"run-{number}")
        keep_as_publication(settings, number)
        run(settings, "ometria")
    publishing.rollback(settings)
    with pytest.raises(OperatorError, match="a rollback stands") as raised:
        run(settings, "ometria")
    assert "c360 run" in raised.value.remedy
    lines, needs_look = activate.after_publishing(settings)
    assert needs_look and all("a rollback stands" in line for line in lines)
    assert run(settings, "ometria", is_dry=True).folder is None
    publish(settings, [everywhere("ana", says="opt_out"), everywhere("bo")], segments=("vip",), run_id="run-3")
    keep_as_publication(settings, 3)
    assert run(settings, "ometria").plan.counts["unchanged"] == 1


def test_nothing_is_given_back_of_what_an_older_version_published(settings: Settings) -> None:
    publish(settings, [everywhere("ana")])
    settings.published_file.chmod(0o600)
    with duckdb.connect(str(settings.published_file)) as con:
        con.execute("drop table internal.int_channel_refusals")
    with pytest.raises(OperatorError, match="older version"):
        run(settings, "omnisend")
