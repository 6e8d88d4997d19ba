"""A mistake in activation.toml is reported in one sentence, with what to do, before anything is written."""

import pytest

from orchestration.activation import targets
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from tests.activation.conftest import configure, run
from tests.support.activation_world import everywhere, publish

WRONG = {
    "an unknown vendor": ('[targets.a]\nvendor = "klaviyo"\n', "is none of"),
    "no vendor": ("[targets.a]\n", "missing required field `vendor`"),
    "a key that is none": ('[targets.a]\nvendor = "ometria"\npurpos = "service"\n', "Did you mean `purpose`?"),
    "a value that is none": ('[targets.a]\nvendor = "ometria"\nvalues = ["revenu"]\n', "Did you mean `revenue`?"),
    "a purpose that is none": ('[targets.a]\nvendor = "ometria"\npurpose = "fun"\n', "`purpose`"),
    "two targets of one account": ('[targets.a]\nvendor = "ometria"\n[targets.b]\nvendor = "ometria"\n', "would mix"),
    "two names that differ by a hyphen": (
        '[targets.a-b]\nvendor = "ometria"\n[targets.a_b]\nvendor = "omnisend"\n',
        "but for - and _",
    ),
    "two segments of one name": (
        '[targets.a]\nvendor = "ometria"\nsegments = ["big spender", "big_spender"]\n',
        "under one name",
    ),
    "no dialect": ('[targets.a]\nvendor = "open_delivery"\n', "must be one of rc2, draft"),
    "a dialect too many": ('[targets.a]\nvendor = "ometria"\ndialect = "rc2"\n', "has one dialect"),
    "more than the vendor takes": ('[targets.a]\nvendor = "optimizely"\nmost_records = 501\n', "is above what"),
    "nothing to send": ('[targets.a]\nvendor = "ometria"\nvalues = []\n', "nothing to send"),
    "no TOML": ("[targets.a\n", "no TOML file"),
    "another table": ('[target.a]\nvendor = "ometria"\n', "`[targets.<name>]`"),
    "a name with capitals": ('[targets.A]\nvendor = "ometria"\n', "is no name"),
    "an address in clear text": (
        '[targets.a]\nvendor = "ometria"\naddress = "http://api.example.com"\n',
        "must begin with https",
    ),
    "a share above one": ('[targets.a]\nvendor = "ometria"\nmost_changed_share = 2.0\n', "`most_changed_share`"),
    "more bytes than the vendor takes": (
        '[targets.a]\nvendor = "optimizely"\nmost_kilobytes = 9000\n',
        "is above what",
    ),
    "an account that is a path": ('[targets.a]\nvendor = "ometria"\naccount = "../x"\n', "names no account"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_reported_before_anything_is_written(settings: Settings, mistake: str) -> None:
    text, reported = WRONG[mistake]
    configure(settings, text)
    with pytest.raises(OperatorError) as raised:
        targets.load(settings)
    assert reported in str(raised.value)
    assert raised.value.exit_code == 2
    assert not (settings.data / "activation").exists()


def test_a_target_that_is_not_configured_is_reported_with_its_likeness(settings: Settings) -> None:
    with pytest.raises(OperatorError, match="Did you mean `omnisend`"):
        targets.load(settings, "omnisent")


def test_without_the_file_it_is_reported_where_to_name_a_target(settings: Settings) -> None:
    (settings.config / targets.FILE).unlink()
    with pytest.raises(OperatorError, match=r"activation[.]toml"):
        targets.load(settings)


def test_a_segment_that_is_not_computed_is_refused(settings: Settings) -> None:
    publish(settings, [everywhere("ana")], segments=("whales",))
    with pytest.raises(OperatorError, match="whales"):
        run(settings, "odp")


@pytest.mark.parametrize("vendor", ["ometria", "voucherify"])
def test_more_names_than_the_vendor_takes_are_refused(settings: Settings, vendor: str) -> None:
    configure(settings, f'[targets.a]\nvendor = "{vendor}"\nsegments = ["*"]\n')
    publish(settings, [everywhere("ana")], segments=tuple(f"s{number:03}" for number in range(86)))
    with pytest.raises(OperatorError, match=r"has 101 names of values and segments; \w+ takes 100") as raised:
        run(settings, "a")
    assert raised.value.exit_code == 2 and not list((settings.data / "activation").rglob("*.json"))


def test_more_tags_than_the_vendor_takes_are_refused(settings: Settings) -> None:
    configure(settings, '[targets.a]\nvendor = "omnisend"\nsegments = ["*"]\n')
    publish(settings, [everywhere("ana")], segments=tuple(f"s{number:03}" for number in range(101)))
    with pytest.raises(OperatorError, match="has 101 tags; Omnisend takes 100"):
        run(settings, "a")


def test_a_segment_that_would_be_an_identifier_at_the_vendor_is_refused(settings: Settings) -> None:
    configure(settings, '[targets.a]\nvendor = "optimizely"\nsegments = ["new address"]\n')
    publish(settings, [everywhere("ana")], segments=("new address",))
    with pytest.raises(OperatorError, match="for an identifier"):
        run(settings, "a")


def test_segments_that_only_slugs_make_one_are_refused_also_where_all_are_meant(settings: Settings) -> None:
    configure(settings, '[targets.a]\nvendor = "voucherify"\nsegments = ["*"]\n')
    publish(settings, [everywhere("ana")], segments=("big spender", "big_spender"))
    with pytest.raises(OperatorError, match="would have one name") as raised:
        run(settings, "a")
    assert raised.value.exit_code == 2 and not list((settings.data / "activation").rglob("*.json"))
