"""How each vendor is reached: address, headers, the secrets these need, and requests a second.

The addresses, headers and limits are those of the vendors' documents; `docs/pull.md` shows them. Which account is
meant, and where its secrets stand, is said by the installation.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Access:
    """How one vendor is asked. An empty `address` differs by customer; `headers` name secrets in braces, and `{token}`
    where one is fetched at `token_path`."""

    address: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    per_second: float
    token_path: str | None = None
    address_hint: str = ""


ACCESS: dict[str, Access] = {
    "ometria": Access("https://api.ometria.com", ("key",), {"X-Ometria-Auth": "{key}"}, per_second=4),
    "omnisend": Access(
        "https://api.omnisend.com/api",
        ("key",),
        # The limit of 400 a minute counts all integrations of a shop together.
        {"Authorization": "Omnisend-API-Key {key}", "Omnisend-Version": "2026-03-15"},
        per_second=4,
    ),
    "open_delivery": Access(
        "",
        ("client_id", "client_secret"),
        {"Authorization": "Bearer {token}"},
        per_second=5,
        token_path="/oauth/token",
        address_hint="where the counterpart's API answers, such as https://example.com/od",
    ),
    "optimizely": Access(
        "",
        ("key",),
        {"x-api-key": "{key}"},
        per_second=5,
        address_hint="of the account's region, such as https://api.eu1.odp.optimizely.com",
    ),
    "voucherify": Access(
        "https://api.voucherify.io",
        ("app_id", "app_token"),
        {"X-App-Id": "{app_id}", "X-App-Token": "{app_token}"},
        per_second=1.6,
    ),
}


@dataclass(frozen=True)
class Login:
    """One account at one vendor: its address, its secrets (never shown), and how often a second it may be asked."""

    vendor: str
    account: str
    address: str
    secrets: Mapping[str, str] = field(repr=False)
    per_second: float

    @property
    def access(self) -> Access:
        return ACCESS[self.vendor]


def address_problem(address: str) -> str | None:
    """Why secrets may not be sent to this address, as the end of a sentence; None if they may."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "is no address such as https://example.com"
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.username
        or parts.password
        or parts.query
        or parts.fragment
    ):
        return "is no address such as https://example.com"
    if parts.scheme == "http" and not is_loopback(host):
        return "must begin with https://, or whoever listens learns the key"
    return None


def is_loopback(host: str) -> bool:
    """The host is this machine, so that nobody listens on the way."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
