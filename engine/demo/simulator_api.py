"""LiteLLM's model-management API as one replica of a proxy answers it, version by version."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from . import simulator_rows as rules
from .simulator_rows import Database, Json, Row, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGES: Final = (1, 81)
INFO_CHANGES_SEEN: Final = (1, 83)
SHORT_READINESS: Final = (1, 95)
LAST_ROW_EVICTED: Final = (1, 95)
CRASHES_IN_JSON: Final = (1, 95)
NOT_LIVE_REPORTED: Final = (1, 97)
ROUTER_KEPT: Final = (1, 98)
CREDENTIAL_CHECKED: Final = (1, 104)
PLAIN_ERRORS: Final = (1, 109)

_PATCH: Final = re.compile(r"/model/([^/]+)/update")
_READY: Final[Json] = {"status": "healthy", "db": "connected"}
_NO_LIST: Final = (
    "LLM Model List not loaded in. Make sure you passed models in your config.yaml or on the "
    "LiteLLM Admin UI. - https://docs.litellm.ai/docs/proxy/configs"
)
_NO_ROUTER: Final = (
    "No model list passed, models router=None. You can add a model through the config.yaml or on "
    "the LiteLLM Admin UI."
)
_NO_LICENCE: Final = "You must be a LiteLLM Enterprise user to use this feature."
_UNKNOWN_KEY: Final = (
    "Authentication Error, Invalid proxy server token passed. Received API Key = sk-..., "
    "Key Hash (Token) ={}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
)
_NOT_LIVE: Final = (
    "Model create was saved to the database, but the model id(s) ['{}'] are not live in this "
    "pod's router after the reload and are not being served by this pod. Other pods reload on "
    "their own interval. Check server logs for 'Error upserting deployment' or 'Error creating "
    "deployment' for the cause."
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; ``drop`` closes the connection after it, unannounced."""

    status: int
    body: bytes
    content_type: str = "application/json"
    drop: bool = False


class Replica:
    """One proxy process: it serves its own router, a copy of the database of some time ago.

    ``answer`` and ``reload`` hold the database's lock, so replicas take turns.
    """

    def __init__(
        self, version: str, database: Database, config_models: Iterable[Json], master_key: str
    ) -> None:
        self._name = version
        self._version = rules.parse_version(version)
        self._database = database
        self._master_key = master_key
        self._config = {row.model_id: row for row in map(rules.config_row, config_models)}
        self._router: dict[str, Row] | None = {} if self._config else None

    def reload(self) -> None:
        """Re-read the database into the router, as LiteLLM's poll does."""
        with self._database.lock:
            stored = self._database.rows
            if self._router is None:
                if not stored:
                    return
                self._router = {}
            if stored or self._version >= LAST_ROW_EVICTED:
                for model_id in self._router.keys() - stored.keys():
                    del self._router[model_id]
            for row in stored.values():
                self._load(self._router, row)

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> Answer:
        """What LiteLLM answers to a request."""
        url = urlsplit(target)
        path, query = unquote(url.path), dict(parse_qsl(url.query))
        with self._database.lock:
            if method == "GET" and (public := self._public(path)):
                return public
            read = self._reader(path) if method == "GET" else None
            write = None if method == "GET" else self._writer(method, path)
            if not (read or write):
                return _json(404, {"detail": "Not Found"})
            if authorization != f"Bearer {self._master_key}":
                return _unauthenticated(authorization.removeprefix("Bearer "))
            try:
                return read(query) if read else _written(write, body)
            except Unprocessable as refusal:
                return _json(422, {"detail": refusal.detail})

    def _load(self, router: dict[str, Row], row: Row) -> None:
        """Take over a new or changed row; a changed one moves to the end of the listings."""
        held = router.get(row.model_id)
        if self._version < INFO_CHANGES_SEEN and held is not None:
            changed = held.litellm_params != row.litellm_params
        else:
            changed = held != row
        if not rules.is_served(row):
            if self._version < ROUTER_KEPT:  # newer ones go on serving what the row was before
                router.pop(row.model_id, None)
        elif changed:
            router.pop(row.model_id, None)
            router[row.model_id] = row

    def _public(self, path: str) -> Answer | None:
        told: Json = {"cache": None, "litellm_version": self._name, "success_callbacks": []}
        if path == "/health/readiness":
            return _json(200, _READY if self._version >= SHORT_READINESS else {**_READY, **told})
        if path == "/public/model_hub/info":
            title = {"docs_title": "LiteLLM API", "custom_docs_description": None}
            return _json(200, {**title, "litellm_version": self._name, "useful_links": {}})
        if path in {"/health/liveliness", "/health/liveness"}:
            return _json(200, "I'm alive!")
        return None

    def _reader(self, path: str) -> Callable[[dict[str, str]], Answer] | None:
        if path == "/health/readiness/details" and self._version < SHORT_READINESS:
            return None
        return {
            "/health/readiness/details": self._details,
            "/credentials": self._credentials,
            "/v2/model/info": self._v2_info if self._version >= PAGES else self._unpaged_v2_info,
            "/v1/model/info": self._v1_info,
            "/model/info": self._v1_info,
        }.get(path)

    def _writer(self, method: str, path: str) -> Callable[[Json], Answer] | None:
        if method == "PATCH":
            found = _PATCH.fullmatch(path)
            return (lambda body: self._patch(found[1], body)) if found else None
        writers = {"/model/new": self._new, "/model/delete": self._delete}
        if self._version >= rules.BLOCKING:
            writers["/model/block"] = lambda body: self._block(body, value=True)
            writers["/model/unblock"] = lambda body: self._block(body, value=False)
        return writers.get(path) if method == "POST" else None

    def _details(self, _: dict[str, str]) -> Answer:
        return _json(200, {**_READY, "cache": None, "litellm_version": self._name})

    def _credentials(self, _: dict[str, str]) -> Answer:
        names = [{"credential_name": name} for name in sorted(self._database.credentials)]
        return _json(200, {"success": True, "credentials": names})

    def _live(self) -> dict[str, Row]:
        return {**self._config, **(self._router or {})}

    def _listed(self, row: Row) -> Json:
        return rules.listed_row(row, self._version, db_model=row.model_id not in self._config)

    def _v1_info(self, query: dict[str, str]) -> Answer:
        if self._router is None:
            return _json(500, {"detail": {"error": _NO_LIST}})
        live, wanted = self._live(), query.get("litellm_model_id")
        if wanted is not None and wanted not in live:
            text = f"Model id = {wanted} not found on litellm proxy"
            return _json(400, {"detail": {"error": text}})
        data = [self._listed(row) for row in live.values() if wanted in {None, row.model_id}]
        if self._version >= rules.INJECTED_INFO:
            for row in data:
                row["model_info"] |= {"direct_access": True, "access_via_team_ids": []}
        return _json(200, {"data": data})

    def _unpaged_v2_info(self, _: dict[str, str]) -> Answer:
        if self._router is None:
            return _json(500, {"detail": {"error": _NO_ROUTER}})
        return _json(200, {"data": [self._listed(row) for row in self._live().values()]})

    def _v2_info(self, query: dict[str, str]) -> Answer:
        page, size = _counted(query, "page", 1), _counted(query, "size", 50)
        live, wanted = self._live(), query.get("modelId")
        rows = list(live.values())
        if wanted is not None and live:  # an empty router answers without a look at the database
            found = live.get(wanted) or self._database.rows.get(wanted)
            rows = [found] if found else []
        search = query.get("search", "").lower()
        rows = [row for row in rows if search in row.model_name.lower()]
        counts = {"total_count": len(rows), "current_page": page}
        counts |= {"total_pages": -(-len(rows) // size), "size": size}
        data = [self._listed(row) for row in rows[(page - 1) * size : page * size]]
        return _json(200, {"data": data, **counts})

    def _new(self, body: Json) -> Answer:
        if body.get("model_name") is None or body.get("litellm_params") is None:
            return self._crashed()
        if "model" not in body["litellm_params"]:
            raise Unprocessable("missing", ("body", "litellm_params", "model"), "Field required")
        row = rules.new_row(body, self._version)
        if row.model_info.get("team_id"):
            return self._refused(400, f"Team id={row.model_info['team_id']} does not exist in db")
        if row.model_id in self._database.rows:
            text = "Failed to add model to db. Check your server logs for more details."
            return self._refused(500, text)
        self._database.rows[row.model_id] = row
        self.reload()
        if self._version >= NOT_LIVE_REPORTED and row.model_id not in self._live():
            return _error(500, _NOT_LIVE.format(row.model_id), "internal_server_error", None)
        return _json(200, rules.stored_answer(row, self._version))

    def _patch(self, model_id: str, body: Json) -> Answer:
        row = self._database.rows.get(model_id)
        if row is None:
            return self._unpatchable(model_id)
        if row.model_info.get("team_id"):
            return _json(403, {"detail": {"error": _NO_LICENCE}})
        name = (body.get("litellm_params") or {}).get("litellm_credential_name")
        if name and self._version >= CREDENTIAL_CHECKED and name not in self._database.credentials:
            text = f"Credential '{name}' not found. Create it via /credentials before attaching it"
            return _error(400, f"{text} to a model.", "validation_error", "litellm_credential_name")
        changed = rules.patched_row(row, body, self._version)
        self._database.rows[model_id] = changed
        if self._version < ROUTER_KEPT and self._router is not None:
            self._router.clear()
        self.reload()
        return _json(200, rules.stored_answer(changed, self._version))

    def _block(self, body: Json, *, value: bool) -> Answer:
        return self._patch(_required(body, "model_id"), {"blocked": value})

    def _unpatchable(self, model_id: str) -> Answer:
        if model_id in self._live():
            text = "Cannot edit config-based model. Store model in DB via /model/new first."
            return _error(400, text, "validation_error", None)
        return _error(404, f"Model {model_id} not found on proxy.", "not_found_error", None)

    def _delete(self, body: Json) -> Answer:
        model_id = _required(body, "id")
        row = self._database.rows.get(model_id)
        if row is None:
            return self._refused(400, f"Model with id={model_id} not found in db")
        if row.model_info.get("team_id"):
            return self._refused(403, _NO_LICENCE)
        del self._database.rows[model_id]
        if self._router is not None:
            self._router.pop(model_id, None)
        return _json(200, {"message": f"Model: {model_id} deleted successfully"})

    def _refused(self, status: int, text: str) -> Answer:
        kind = "invalid_request_error" if self._version >= PLAIN_ERRORS else "auth_error"
        return _error(status, str({"error": text}), kind, "None")

    def _crashed(self) -> Answer:
        if self._version < CRASHES_IN_JSON:
            return Answer(500, b"Internal Server Error", "text/plain; charset=utf-8")
        told = {"message": "Internal server error", "type": "internal_server_error"}
        return Answer(500, _encoded({"error": told}), drop=True)


def _unauthenticated(token: str) -> Answer:
    if not token:
        return _error(401, "Authentication Error, No api key passed in.", "auth_error", "None")
    if not token.startswith("sk-"):
        text = "LiteLLM Virtual Key expected. Received=****, expected to start with 'sk-'."
        return _error(401, text, "auth_error", "None")
    text = _UNKNOWN_KEY.format(hashlib.sha256(token.encode()).hexdigest())
    return _error(401, text, "token_not_found_in_db", "key")


def _written(write: Callable[[Json], Answer] | None, body: bytes) -> Answer:
    try:
        sent = json.loads(body)
    except ValueError:
        raise Unprocessable("json_invalid", ("body",), "JSON decode error") from None
    if write is None or not isinstance(sent, dict):
        raise Unprocessable("model_attributes_type", ("body",), "Input should be an object")
    return write(sent)


def _required(body: Json, key: str) -> str:
    if key not in body:
        raise Unprocessable("missing", ("body", key), "Field required")
    return str(body[key])


def _counted(query: dict[str, str], key: str, default: int) -> int:
    number = query.get(key, str(default))
    if not number.isdecimal() or int(number) < 1:
        where, text = ("query", key), "Input should be greater than or equal to 1"
        raise Unprocessable("greater_than_equal", where, text)
    return int(number)


def _error(status: int, message: str, kind: str, param: str | None) -> Answer:
    told = {"message": message, "type": kind, "param": param, "code": str(status)}
    return _json(status, {"error": told})


def _json(status: int, payload: Any) -> Answer:
    return Answer(status, _encoded(payload))


def _encoded(payload: Any) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
