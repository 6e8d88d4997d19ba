"""Accounts of vendors: how a folder of the landing zone names the vendor and which of its accounts a delivery is of."""

import re

DEFAULT_ACCOUNT = "default"
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def feed(source: str, source_account: str) -> str:
    """A vendor's account, as its folder in the landing zone is named."""
    return source if source_account == DEFAULT_ACCOUNT else f"{source}@{source_account}"


def account_of(name: str) -> tuple[str, str]:
    """Vendor and account that the name of a folder means."""
    source, separator, account = name.partition("@")
    return source, account if separator else DEFAULT_ACCOUNT


def account_problem(source: str, account: str) -> str | None:
    """Why this is no name for an account, as the end of a sentence; None if it is one."""
    if not ACCOUNT.fullmatch(account):
        return "an account is named with letters, digits, '.', '_' and '-', and begins with a letter or digit"
    return f"the folder of that account is {source}" if account == DEFAULT_ACCOUNT else None
