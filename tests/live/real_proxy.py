"""A real LiteLLM, used through its API; it may hold rows of other people."""

from __future__ import annotations

import time
from collections.abc import Set
from typing import Any, Final

import requests

from engine.fakes.litellm_rows import parse_version
from engine.state.deployment import MARK

from ..versions import SERIALISED, version_of

Json = dict[str, Any]
RELOAD: Final = 40.0
"""Seconds until a replica has read its database again: LiteLLM's interval is 30."""
_RELOADING: Final = 0.2
"""Seconds until a reload that has begun is over."""
VOLATILE = frozenset({"updated_at", "updated_by", "created_at", "created_by"})
"""Keys of a listed ``model_info`` that LiteLLM changes by itself."""


class RealProxy:
    """One replica of a LiteLLM, asked with the master key. ``made`` are rows made by hand.

    ``patches_exactly``: a row is changed in place, not replaced.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.made: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {key}"
        version = parse_version(version_of(self.url, self._session))
        self._serialised = version >= SERIALISED
        self.patches_exactly = self._serialised

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One request."""
        return self._session.request(method, self.url + path, json=body, timeout=120)

    def rows(self) -> list[Json]:
        """Every row of the listing."""
        answer = self.call("GET", "/v2/model/info?size=1000000")
        assert answer.status_code == 200, answer.text
        data: list[Json] = answer.json()["data"]
        return data

    def rows_on(self, server: str) -> list[Json]:
        """The rows on a server, by name, then id."""
        found = [
            row
            for row in self.rows()
            if f"{row['litellm_params'].get('api_base')}/".startswith(f"{server}/")
        ]
        return sorted(found, key=lambda row: (row["model_name"], row["model_info"]["id"]))

    def row(self, server: str, name: str) -> Json:
        """The only row of a name on a server."""
        found = [row for row in self.rows_on(server) if row["model_name"] == name]
        assert len(found) == 1, f"{len(found)} rows of {name} on {server}"
        return found[0]

    def stores(self, model_id: str) -> bool:
        """Whether a row is there, even one that LiteLLM cannot serve (1.83 and later show it)."""
        answer = self.call("GET", f"/v2/model/info?modelId={model_id}&size=1000000")
        assert answer.status_code == 200, answer.text
        return model_id in ids(answer.json()["data"])

    def new(self, name: str, params: Json, info: Json | None = None) -> str:
        """Make a row by hand; return the id that LiteLLM gives it."""
        body = {"model_name": name, "litellm_params": params, "model_info": info or {}}
        answer = self.call("POST", "/model/new", body)
        assert answer.status_code == 200, answer.text
        model_id = str(answer.json()["model_id"])
        self.made.append(model_id)
        return model_id

    def stored_info(self, row: Json) -> Json:
        """The ``model_info`` of a row as it is in the database, which an empty PATCH answers."""
        answer = self.call("PATCH", f"/model/{row['model_info']['id']}/update", {})
        assert answer.status_code == 200, answer.text
        info: Json = answer.json()["model_info"]
        return info

    def patch(self, row: Json, body: Json) -> None:
        """Edit a row by hand."""
        model_id = row["model_info"]["id"]
        if "model_info" in body:
            body = {**body, "model_info": {"id": model_id, **body["model_info"]}}
        answer = self.call("PATCH", f"/model/{model_id}/update", body)
        assert answer.status_code == 200, answer.text

    def delete(self, model_id: str) -> None:
        """Delete a row, whether it is there or not."""
        answer = self.call("POST", "/model/delete", {"id": model_id})
        assert answer.status_code in (200, 400), answer.text

    def forget(self, deleted: Set[str]) -> None:
        """Wait until rows that were deleted are not listed, where that may take a while.

        Before 1.98 a reload that overlaps with a delete brings the row back into LiteLLM's memory,
        and so into its listings, until the next reload.
        """
        if deleted and not self._serialised:
            time.sleep(_RELOADING)
            if back := deleted & {*ids(self.rows())}:
                print(f"LiteLLM lists deleted rows until its next reload: {sorted(back)}")
            wait_until(lambda: not deleted & {*ids(self.rows())}, RELOAD, "a deleted row is listed")

    def chat(self, model: str) -> requests.Response:
        """One chat through LiteLLM."""
        body = {
            "model": model,
            "messages": [{"role": "user", "content": "say hello"}],
            "max_tokens": 4,
        }
        return self.call("POST", "/v1/chat/completions", body)


def names(rows: list[Json]) -> list[str]:
    """The public names of rows."""
    return [row["model_name"] for row in rows]


def ids(rows: list[Json]) -> list[str]:
    """The ids of rows."""
    return [row["model_info"]["id"] for row in rows]


def owner(row: Json) -> str | None:
    """The owner in a row's mark, or None."""
    mark = row["model_info"].get(MARK)
    return mark["owner"] if mark else None


def lasting(row: Json) -> Json:
    """A listed row without what LiteLLM changes by itself."""
    info = {key: value for key, value in row["model_info"].items() if key not in VOLATILE}
    return {**row, "model_info": info}


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Wait until ``condition()`` is true; fail after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"after {seconds:g} s: {what}"
        time.sleep(0.2)
