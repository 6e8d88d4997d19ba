"""Requests to a vendor: patience with what passes, one sentence for what does not, and nothing said of secrets or
people."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from orchestration.config.settings import Settings
from orchestration.network.access import ACCESS, Login
from orchestration.network.client import Client, Patience, RefusedError, UnreachableError
from orchestration.runtime.errors import OperatorError
from tests.support.http_server import Handler, Request, Response, Server, answer, serving

IMPATIENT = Patience(attempts=3, first_wait=0.001)
CANARY = "canary-7f3a-secret"
PERSON = "anna.canary@example.com"


def always(_: Request) -> Response:
    return answer({"ok": True})


@contextmanager
def client_of(
    settings: Settings, vendor: str, handler: Handler = always, patience: Patience = IMPATIENT
) -> Iterator[tuple[Client, Server]]:
    with serving(handler) as server:
        secrets = dict.fromkeys(ACCESS[vendor].secrets, CANARY)
        with Client(settings, Login(vendor, "default", server.address, secrets, per_second=1000), patience) as client:
            yield client, server


@pytest.mark.parametrize(
    ("vendor", "header", "value"),
    [
        ("ometria", "x-ometria-auth", CANARY),
        ("omnisend", "authorization", f"Omnisend-API-Key {CANARY}"),
        ("omnisend", "omnisend-version", "2026-03-15"),
        ("optimizely", "x-api-key", CANARY),
        ("voucherify", "x-app-id", CANARY),
        ("voucherify", "x-app-token", CANARY),
    ],
)
def test_every_request_carries_what_the_vendor_knows_us_by(
    settings: Settings, vendor: str, header: str, value: str
) -> None:
    with client_of(settings, vendor) as (client, server):
        client.get("/things")
    assert server.requests[0].headers[header] == value


@pytest.mark.parametrize(
    "failure",
    [
        answer({}, 429, Retry_After="0"),
        answer({}, 429, Retry_After=format_datetime(datetime.now(UTC) - timedelta(seconds=9), usegmt=True)),
        answer({}, 429, X_Rate_Limit_Retry="1700000000"),
        answer({"retryAfter": 0}, 429),
        Response(429),
        Response(500),
        Response(503, b"<html>busy</html>"),
        Response(200, b'{"ok": tr', {"Content-Type": "application/json"}, cut=4),
        Response(200, b'{"ok": tr', {"Content-Type": "application/json"}),
        Response(200, b"<html>log in</html>", {"Content-Type": "text/html"}),
        Response(204),
    ],
    ids=[
        "seconds",
        "a date",
        "a moment",
        "in the body",
        "bare",
        "500",
        "503",
        "cut on the way",
        "cut at the vendor",
        "no JSON",
        "nothing",
    ],
)
def test_what_passes_is_asked_again(settings: Settings, failure: Response) -> None:
    with client_of(settings, "voucherify") as (client, server):
        server.failures = [failure, failure]
        assert client.get("/things").json == {"ok": True}
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "failure", [answer({}, 429, Retry_After="1"), answer({"retryAfter": 1}, 429)], ids=["header", "body"]
)
def test_the_wait_that_a_vendor_asks_for_is_kept(settings: Settings, failure: Response) -> None:
    with client_of(settings, "omnisend") as (client, server):
        server.failures = [failure]
        started = time.monotonic()
        client.get("/things")
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("header", ["Retry-After", "X-Rate-Limit-Retry"])
@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_a_moment_to_wait_for_is_one_of_the_vendors_clock(settings: Settings, header: str, ahead: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ahead)
    until = now + timedelta(seconds=1)
    stated = format_datetime(until, usegmt=True) if header == "Retry-After" else str(until.timestamp())
    with client_of(settings, "voucherify") as (client, server):
        server.failures = [Response(429, b"{}", {header: stated, "Date": format_datetime(now, usegmt=True)})]
        started = time.monotonic()
        client.get("/things")
    assert 1 <= time.monotonic() - started < 10


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_secret_for_this_machine_goes_through_no_proxy(
    settings: Settings, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(always) as proxy:
        monkeypatch.setenv(variable, proxy.address)
        with client_of(settings, "ometria") as (client, server):
            client.get("/things")
    assert (len(server.requests), proxy.requests) == (1, [])


def test_a_used_up_quota_is_not_waited_for(settings: Settings) -> None:
    with client_of(settings, "voucherify") as (client, server):
        server.failures = [answer({}, 429, X_Rate_Limit_Type="api_calls_cycle", Retry_After="1")]
        with pytest.raises(RefusedError, match="quota of voucherify"):
            client.get("/things")
    assert len(server.requests) == 1


def test_a_wait_of_hours_is_reported_and_not_kept(settings: Settings) -> None:
    with client_of(settings, "voucherify") as (client, server):
        server.failures = [answer({}, 429, Retry_After="7200")]
        with pytest.raises(UnreachableError, match="asks to wait 120 minutes"):
            client.get("/things")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 422])
def test_what_does_not_pass_is_asked_once_and_reported_with_a_remedy(settings: Settings, status: int) -> None:
    with client_of(settings, "ometria") as (client, server):
        server.failures = [Response(status)]
        with pytest.raises(RefusedError, match=rf"^ometria refuses /things \({status}\)\. .+\.$"):
            client.get("/things")
    assert len(server.requests) == 1


def test_a_status_that_means_busy_at_this_vendor_is_waited_for(settings: Settings) -> None:
    with client_of(settings, "optimizely") as (client, server):
        server.failures = [Response(422)]
        assert client.post("/v3/exports", b"{}", busy={422: 0.001}).json == {"ok": True}


def test_an_address_nobody_answers_at_is_reported_after_all_attempts(settings: Settings) -> None:
    with client_of(settings, "ometria") as (client, _):
        pass
    with pytest.raises(UnreachableError, match="ometria could not be heard"):
        Client(settings, client._login, IMPATIENT).get("/things")


class TokenOffice:
    """Gives out numbered tokens and takes only the last."""

    def __init__(self, lasts: int = 3600) -> None:
        self.given = 0
        self.lasts = lasts

    def __call__(self, request: Request) -> Response:
        if request.path == "/oauth/token":
            self.given += 1
            return answer({"access_token": f"token-{self.given}", "expires_in": self.lasts})
        return (
            answer({"ok": True}) if request.headers["authorization"] == f"Bearer token-{self.given}" else Response(401)
        )


def test_a_token_is_fetched_once_for_many_requests(settings: Settings) -> None:
    office = TokenOffice()
    with client_of(settings, "open_delivery", office) as (client, _):
        for _ in range(3):
            client.get("/customers")
    assert office.given == 1


def test_a_token_that_ends_early_is_renewed_once(settings: Settings) -> None:
    office = TokenOffice()
    with client_of(settings, "open_delivery", office) as (client, _):
        client.get("/customers")
        office.given += 1
        assert client.get("/customers").json == {"ok": True}
    assert office.given == 3


def test_a_token_of_a_short_life_is_renewed_in_time(settings: Settings) -> None:
    office = TokenOffice(lasts=0)
    with client_of(settings, "open_delivery", office) as (client, _):
        client.get("/customers")
        client.get("/customers")
    assert office.given == 2


def test_a_token_of_a_short_life_is_not_fetched_for_every_request(settings: Settings) -> None:
    office = TokenOffice(lasts=20)
    with client_of(settings, "open_delivery", office) as (client, _):
        client.get("/customers")
        client.get("/customers")
    assert office.given == 1


def test_a_host_that_gives_out_tokens_for_a_form_only_is_asked_by_a_form(settings: Settings) -> None:
    office = TokenOffice()

    def by_form(request: Request) -> Response:
        is_form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
        return Response(415) if request.path == "/oauth/token" and not is_form else office(request)

    with client_of(settings, "open_delivery", by_form) as (client, server):
        assert client.get("/customers").json == {"ok": True}
    assert b"grant_type=client_credentials" in server.requests[1].body


def test_requests_keep_the_pace_also_between_clients(settings: Settings) -> None:
    with serving(always) as server:
        login = Login("ometria", "default", server.address, {"key": CANARY}, per_second=10)
        started = time.monotonic()
        for _ in range(2):
            with Client(settings, login, IMPATIENT) as client:
                client.get("/things")
                client.get("/things")
    assert time.monotonic() - started >= 0.29


@pytest.mark.parametrize(
    "failure", [Response(401, PERSON.encode()), answer({"detail": PERSON}, 400), Response(500, PERSON.encode())]
)
def test_neither_secrets_nor_people_are_in_errors_or_logs(
    settings: Settings, failure: Response, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with client_of(settings, "ometria") as (client, server):
        server.failures = [failure] * 3
        with pytest.raises(OperatorError) as refused:
            client.get("/things", {"email": PERSON, "token": CANARY})
    said = f"{refused.value!r} {refused.value} {refused.value.__cause__!r} {caplog.text} {client._login!r}"
    assert "canary" not in said
    assert server.requests[0].query["email"] == PERSON


def test_a_file_is_saved_byte_for_byte_and_without_our_secrets(settings: Settings) -> None:
    packed = bytes(range(256)) * 100
    with client_of(
        settings, "optimizely", lambda _: Response(200, packed, {"Content-Type": "binary/octet-stream"})
    ) as (client, server):
        server.failures = [Response(200, packed[:100], cut=50)]
        client.download(f"{server.address}/files/a.csv.gz?X-Amz-Signature={CANARY}", settings.data / "a.csv.gz")
    assert (settings.data / "a.csv.gz").read_bytes() == packed
    assert all(CANARY not in request.headers.values() for request in server.requests)


def test_a_file_is_not_fetched_from_where_others_can_listen(settings: Settings) -> None:
    with client_of(settings, "optimizely") as (client, _), pytest.raises(RefusedError, match="https") as refused:
        client.download(f"http://files.example.com/a.csv?token={CANARY}", settings.data / "a.csv")
    assert CANARY not in str(refused.value)
