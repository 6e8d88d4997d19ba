"""The vendors as receivers with state: each merges what it is sent by its own key, checks every body by schema, and has a way to fail a record."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema

from tests.support.http_server import Request, Response, answer
from tests.support.paths import VENDOR_SCHEMAS

SECRET = "canary-9f2e"


# By these words, and by a welcome, a vendor would think that somebody wants to hear of the shop.
SUBSCRIBING = {
    ("consent", True),
    ("marketing_optin", "EXPLICITLY_OPTEDIN"),
    ("@force_optin", True),
    ("status", "subscribed"),
    ("status", "opt_in"),
    ("sendWelcomeMessage", True),
}


def said(body: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every name of a body with each value that stands under it."""
    if isinstance(body, dict):
        for key, inner in body.items():
            yield from said(inner, key)
    elif isinstance(body, list):
        for inner in body:
            yield from said(inner, name)
    else:
        yield name, body


class Receiver:
    """Records by key; `refused` names keys that fail, with the vendor's words, and `code` its code for that."""

    vendor = ""
    secrets: tuple[str, ...] = ("key",)

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, set[str]] = {}
        self.opted_out: set[str] = set()
        self.subscribed: set[str] = set()
        self.refused: dict[str, str] = {}
        self.code = "invalid_payload"
        self.bodies: list[bytes] = []
        self.polls_before_done = 0
        self._schema = json.loads((VENDOR_SCHEMAS / f"{self.vendor}.json").read_bytes())

    def __call__(self, request: Request) -> Response:
        if not self.knows(request):
            return Response(401)
        if request.method == "GET":
            return self.judged(request)
        self.bodies.append(request.body)
        self.subscribed |= {f"{name}: {value}" for name, value in said(request.json) if (name, value) in SUBSCRIBING}
        return self.taken(request)

    def knows(self, request: Request) -> bool:
        raise NotImplementedError

    def taken(self, request: Request) -> Response:
        raise NotImplementedError

    def judged(self, request: Request) -> Response:
        return Response(404)

    def checked(self, request: Request) -> Any:
        jsonschema.validate(request.json, self._schema)
        return request.json

    def merge(self, key: str, values: dict[str, Any]) -> None:
        if key not in self.refused:
            self.held.setdefault(key, {}).update(values)


class Optimizely(Receiver):
    vendor = "optimizely"

    def knows(self, request: Request) -> bool:
        return request.headers.get("x-api-key") == SECRET

    def taken(self, request: Request) -> Response:
        if request.path == "/v3/consent":
            self.opted_out |= {one["identifier_value"] for one in request.json if one["consent"] is False}
            return answer({}, 202)
        for record in self.checked(request):
            attributes = record["attributes"]
            [(name, value)] = [
                (name, attributes[name]) for name in ("customer_id", "vuid", "email") if name in attributes
            ]
            self.merge(f"{name}:{value}", {key: inner for key, inner in attributes.items() if key != name})
        return answer({"title": "Accepted", "status": 202}, 202)


class Ometria(Receiver):
    vendor = "ometria"

    def knows(self, request: Request) -> bool:
        return request.headers.get("x-ometria-auth") == SECRET

    def taken(self, request: Request) -> Response:
        if "marketing_optin" in request.json[0]:
            self.opted_out |= {
                record["email"] for record in request.json if record["marketing_optin"] == "EXPLICITLY_OPTEDOUT"
            }
            return answer({"status": "OK", "request_id": "r", "accepted": len(request.json), "rejected": 0})
        for record in self.checked(request):
            self.merge(record["id"], record["properties"])
        return answer({"status": "OK", "request_id": "r", "accepted": len(request.json), "rejected": 0})


class OpenDelivery(Receiver):
    vendor = "open_delivery"
    secrets = ("client_id", "client_secret")

    def __call__(self, request: Request) -> Response:
        if request.path == "/oauth/token":
            return answer({"access_token": "token-1", "expires_in": 3600})
        return super().__call__(request)

    def knows(self, request: Request) -> bool:
        return request.headers.get("authorization") == "Bearer token-1"

    def taken(self, request: Request) -> Response:
        if "consents" in request.json["items"][0]:
            self.opted_out |= {record["identifier"]["value"] for record in request.json["items"]}
            return answer({"status": "ACCEPTED"}, 202)
        for record in self.checked(request)["items"]:
            self.merge(f"{record['identifier']['type']}:{record['identifier']['value']}", record["metadata"]["c360"])
        return answer({"status": "ACCEPTED", "correlationId": "c"}, 202)


class Voucherify(Receiver):
    vendor = "voucherify"
    secrets = ("app_id", "app_token")

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[list[str]] = []

    def knows(self, request: Request) -> bool:
        return request.headers.get("x-app-id") == SECRET and request.headers.get("x-app-token") == SECRET

    def taken(self, request: Request) -> Response:
        if "c360_optout_email" in request.json[0]["metadata"]:
            self.opted_out |= {record["source_id"] for record in request.json}
        else:
            for record in self.checked(request):
                self.merge(record["source_id"], record["metadata"])
        self.actions.append([record["source_id"] for record in request.json])
        return answer({"async_action_id": f"aa_{len(self.actions)}"}, 202)

    def judged(self, request: Request) -> Response:
        if self.polls_before_done:
            self.polls_before_done -= 1
            return answer({"status": "IN_PROGRESS", "object": "async_action"})
        keys = self.actions[int(request.path.removeprefix("/v1/async-actions/aa_")) - 1]
        errors = [
            {"source_id": key, "key": self.code, "message": self.refused[key]} for key in keys if key in self.refused
        ]
        return answer(
            {
                "status": "DONE",
                "operation_status": "SUCCESS",
                "result": {"done_count": 1, "failed_count": len(errors), "errors": errors},
            }
        )


class Omnisend(Receiver):
    vendor = "omnisend"

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[dict[str, Any]]] = []

    def knows(self, request: Request) -> bool:
        return (
            request.headers.get("authorization") == f"Omnisend-API-Key {SECRET}"
            and request.headers.get("omnisend-version") == "2026-03-15"
        )

    def taken(self, request: Request) -> Response:
        if request.path == "/contacts/tags":
            for address in request.json["emails"]:
                had = self.tags.setdefault(address, set())
                self.tags[address] = (
                    had | set(request.json["tags"]) if request.method == "POST" else had - set(request.json["tags"])
                )
            return answer({}, 202)
        items = request.json["items"]
        if "channels" in items[0]["identifiers"][0]:
            self.opted_out |= {item["identifiers"][0]["id"] for item in items}
        else:
            for item in self.checked(request)["items"]:
                self.merge(f"email:{item['identifiers'][0]['id']}", item["customProperties"])
        self.batches.append(items)
        return answer({"batchID": str(len(self.batches)), "totalCount": len(items)}, 201)

    def judged(self, request: Request) -> Response:
        items = self.batches[int(request.path.removeprefix("/batches/")) - 1]
        errors = [
            {
                "itemID": "i",
                "request": item,
                "responseCode": 400,
                "response": {"detail": self.refused[f"email:{item['identifiers'][0]['id']}"]},
            }
            for item in items
            if f"email:{item['identifiers'][0]['id']}" in self.refused
        ]
        status = "inProgress" if self.polls_before_done else "finished"
        self.polls_before_done = max(0, self.polls_before_done - 1)
        return answer(
            {
                "status": status,
                "totalCount": len(items),
                "finishedCount": len(items),
                "errorsCount": len(errors),
                "errors": errors,
            }
        )


RECEIVERS: dict[str, type[Receiver]] = {
    receiver.vendor: receiver for receiver in (Optimizely, Ometria, OpenDelivery, Voucherify, Omnisend)
}
