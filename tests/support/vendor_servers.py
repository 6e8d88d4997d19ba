"""The vendors as servers with state: each lists what it holds by its own rules, refuses what it does not document, and changes while one reads.

A request outside the documented parameters is answered with 400 and noted in `violations`, which every test finds empty.
"""

import base64
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.support.http_server import Request, Response, answer

Row = dict[str, Any]
SECRET = "canary-4c1d"
START = datetime(2026, 2, 1, 12, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def at(minutes: float) -> str:
    """A time so many minutes after the beginning of the tests' world."""
    return stamp(START + timedelta(minutes=minutes))


class Vendor:
    """Rows by path, newest last; `after_page` is called when a page has gone out."""

    updated = "updatedAt"

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.sent: list[bytes] = []
        self.violations: list[str] = []
        self.after_page: Callable[[int], None] = lambda _: None
        self.clock = 4320.0  # minutes since the beginning of the tests' world

    def __call__(self, request: Request) -> Response:
        if not self.knows(request):
            return Response(401)
        response = self.answer(request)
        response = replace(
            response,
            headers={**response.headers, "Date": format_datetime(START + timedelta(minutes=self.clock), usegmt=True)},
        )
        if response.status == 400:
            self.violations.append(f"{request.path} {sorted(request.query)}")
        if response.status == 200 and request.method == "GET":
            self.sent.append(response.body)
            self.after_page(len(self.sent))
        return response

    def knows(self, request: Request) -> bool:
        raise NotImplementedError

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def hold(self, path: str, count: int, first: int = 0) -> None:
        """So many records, one a minute."""
        held = self.rows.setdefault(path, [])
        held += [
            {"id": f"{path}-{number:05d}", self.updated: at(number), "name": f"Åsa {number}"}
            for number in range(first, first + count)
        ]

    def touch(self, path: str, number: int, minutes: float) -> None:
        """Changes one record."""
        row = next(row for row in self.rows[path] if row["id"] == f"{path}-{number:05d}")
        row.update({self.updated: at(minutes), "name": f"{row['name']} changed"})

    def remove(self, path: str, number: int) -> None:
        self.rows[path] = [row for row in self.rows[path] if row["id"] != f"{path}-{number:05d}"]

    def within(self, query: dict[str, str], allowed: str, size: str, most: int) -> int | None:
        """The page size, if all parameters are documented and the size is allowed."""
        given = int(query.get(size, 1))
        return given if set(query) <= set(allowed.split()) and 1 <= given <= most else None


class Ometria(Vendor):
    """Offsets over internal ids; profiles do not say when they changed."""

    secrets = ("key",)
    stream, path = "profiles", "profiles"

    def knows(self, request: Request) -> bool:
        return request.headers.get("x-ometria-auth") == SECRET

    def answer(self, request: Request) -> Response:
        if request.path == "/v2/lists":
            return answer(self.rows.get("lists", [])) if request.query == {"mode": "all"} else Response(400)
        limit = self.within(request.query, "limit offset updateSince", "limit", 250)
        since = request.query.get("updateSince", "2000-01-01")
        if limit is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", since):
            return Response(400)
        start = int(request.query.get("offset", 0))
        found = [
            row for row in self.rows.get(request.path.strip("/").removeprefix("v2/"), []) if row[self.updated] >= since
        ]
        return answer(
            [
                {name: value for name, value in row.items() if name != self.updated}
                for row in found[start : start + limit]
            ],
            Date="Wed, 04 Feb 2026 12:00:00 GMT",
        )


class Omnisend(Vendor):
    """Opaque cursors that carry filter and order, and can go bad."""

    secrets = ("key",)
    stream, path = "contacts", "contacts"
    era = 0

    def knows(self, request: Request) -> bool:
        return (
            request.headers.get("authorization") == f"Omnisend-API-Key {SECRET}"
            and request.headers.get("omnisend-version") == "2026-03-15"
        )

    def answer(self, request: Request) -> Response:
        query = request.query
        limit = self.within(query, "limit after sort direction updatedAtFrom", "limit", 250)
        if limit is None or ("after" in query and "sort" in query):
            return Response(400)
        since = query.get("updatedAtFrom", "")
        cursor = (
            json.loads(base64.b64decode(query["after"]))
            if "after" in query
            else {"era": self.era, "since": since, "seen": ["", ""]}
        )
        if cursor["era"] != self.era:
            return answer(
                {
                    "title": "Bad Request",
                    "detail": "cursor for anna.canary@example.com is not valid",
                    "instance": "abc",
                },
                400,
            )
        if cursor["since"] != since:
            return Response(400)
        ordered = sorted(
            (row for row in self.rows.get("contacts", []) if row[self.updated] >= since),
            key=lambda row: (row[self.updated], row["id"]),
        )
        rest = [row for row in ordered if [row[self.updated], row["id"]] > cursor["seen"]]
        page, has_more = rest[:limit], len(rest) > limit
        last = [page[-1][self.updated], page[-1]["id"]] if page else cursor["seen"]
        after = base64.b64encode(json.dumps({**cursor, "seen": last}).encode()).decode() if has_more else None
        return answer(
            {
                "contacts": page,
                "paging": {"limit": limit, "hasMore": has_more, "cursors": {"after": after, "before": None}},
            }
        )

    def spoil_cursors(self) -> None:
        self.era += 1


class OpenDelivery(Vendor):
    """Page numbers behind a token; three envelopes; a longest period."""

    secrets = ("client_id", "client_secret")
    stream, path = "customers", "customers"

    def __init__(self, envelope: str = "rc2", longest: timedelta | None = None) -> None:
        super().__init__()
        self.envelope, self.longest = envelope, longest
        self.tokens = 0

    def knows(self, request: Request) -> bool:
        return request.path == "/oauth/token" or request.headers.get("authorization") == f"Bearer token-{self.tokens}"

    def answer(self, request: Request) -> Response:
        if request.path == "/oauth/token":
            self.tokens += 1
            is_known = request.json == {
                "grant_type": "client_credentials",
                "client_id": SECRET,
                "client_secret": SECRET,
            }
            return answer({"access_token": f"token-{self.tokens}", "expires_in": 3600}) if is_known else Response(401)
        query = request.query
        size = self.within(query, "page pageSize updatedFrom updatedTo createdFrom createdTo", "pageSize", 500)
        since, until = (query.get(f"updated{end}", query.get(f"created{end}", "")) for end in ("From", "To"))
        if size is None or int(query.get("page", 0)) < 1 or not self._is_short(since, until):
            return Response(400)
        start = (int(query["page"]) - 1) * size
        field = "createdAt" if request.path == "/reviews" else self.updated
        found = [
            row
            for row in self.rows.get(request.path.strip("/"), [])
            if row[field] >= since and (not until or row[field] <= until)
        ]
        return self._enveloped(found[start : start + size], int(query["page"]), size, len(found))

    def _is_short(self, since: str, until: str) -> bool:
        if self.longest is None or not since:
            return True
        end = datetime.fromisoformat(until) if until else datetime.now(UTC)
        return end - datetime.fromisoformat(since) <= self.longest

    def _enveloped(self, rows: list[Row], page: int, size: int, total: int) -> Response:
        paging = {"page": page, "pageSize": size, "total": total}
        if self.envelope == "bare":
            return answer(rows)
        return answer({"items": rows, **(paging if self.envelope == "rc2" else {"pagination": paging})})


class Voucherify(Vendor):
    """Customers after a time, with that time itself counting or not; pages of orders and redemptions that end at a
    hundred."""

    secrets = ("app_id", "app_token")
    stream, path = "customers", "customers"
    updated = "updated_at"

    def __init__(self, *, border_counts: bool = False) -> None:
        super().__init__()
        self.border_counts = border_counts

    def knows(self, request: Request) -> bool:
        return (request.headers.get("x-app-id"), request.headers.get("x-app-token")) == (SECRET, SECRET)

    def answer(self, request: Request) -> Response:
        name = request.path.removeprefix("/v1/")
        query = request.query
        limit = self.within(query, "limit order page starting_after created_at[after]", "limit", 100)
        if (
            limit is None
            or ("starting_after" in query and "page" in query)
            or int(query.get("page", 1)) > (99 if name != "orders" else 100)
        ):
            return Response(400)
        found = self._found(name, query)
        start = (int(query.get("page", 1)) - 1) * limit
        page = found[start : start + limit]
        return answer(
            {
                "object": "list",
                "data_ref": name,
                name: page,
                "total": len(found),
                "has_more": len(found) > start + limit,
            }
        )

    def _found(self, name: str, query: dict[str, str]) -> list[Row]:
        order = query.get("order", "-created_at")
        field = order.strip("-") if name != "segments" else "id"
        # Without a time they stand first where the greatest does, as Postgres has it.
        found = sorted(
            self.rows.get(name, []),
            key=lambda row: (row[field] is None, row[field] or "", row["id"]),
            reverse=order.startswith("-"),
        )
        if after := query.get("starting_after"):
            found = [row for row in found if row[field] > after or (self.border_counts and row[field] == after)]
        if after := query.get("created_at[after]"):
            found = [row for row in found if row["created_at"] > after]
        return found


class Optimizely(Vendor):
    """Export jobs for segments: started, asked after, and files behind signed addresses."""

    secrets = ("key",)
    stream, path = "segments", "segments"

    def __init__(self) -> None:
        super().__init__()
        self.address = ""
        self.jobs: list[str] = []
        self.states = ["pending", "running", "completed"]
        self.asked = 0
        self.busy = 0
        self.file = gzip.compress(
            b"email,name\n" + b"".join(b'p%d@example.com,"in two\nlines"\n' % number for number in range(7))
        )

    def knows(self, request: Request) -> bool:
        return request.path.startswith("/files/") or request.headers.get("x-api-key") == SECRET

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/files/"):
            return (
                Response(200, self.file, {"Content-Type": "binary/octet-stream"})
                if request.query == {"X-Amz-Signature": SECRET}
                else Response(403)
            )
        if request.method == "POST":
            return self._start(request)
        state = self.states[min(self.asked, len(self.states) - 1)]
        self.asked += 1
        done = (
            {
                "presignedUrls": [f"{self.address}/files/{self.jobs[-1]}_0_0_0.csv.gz?X-Amz-Signature={SECRET}"],
                "exportRowCount": 7,
            }
            if state == "completed"
            else {}
        )
        return answer({"id": f"job-{len(self.jobs)}", "state": state, **done})

    def _start(self, request: Request) -> Response:
        if self.busy:
            self.busy -= 1
            return answer({"title": "already being exported"}, 422, Retry_After="0")
        select = request.json.get("select", {})
        if (
            request.path != "/v3/export-segment-members"
            or set(select) != {"segments", "fields", "maxDelay"}
            or len(select["segments"]) != 1
        ):
            return Response(400)
        self.jobs += select["segments"]
        self.asked = 0
        return answer({"id": f"job-{len(self.jobs)}"}, 201)


LISTING = {"ometria": Ometria, "omnisend": Omnisend, "open_delivery": OpenDelivery, "voucherify": Voucherify}
