"""LiteLLM's model-management API as one replica of a proxy answers it, version by version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from . import litellm_rows as rules
from .litellm_admin import Admin
from .litellm_errors import (
    CONFIG_MODEL,
    NO_LICENCE,
    NO_LIST,
    NO_ROUTER,
    NOT_ADDED,
    NOT_LIVE,
    Json,
    Unprocessable,
    authentication_error,
    crash_answer,
    error_answer,
    json_answer,
    parse_body,
    parse_count,
    refusal,
    require,
)
from .litellm_listing import INJECTED_INFO, listed_row
from .litellm_router import Router
from .server import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .litellm_rows import Database, Row


PAGES: Final = (1, 81)
SHORT_READINESS: Final = (1, 95)
CRASHES_IN_JSON: Final = (1, 95)
NOT_LIVE_REPORTED: Final = (1, 97)
CREDENTIAL_CHECKED: Final = (1, 104)
TYPED_ERRORS: Final = (1, 109)
_PATCH: Final = re.compile(r"/model/([^/]+)/update")
_READY: Final[Json] = {"status": "healthy", "db": "connected"}


class Replica:
    """One proxy process, with its own router; replicas share the database.

    ``answer`` and ``reload`` hold the lock of the database. ``admin`` has settings and users.
    """

    def __init__(
        self, version: str, database: Database, config_models: Iterable[Json], keys: Iterable[str]
    ) -> None:
        self._name = version
        self._version = rules.parse_version(version)
        self._typed = self._version >= TYPED_ERRORS
        self._database = database
        self._authorized = {f"Bearer {key}" for key in keys}
        self._router = Router(self._version, config_models)
        self.admin = Admin(self._version)

    def reload(self) -> None:
        """Read the database into the router again, like LiteLLM's poll."""
        with self._database.lock:
            self._router.reload(self._database.rows)

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> Answer:
        """Answer a request."""
        url = urlsplit(target)
        path, query = unquote(url.path), dict(parse_qsl(url.query))
        with self._database.lock:
            if method == "GET" and (public := self._public(path)):
                return public
            token = authorization.removeprefix("Bearer ")
            handle = self._handler(method, path, query, body)
            if method == "GET" and (told := self.admin.answer(path, query, token)):
                handle = lambda: told  # noqa: E731
            if handle is None:
                return json_answer(404, {"detail": "Not Found"})
            if refused := self._refused(path, authorization):
                return refused
            try:
                return handle()
            except Unprocessable as invalid:
                return json_answer(422, {"detail": invalid.detail})

    def _refused(self, path: str, authorization: str) -> Answer | None:
        """Return the answer to a key that is wrong, or may not do this; None if it may."""
        token = authorization.removeprefix("Bearer ")
        if token in self.admin.users:
            return self.admin.may_read(path, token)
        if authorization in self._authorized:
            return None
        return authentication_error(token, typed=self._typed)

    def _handler(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> Callable[[], Answer] | None:
        if method == "GET":
            read = self._reader(path)
            return (lambda: read(query)) if read else None
        write = self._writer(method, path)
        return (lambda: write(parse_body(body))) if write else None

    def _public(self, path: str) -> Answer | None:
        payload: Json = {"cache": None, "litellm_version": self._name, "success_callbacks": []}
        if path == "/health/readiness":
            ready = _READY if self._version >= rules.HEALTHY else {**_READY, "status": "connected"}
            return json_answer(
                200, ready if self._version >= SHORT_READINESS else {**ready, **payload}
            )
        if path == "/public/model_hub/info":
            title = {"docs_title": "LiteLLM API", "custom_docs_description": None}
            return json_answer(200, {**title, "litellm_version": self._name, "useful_links": {}})
        if path in {"/health/liveliness", "/health/liveness"}:
            return json_answer(200, "I'm alive!")
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
        return json_answer(200, {**_READY, "cache": None, "litellm_version": self._name})

    def _credentials(self, _: dict[str, str]) -> Answer:
        names = [{"credential_name": name} for name in sorted(self._database.credentials)]
        return json_answer(200, {"success": True, "credentials": names})

    def _listed(self, row: Row) -> Json:
        return listed_row(row, self._version, db_model=not self._router.is_configured(row.model_id))

    def _v1_info(self, query: dict[str, str]) -> Answer:
        if not self._router.exists:
            return json_answer(500, {"detail": {"error": NO_LIST}})
        live, wanted = self._router.live(), query.get("litellm_model_id")
        if wanted is not None and wanted not in live:
            text = f"Model id = {wanted} not found on litellm proxy"
            return json_answer(400, {"detail": {"error": text}})
        data = [self._listed(row) for row in live.values() if wanted in {None, row.model_id}]
        if self._version >= INJECTED_INFO:
            for row in data:
                row["model_info"] |= {"direct_access": True, "access_via_team_ids": []}
        return json_answer(200, {"data": data})

    def _unpaged_v2_info(self, _: dict[str, str]) -> Answer:
        if not self._router.exists:
            return json_answer(500, {"detail": {"error": NO_ROUTER}})
        return json_answer(
            200, {"data": [self._listed(row) for row in self._router.live().values()]}
        )

    def _v2_info(self, query: dict[str, str]) -> Answer:
        page, size = parse_count(query, "page", 1), parse_count(query, "size", 50)
        live, wanted = self._router.live(), query.get("modelId")
        rows = list(live.values())
        if wanted is not None and live:  # an empty router answers without a look at the database
            found = live.get(wanted) or self._database.rows.get(wanted)
            rows = [found] if found else []
        search = query.get("search", "").lower()
        rows = [row for row in rows if search in row.model_name.lower()]
        counts = {"total_count": len(rows), "current_page": page}
        counts |= {"total_pages": -(-len(rows) // size), "size": size}
        data = [self._listed(row) for row in rows[(page - 1) * size : page * size]]
        return json_answer(200, {"data": data, **counts})

    def _new(self, body: Json) -> Answer:
        if body.get("model_name") is None or body.get("litellm_params") is None:
            return self._crash()
        if "model" not in body["litellm_params"]:
            if self._version < rules.MODEL_REQUIRED:
                return self._crash()
            raise Unprocessable("missing", ("body", "litellm_params", "model"), "Field required")
        row = rules.new_row(body, self._version)
        if row.model_info.get("team_id"):
            return self._refuse(400, f"Team id={row.model_info['team_id']} does not exist in db")
        if row.model_id in self._database.rows:
            return self._refuse(500, NOT_ADDED)
        self._database.rows[row.model_id] = row
        self.reload()
        if self._version >= NOT_LIVE_REPORTED and row.model_id not in self._router.live():
            return error_answer(500, NOT_LIVE.format(row.model_id), "internal_server_error", None)
        return json_answer(200, rules.stored_answer(row, self._version))

    def _patch(self, model_id: str, body: Json) -> Answer:
        row = self._database.rows.get(model_id)
        if row is None:
            return self._unpatchable(model_id)
        if row.model_info.get("team_id"):
            return json_answer(403, {"detail": {"error": NO_LICENCE}})
        name = (body.get("litellm_params") or {}).get("litellm_credential_name")
        if name and self._version >= CREDENTIAL_CHECKED and name not in self._database.credentials:
            text = f"Credential '{name}' not found. Create it via /credentials before attaching it"
            return error_answer(
                400, f"{text} to a model.", "validation_error", "litellm_credential_name"
            )
        changed = rules.patch_row(row, body, self._version)
        self._database.rows[model_id] = changed
        self._router.drop_before_reload()
        self.reload()
        return json_answer(200, rules.stored_answer(changed, self._version))

    def _block(self, body: Json, *, value: bool) -> Answer:
        return self._patch(require(body, "model_id"), {"blocked": value})

    def _unpatchable(self, model_id: str) -> Answer:
        if model_id in self._router.live():
            return error_answer(400, CONFIG_MODEL, "validation_error", None)
        return error_answer(404, f"Model {model_id} not found on proxy.", "not_found_error", None)

    def _delete(self, body: Json) -> Answer:
        model_id = require(body, "id")
        row = self._database.rows.get(model_id)
        if row is None:
            return self._refuse(400, f"Model with id={model_id} not found in db")
        if row.model_info.get("team_id"):
            return self._refuse(403, NO_LICENCE)
        del self._database.rows[model_id]
        self._router.remove(model_id)
        return json_answer(200, {"message": f"Model: {model_id} deleted successfully"})

    def _refuse(self, status: int, text: str) -> Answer:
        return refusal(status, text, typed=self._typed)

    def _crash(self) -> Answer:
        return crash_answer(in_json=self._version >= CRASHES_IN_JSON)
