"""Where a vendor's secret may stand."""

from pathlib import Path

import pytest

from orchestration.network import secrets
from orchestration.network.access import address_problem
from orchestration.runtime.errors import OperatorError

SECRET = "canary-7f3a"


def read(given: str, folder: Path, **environment: str) -> str:
    return secrets.read(given, meaning="`key` of ometria", folder=folder, environment=environment)


def test_a_secret_is_read_from_the_environment(tmp_path: Path) -> None:
    assert read("env:OMETRIA_KEY", tmp_path, OMETRIA_KEY=f"{SECRET}\n") == SECRET


def test_a_secret_is_read_from_a_file_that_only_its_user_reads(tmp_path: Path) -> None:
    (tmp_path / "ometria.key").write_text(SECRET)
    (tmp_path / "ometria.key").chmod(0o600)
    assert read("file:ometria.key", tmp_path) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "ometria.key").write_text(SECRET)
    (tmp_path / "ometria.key").chmod(mode)
    with pytest.raises(OperatorError, match="may be read by others") as refused:
        read("file:ometria.key", tmp_path)
    assert SECRET not in str(refused.value) and refused.value.exit_code == 2


@pytest.mark.parametrize("given", ["env:OMETRIA_KEY", "file:missing.key", SECRET, "", f"env:{SECRET}-", "file:."])
def test_what_leads_to_no_secret_is_refused_without_quoting_it(tmp_path: Path, given: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(given, tmp_path)
    assert SECRET not in str(refused.value) and refused.value.exit_code == 2


@pytest.mark.parametrize("text", ["two words", "two\nlines", "schlüssel"])
def test_a_secret_that_no_header_can_carry_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OperatorError, match="cannot be sent") as refused:
        read("env:OMETRIA_KEY", tmp_path, OMETRIA_KEY=text)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.com",
        "https://api.example.com/v2",
        "http://127.0.0.1:8000",
        "http://localhost",
        "http://[::1]:80",
    ],
)
def test_secrets_may_go_to_an_encrypted_address_or_to_this_machine(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "ftp://a",
        "api.example.com",
        "https://u:p@example.com",
        "https://[x",
        "",
    ],
)
def test_secrets_go_nowhere_else(address: str) -> None:
    assert address_problem(address) is not None
