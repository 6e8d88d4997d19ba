"""`pull.toml`: what cannot be meant is refused with one sentence, before anybody is asked."""

from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from orchestration.pulling import configuration
from orchestration.runtime.errors import OperatorError

KEY = {"OMETRIA_KEY": "canary-4c1d"}
OMETRIA = '[[account]]\nvendor = "ometria"\nkey = "env:OMETRIA_KEY"\nstreams = ["profiles"]\n'


def read(settings: Settings, text: str, **chosen: str) -> list[configuration.Source]:
    settings.config.mkdir(parents=True, exist_ok=True)
    (settings.config / "pull.toml").write_text(text, encoding="utf-8")
    return configuration.sources(settings, environment=KEY, **chosen)


def test_an_account_is_read_with_the_vendors_own_address_and_pace(settings: Settings) -> None:
    (source,) = read(settings, OMETRIA)
    assert (source.login.address, source.login.per_second) == ("https://api.ometria.com", 4)
    assert [unit.name for unit in source.units] == ["ometria/profiles"]


def test_an_account_with_a_name_has_a_folder_of_its_own(settings: Settings) -> None:
    (source,) = read(settings, OMETRIA + 'account = "uk"\n')
    assert source.units[0].feed == "ometria@uk"


def test_a_stream_can_be_chosen(settings: Settings) -> None:
    two = OMETRIA.replace('["profiles"]', '["profiles", "lists"]')
    (source,) = read(settings, two, vendor="ometria", stream="lists")
    assert [unit.stream for unit in source.units] == ["lists"]


@pytest.mark.parametrize(
    "chosen", [{"vendor": "omnisend"}, {"vendor": "ometria", "account": "uk"}, {"stream": "orders"}]
)
def test_a_choice_that_nothing_fits_is_refused(settings: Settings, chosen: dict[str, str]) -> None:
    with pytest.raises(OperatorError, match="Nothing such stands in"):
        read(settings, OMETRIA, **chosen)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (OMETRIA.replace("ometria", "klaviyo"), "no vendor that can be pulled"),
        (OMETRIA.replace('"profiles"', '"contcats"'), "cannot be pulled from ometria"),
        (OMETRIA.replace('"profiles"', ""), "`streams` of ometria is empty"),
        (OMETRIA.replace('"profiles"', '"profiles", "profiles"'), "listed twice"),
        (OMETRIA.replace('"profiles"', '"contacts"'), "`collections` of ometria is missing"),
        (OMETRIA + OMETRIA, "`ometria` is listed twice"),
        (OMETRIA + 'account = "UK"\n' + OMETRIA + 'account = "uk"\n', "`ometria@uk` is listed twice"),
        (OMETRIA + 'account = "../x"\n', "names no account"),
        (OMETRIA + 'account = "default"\naccont = 1\n', "accont"),
        (OMETRIA + 'collections = ["a", "A"]\n', "must be different names"),
        (OMETRIA + 'collections = ["a/b"]\n', "must be different names"),
        (OMETRIA + 'segments = ["thankfully"]\n', "counts as a full delivery"),
        (OMETRIA + 'address = "http://api.example.com"\n', "must begin with https"),
        (OMETRIA + "requests_per_second = 0\n", "between 0.01 and 1000"),
        (OMETRIA + "requests_per_second = nan\n", "between 0.01 and 1000"),
        (OMETRIA + "period_days = 0\n", "between 1 and 3660"),
        (OMETRIA + 'app_id = "env:X"\n', "nothing that ometria asks for"),
        (OMETRIA.replace('key = "env:OMETRIA_KEY"\n', ""), "`key` of ometria is missing"),
        ("full_every_days = -1\n" + OMETRIA, "`full_every_days`"),
        ("least_share = 2.0\n" + OMETRIA, "`least_share`"),
        ('[[account]]\nvendor = "open_delivery"\nstreams = ["customers"]\n', "`address` of open_delivery is missing"),
        ('[[account]]\nvendor = "omnisend"\nkey = "env:K"\nstreams = ["orders"]\n', "lists contacts only"),
        ('key = "canary-4c1d\n', "no TOML file in UTF-8 (at line 1"),
        ("account = 3\n", "account"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_file_and_a_reason(
    settings: Settings, text: str, problem: str
) -> None:
    with pytest.raises(OperatorError) as refused:
        read(settings, text)
    assert problem in refused.value.message and "pull.toml" in refused.value.message and refused.value.exit_code == 2
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("given", ["env:NOT_SET", "file:missing.key", "canary-4c1d"])
def test_a_secret_that_is_missing_or_written_down_openly_is_refused(settings: Settings, given: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(settings, OMETRIA.replace("env:OMETRIA_KEY", given))
    assert (
        "`key` of ometria" in str(refused.value) and "canary" not in str(refused.value) and refused.value.exit_code == 2
    )


def test_a_secret_file_lies_beside_the_configuration(settings: Settings) -> None:
    settings.config.mkdir(parents=True)
    secret: Path = settings.config / "ometria.key"
    secret.write_text("canary-4c1d\n")
    secret.chmod(0o600)
    (source,) = read(settings, OMETRIA.replace("env:OMETRIA_KEY", "file:ometria.key"))
    assert source.login.secrets == {"key": "canary-4c1d"} and "canary" not in repr(source)


def test_without_the_file_nothing_is_pulled(settings: Settings) -> None:
    assert configuration.vendors(settings) == []
    with pytest.raises(OperatorError, match="does not exist"):
        configuration.sources(settings)
