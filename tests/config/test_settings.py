"""An installation's own files: defaults, and mistakes that name their place."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

import duckdb
import pytest

from orchestration.config import settings as configuration
from orchestration.config.config_files import is_zone
from orchestration.config.options import Options, bounds
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError


@dataclass(frozen=True)
class Shop:
    code: str = "shop"
    default_currency: str = "BRL"
    default_order_namespace: str = "delivery"
    phone_region: str | None = "BR"


def write(data: Path, name: str, text: str) -> Path:
    path = data / "config" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_installation_without_any_file_has_the_defaults(tmp_path: Path) -> None:
    settings = configuration.load(tmp_path)
    assert (
        settings.options.reporting_currency,
        settings.options.reporting_time_zone,
        settings.options.reject_share,
    ) == ("EUR", "UTC", 0.01)
    assert settings.secret is None


def test_the_data_folder_is_the_one_the_environment_names(tmp_path: Path) -> None:
    assert configuration.load(environment={"C360_DATA": str(tmp_path)}).landing == tmp_path / "landing"


def test_an_account_without_a_line_has_the_vendors_defaults(tmp_path: Path) -> None:
    account = configuration.load(tmp_path).account(Shop())
    assert (account.source_account, account.default_currency, account.time_zone, account.order_namespace) == (
        "default",
        "BRL",
        "UTC",
        "delivery",
    )
    assert account.customer_id_namespace == "shop:default"


def test_an_account_is_what_its_line_says_and_empty_cells_say_nothing(tmp_path: Path) -> None:
    write(tmp_path, "accounts.csv", "source,source_account,default_currency,time_zone\nshop,berlin,,Europe/Berlin\n")
    account = configuration.load(tmp_path).account(Shop())
    assert (account.source_account, account.default_currency, account.time_zone) == ("berlin", "BRL", "Europe/Berlin")
    assert account.customer_id_namespace == "shop:berlin"
    assert account.amount_unit is None


def test_each_account_of_a_vendor_has_a_line_and_without_one_ids_and_order_numbers_of_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        "accounts.csv",
        "source,source_account,default_currency,order_namespace\nshop,uk,GBP,shared\nshop,fr,,\n",
    )
    settings = configuration.load(tmp_path)
    accounts = {name: settings.account(Shop(), name) for name in ("default", "uk", "fr", "it")}
    assert {
        name: (account.source_account, account.default_currency, account.order_namespace)
        for name, account in accounts.items()
    } == {
        "default": ("default", "BRL", "delivery"),
        "uk": ("uk", "GBP", "shared"),
        "fr": ("fr", "BRL", "shop:fr"),
        "it": ("it", "BRL", "shop:it"),
    }
    assert len({account.customer_id_namespace for account in accounts.values()}) == 4


def test_the_only_line_of_a_vendor_names_the_account_of_its_plain_folder_until_that_account_has_a_folder(
    tmp_path: Path,
) -> None:
    write(tmp_path, "accounts.csv", "source,source_account,default_currency\nshop,uk,GBP\n")
    settings = configuration.load(tmp_path)
    before = settings.staging_fingerprint
    assert (settings.account(Shop()).source_account, settings.account(Shop()).order_namespace) == ("uk", "delivery")
    (tmp_path / "landing" / "shop@uk").mkdir(parents=True)
    assert (settings.account(Shop()).source_account, settings.account(Shop()).default_currency) == ("default", "BRL")
    assert (settings.account(Shop(), "uk").source_account, settings.account(Shop(), "uk").default_currency) == (
        "uk",
        "GBP",
    )
    assert settings.staging_fingerprint != before


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("source,shoe_size\nshop,43\n", 1, "`shoe_size` is no column"),
        ("source_account\nx\n", 1, "`source` is missing"),
        ("source,source\na,b\n", 1, "twice"),
        ("source,time_zone\nshop,Mars/Olympus\n", 2, "`time_zone`"),
        ("source,default_currency\nshop,EUR\nother,euro\n", 3, "`default_currency`"),
        ("source,default_currency\nshop,BRX\n", 2, "`default_currency`"),
        ("source,phone_region\nshop,UK\n", 2, "`phone_region`"),
        ("source,amount_unit\nshop,cents\n", 2, "`amount_unit`"),
        ("source,time_zone\nshop,UTC\nshop,UTC\n", 3, "listed twice"),
        ("source,source_account\nshop,uk\nshop,de\nshop,uk\n", 4, "`shop@uk` is listed twice"),
        ("source,source_account\nshop,default\nshop,\n", 3, "`shop` is listed twice"),
        ("source,source_account\nshop,../uk\n", 2, "`source_account` names no account"),
        ("source,time_zone\nshop\n", 2, "1 cells"),
        ('source,time_zone\nshop,"UT', 2, "no readable CSV"),
    ],
)
def test_a_mistake_in_accounts_names_file_and_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = write(tmp_path, "accounts.csv", text)
    with pytest.raises(OperatorError) as error:
        configuration.load(tmp_path)
    assert f"{path}, line {line}" in error.value.message
    assert problem in error.value.message
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('reporting_currency = "euro"', "`reporting_currency`"),
        ('reporting_currency = "EUO"', "`reporting_currency`"),
        ("shoe_size = 43", "`shoe_size` is no setting"),
        ('reject_share = "much"', "`reject_share`"),
        ("reject_share = 1.5", "between 0 and 1"),
        ("reject_share = nan", "`reject_share` must be between 0 and 1"),
        ("lock_wait_seconds = inf", "`lock_wait_seconds` must be between 0 and 86400"),
        ("lock_wait_seconds = nan", "`lock_wait_seconds`"),
        ("unpack_ratio = nan", "`unpack_ratio`"),
        ("record_bytes = 0", "`record_bytes` must be between 1 and"),
        ("record_bytes = 2147483648", "`record_bytes`"),
        ("identity_sharing_limit = 2147483648", "`identity_sharing_limit`"),
        ("hold_back_rows = 99999999999999999999", "`hold_back_rows`"),
        ("threads = -1", "`threads` must be between 0 and 1024"),
        ("threads = 2147483648", "`threads`"),
        ("threads = true", "`threads`: Expected `int`, got `bool`"),
        ("keep_run_days = 1000000", "`keep_run_days`"),
        ("thread = 2", "`thread` is no setting"),
        ('"anna@mail.test.example.com" = 2', "`a…@m….com` is no setting"),
        ("first_export_date = 0001-01-01", "`first_export_date`"),
        ("first_export_date = 9999-01-01", "`first_export_date`"),
        ('schedule_time_zone = "posix/Europe/Berlin"', "`schedule_time_zone`"),
        ('reporting_time_zone = ""', "`reporting_time_zone`"),
        ('memory_limit = "0GB"', "`memory_limit`"),
        ('memory_limit = "0.0GB"', "`memory_limit`"),
        ('memory_limit = "1KB"', "`memory_limit`"),
        ('memory_limit = "100000000TB"', "`memory_limit`"),
        ('memory_limit = "٤GB"', "`memory_limit`"),
        ('memory_limit = "4 GB; x"', "`memory_limit`"),
        ('alert_webhook = "http://["', "`alert_webhook`"),
        ('alert_webhook = "http://:80"', "`alert_webhook`"),
        ('alert_webhook = "http://a:99999/x"', "`alert_webhook`"),
        ('alert_webhook = "http://a.example/b c"', "`alert_webhook`"),
        ('alert_webhook = "http://ä.example/x"', "`alert_webhook`"),
        ('alert_webhook = "ftp://a.example/x"', "`alert_webhook`"),
        ('alert_command = "a\\u0000b"', "`alert_command`"),
        ("a = " + "[" * 5000, "no TOML file"),
        ('schedule_time = "25:00"', "`schedule_time`"),
        ('memory_limit = "plenty"', "`memory_limit`"),
        ("[broken", "no TOML file"),
    ],
)
def test_a_mistake_in_settings_names_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = write(tmp_path, "settings.toml", text)
    with pytest.raises(OperatorError) as error:
        configuration.load(tmp_path)
    assert str(path) in error.value.message
    assert problem in error.value.message
    assert error.value.exit_code == 2


def test_a_key_that_is_nearly_one_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, "settings.toml", "thread = 2")
    with pytest.raises(OperatorError) as error:
        configuration.load(tmp_path)
    assert error.value.remedy == "Did you mean `threads`?"


def test_settings_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    write(tmp_path, "settings.toml", "\ufeffthreads = 3")
    assert configuration.load(tmp_path).threads == 3


def test_every_number_among_the_settings_has_bounds_and_its_default_is_within() -> None:
    numbers = {name for name in Options.__struct_fields__ if type(getattr(Options(), name)) in (int, float)}
    assert set(bounds()) == numbers
    assert all(least <= getattr(Options(), name) <= most for name, (least, most) in bounds().items())


def test_what_is_no_file_or_no_folder_is_reported_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "config" / "settings.toml").mkdir(parents=True)
    with pytest.raises(OperatorError, match=r"settings\.toml cannot be read: Is a directory") as error:
        configuration.load(tmp_path)
    assert error.value.exit_code == 2
    with pytest.raises(OperatorError, match="is a file") as error:
        configuration.load(write(tmp_path / "other", "some.txt", "x"))
    assert error.value.exit_code == 2


def test_the_engine_knows_every_time_zone_that_is_accepted(tmp_path: Path) -> None:
    zones = sorted(name for name in available_timezones() if is_zone(name))
    with duckdb.connect() as con:
        for zone in zones:
            con.execute(f"set TimeZone = '{zone}'")
    assert len(zones) > 400


@pytest.mark.parametrize(
    ("limit", "size"), [("100MB", 100_000_000), ("1.5 GiB", 1_610_612_736), ("2TB", 2_000_000_000_000)]
)
def test_the_memory_limit_is_a_number_too(tmp_path: Path, limit: str, size: int) -> None:
    write(tmp_path, "settings.toml", f'memory_limit = "{limit}"')
    assert configuration.load(tmp_path).memory_bytes == size


def test_the_secret_comes_from_the_environment_or_the_file_and_is_never_shown(tmp_path: Path) -> None:
    write(tmp_path, "secret", "from-the-file\n")
    assert configuration.load(tmp_path).secret == b"from-the-file"
    settings = configuration.load(tmp_path, {"C360_SECRET": "from-the-environment"})
    assert settings.secret == b"from-the-environment"
    assert "from-the-environment" not in repr(settings)


def test_what_decides_staging_changes_its_fingerprint_and_nothing_else_does(tmp_path: Path) -> None:
    plain = configuration.load(tmp_path).staging_fingerprint
    write(tmp_path, "settings.toml", 'reporting_currency = "USD"')
    assert configuration.load(tmp_path).staging_fingerprint == plain
    write(tmp_path, "accounts.csv", "source,default_currency\nshop,USD\n")
    assert configuration.load(tmp_path).staging_fingerprint != plain


def test_build_and_published_file_have_one_stem_because_it_names_the_catalog(settings: Settings) -> None:
    assert settings.build_file.stem == settings.published_file.stem


def test_what_a_run_is_reported_comes_before_what_the_file_says_and_is_held_to_the_same_bounds(tmp_path: Path) -> None:
    write(tmp_path, "settings.toml", 'engine = "processes"\nworkers = 3\n')
    settings = configuration.load(tmp_path)
    reported = configuration.with_options(settings, engine=None, workers=5, shards=7)
    assert (reported.options.engine, reported.options.workers, reported.options.shards) == ("processes", 5, 7)
    for wrong in ({"engine": "abacus"}, {"shards": -1}):
        with pytest.raises(OperatorError) as error:
            configuration.with_options(settings, **wrong)
        assert error.value.exit_code == 2
