"""LiteLLM's model-management API as one replica of a proxy answers it, version by version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from . import litellm_rows as rules
from .litellm_errors import (
    CONFIG_MODEL,
    NO_LICENCE,
    NO_LIST,
    NO_ROUTER,
    NOT_ADDED,
    NOT_LIVE,
    Json,
    Unprocessable,
    as_json,
    counted,
    crashed,
    error,
    parsed,
    refused,
    required,
    unauthenticated,
)
from .litellm_listing import INJECTED_INFO, listed_row
from .server import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .litellm_rows import Database, Row


PAGES: Final = (1, 81)
INFO_CHANGES_SEEN: Final = (1, 83)
SHORT_READINESS: Final = (1, 95)
LAST_ROW_EVICTED: Final = (1, 95)
CRASHES_IN_JSON: Final = (1, 95)
NOT_LIVE_REPORTED: Final = (1, 97)
ROUTER_KEPT: Final = (1, 98)
CREDENTIAL_CHECKED: Final = (1, 104)
TYPED_ERRORS: Final = (1, 109)
_PATCH: Final = re.compile(r"/model/([^/]+)/update")
_READY: Final[Json] = {"status": "healthy", "db": "connected"}


class Replica:
    """One proxy process: it serves its own router, a copy of the database of some time ago.

    ``answer`` and ``reload`` hold the database's lock, so replicas take turns.
    """

    def __init__(
        self, version: str, database: Database, config_models: Iterable[Json], master_key: str
    ) -> None:
        self._name = version
        self._version = rules.parse_version(version)
        self._typed = self._version >= TYPED_ERRORS
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
            handle = self._handler(method, path, query, body)
            if handle is None:
                return as_json(404, {"detail": "Not Found"})
            if authorization != f"Bearer {self._master_key}":
                token = authorization.removeprefix("Bearer ")
                return unauthenticated(token, typed=self._typed)
            try:
                return handle()
            except Unprocessable as refusal:
                return as_json(422, {"detail": refusal.detail})

    def _handler(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> Callable[[], Answer] | None:
        if method == "GET":
            read = self._reader(path)
            return (lambda: read(query)) if read else None
        write = self._writer(method, path)
        return (lambda: write(parsed(body))) if write else None

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
            ready = _READY if self._version >= rules.HEALTHY else {**_READY, "status": "connected"}
            return as_json(200, ready if self._version >= SHORT_READINESS else {**ready, **told})
        if path == "/public/model_hub/info":
            title = {"docs_title": "LiteLLM API", "custom_docs_description": None}
            return as_json(200, {**title, "litellm_version": self._name, "useful_links": {}})
        if path in {"/health/liveliness", "/health/liveness"}:
            return as_json(200, "I'm alive!")
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
        return as_json(200, {**_READY, "cache": None, "litellm_version": self._name})

    def _credentials(self, _: dict[str, str]) -> Answer:
        names = [{"credential_name": name} for name in sorted(self._database.credentials)]
        return as_json(200, {"success": True, "credentials": names})

    def _live(self) -> dict[str, Row]:
        return {**self._config, **(self._router or {})}

    def _listed(self, row: Row) -> Json:
        return listed_row(row, self._version, db_model=row.model_id not in self._config)

    def _v1_info(self, query: dict[str, str]) -> Answer:
        if self._router is None:
            return as_json(500, {"detail": {"error": NO_LIST}})
        live, wanted = self._live(), query.get("litellm_model_id")
        if wanted is not None and wanted not in live:
            text = f"Model id = {wanted} not found on litellm proxy"
            return as_json(400, {"detail": {"error": text}})
        data = [self._listed(row) for row in live.values() if wanted in {None, row.model_id}]
        if self._version >= INJECTED_INFO:
            for row in data:
                row["model_info"] |= {"direct_access": True, "access_via_team_ids": []}
        return as_json(200, {"data": data})

    def _unpaged_v2_info(self, _: dict[str, str]) -> Answer:
        if self._router is None:
            return as_json(500, {"detail": {"error": NO_ROUTER}})
        return as_json(200, {"data": [self._listed(row) for row in self._live().values()]})

    def _v2_info(self, query: dict[str, str]) -> Answer:
        page, size = counted(query, "page", 1), counted(query, "size", 50)
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
        return as_json(200, {"data": data, **counts})

    def _new(self, body: Json) -> Answer:
        if body.get("model_name") is None or body.get("litellm_params") is None:
            return self._crashed()
        if "model" not in body["litellm_params"]:
            if self._version < rules.MODEL_REQUIRED:
                return self._crashed()
            raise Unprocessable("missing", ("body", "litellm_params", "model"), "Field required")
        row = rules.new_row(body, self._version)
        if row.model_info.get("team_id"):
            return self._refused(400, f"Team id={row.model_info['team_id']} does not exist in db")
        if row.model_id in self._database.rows:
            return self._refused(500, NOT_ADDED)
        self._database.rows[row.model_id] = row
        self.reload()
        if self._version >= NOT_LIVE_REPORTED and row.model_id not in self._live():
            return error(500, NOT_LIVE.format(row.model_id), "internal_server_error", None)
        return as_json(200, rules.stored_answer(row, self._version))

    def _patch(self, model_id: str, body: Json) -> Answer:
        row = self._database.rows.get(model_id)
        if row is None:
            return self._unpatchable(model_id)
        if row.model_info.get("team_id"):
            return as_json(403, {"detail": {"error": NO_LICENCE}})
        name = (body.get("litellm_params") or {}).get("litellm_credential_name")
        if name and self._version >= CREDENTIAL_CHECKED and name not in self._database.credentials:
            text = f"Credential '{name}' not found. Create it via /credentials before attaching it"
            return error(400, f"{text} to a model.", "validation_error", "litellm_credential_name")
        changed = rules.patched_row(row, body, self._version)
        self._database.rows[model_id] = changed
        if self._version < ROUTER_KEPT and self._router is not None:
            self._router.clear()
        self.reload()
        return as_json(200, rules.stored_answer(changed, self._version))

    def _block(self, body: Json, *, value: bool) -> Answer:
        return self._patch(required(body, "model_id"), {"blocked": value})

    def _unpatchable(self, model_id: str) -> Answer:
        if model_id in self._live():
            return error(400, CONFIG_MODEL, "validation_error", None)
        return error(404, f"Model {model_id} not found on proxy.", "not_found_error", None)

    def _delete(self, body: Json) -> Answer:
        model_id = required(body, "id")
        row = self._database.rows.get(model_id)
        if row is None:
            return self._refused(400, f"Model with id={model_id} not found in db")
        if row.model_info.get("team_id"):
            return self._refused(403, NO_LICENCE)
        del self._database.rows[model_id]
        if self._router is not None:
            self._router.pop(model_id, None)
        return as_json(200, {"message": f"Model: {model_id} deleted successfully"})

    def _refused(self, status: int, text: str) -> Answer:
        return refused(status, text, typed=self._typed)

    def _crashed(self) -> Answer:
        return crashed(in_json=self._version >= CRASHES_IN_JSON)
