"""The LiteLLM of a run of the campaign: a simulated or a real one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import requests

from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_api import TYPED_ERRORS
from engine.fakes.litellm_errors import without_database
from engine.fakes.litellm_rows import Database, parse_version
from engine.fakes.server import Fault, FaultKind
from engine.transport.timing import DEFAULT_TIMING, Timing

from ..versions import version_of

Json = dict[str, Any]
Rows = list[Json]

MASTER_KEY: Final = "sk-chaos-master-0123456789"
_ADMIN_KEY: Final = "sk-chaos-another-admin-9876543210"
STATIC: Final[Json] = {
    "model_name": "static-model",
    "litellm_params": {"model": "openai/static-model", "api_base": "http://127.0.0.1:9/v1"},
}
_NOWHERE: Final = "http://127.0.0.1:9"
_LISTING: Final = "/v2/model/info?size=1000000"
RELOAD: Final = 0.03
"""Seconds after which a simulated replica reads the database again. Short, as the pauses of the
engines are, which are a tenth of the usual ones."""
VOLATILE: Final = frozenset({"updated_at", "updated_by", "created_at", "created_by"})


class LiteLLM(Protocol):
    """What the campaign needs of a LiteLLM.

    ``urls`` are where its replicas listen just now, ``key`` is the master key, ``timeout`` what
    an engine should wait for an answer while things fail, in seconds. ``lag`` is the seconds
    after which a listing, which comes from a replica's memory, shows what is in the database.
    ``timing`` is that of the engines.
    """

    name: str
    key: str
    timing: Timing
    timeout: float
    lag: float

    @property
    def urls(self) -> list[str]: ...

    def listings(self) -> list[Rows | None]:
        """What each replica lists now; None for one that is down, or has just been started."""

    def call(self, method: str, path: str, body: Json) -> Json:
        """Do by hand what an operator would do; it must succeed."""

    def admin_key(self) -> str:
        """Return the key of another administrator."""

    def settle(self) -> None:
        """Wait until every replica has seen what the others did."""

    def crash(self) -> None:
        """End every replica at once, whatever it is doing."""

    def revive(self) -> None:
        """Start it again, and wait until it answers."""

    def lose_database(self) -> None:
        """Take the database away."""

    def find_database(self) -> None:
        """Bring it back, and wait until LiteLLM is connected to it again."""

    def close(self) -> None:
        """Remove what was made, and stop."""


def edits_alone(litellm: LiteLLM) -> bool:
    """Tell whether LiteLLM keeps all other rows in service while it reads one that was changed."""
    return parse_version(litellm.name.rpartition(" ")[2]) >= (1, 98)


class Simulated:
    """Simulated replicas on one database."""

    timing = Timing(retry_pause=0.03, apply_pause=0.05)
    timeout = 1.0
    lag = 0.0
    key = MASTER_KEY

    def __init__(self, version: str, replicas: int = 1, reload: float = RELOAD) -> None:
        self.name = f"simulated {version}"
        self.version = version
        self.database = Database()
        self.replicas: list[LiteLLMSimulator] = []
        self._count = replicas
        self._reload = reload
        self.revive()

    @property
    def urls(self) -> list[str]:
        return [replica.url for replica in self.replicas] or [_NOWHERE]

    def listings(self) -> list[Rows | None]:
        return [self._listing(replica) for replica in self.replicas]

    def _listing(self, replica: LiteLLMSimulator) -> Rows:
        answer = replica.answer("GET", _LISTING, f"Bearer {MASTER_KEY}", b"")
        rows: Rows = json.loads(answer.body)["data"]
        return rows

    def call(self, method: str, path: str, body: Json) -> Json:
        sent = json.dumps(body).encode()
        answer = self.replicas[0].answer(method, path, f"Bearer {MASTER_KEY}", sent)
        assert answer.status == 200, answer.body
        done: Json = json.loads(answer.body)
        return done

    def admin_key(self) -> str:
        return _ADMIN_KEY

    def settle(self) -> None:
        for replica in self.replicas:
            replica.reload()

    def crash(self) -> None:
        replicas, self.replicas = self.replicas, []
        for replica in replicas:
            replica.__exit__()

    def revive(self) -> None:
        for _ in range(self._count - len(self.replicas)):
            replica = LiteLLMSimulator(
                self.version,
                master_key=MASTER_KEY,
                admin_keys=[_ADMIN_KEY],
                config_models=[STATIC],
                database=self.database,
            )
            if self._count > 1:
                replica.reload_interval = self._reload
            self.replicas.append(replica.__enter__())

    def lose_database(self) -> None:
        typed = parse_version(self.version) >= TYPED_ERRORS

        def away(method: str, path: str, body: bytes) -> Fault | None:
            answer = without_database(method, urlsplit(path).path, typed=typed)
            if answer is None:
                return None
            # The last transaction may have been committed before the connection broke.
            done = method != "GET" and len(body) % 3 == 0
            kind: FaultKind = "status_after" if done else "status"
            return Fault(kind, answer.status, answer.body.decode())

        for replica in self.replicas:
            replica.fault = away

    def find_database(self) -> None:
        for replica in self.replicas:
            replica.fault = None

    def close(self) -> None:
        self.crash()


class Real:
    """A running LiteLLM; :meth:`close` removes the rows that were made."""

    timing = DEFAULT_TIMING
    timeout = 10.0

    def __init__(self, urls: list[str], key: str, commands: dict[str, str], lag: float) -> None:
        self.key = key
        self._urls = [url.rstrip("/") for url in urls]
        self._commands = commands
        self.lag = lag
        self._admins: list[str] = []
        self._restarting: subprocess.Popen[bytes] | None = None
        self._crashed = False
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {key}"
        self.name = f"LiteLLM {version_of(self._urls[0], self._session)}"
        self._wait(self._ready, "LiteLLM is not ready")
        self._before = {row["model_info"]["id"] for row in self.listings()[0] or ()}

    @property
    def urls(self) -> list[str]:
        return self._urls

    def listings(self) -> list[Rows | None]:
        return [None if self._crashed else self._listing(url) for url in self._urls]

    def _listing(self, url: str) -> Rows | None:
        try:
            answer = self._session.get(url + _LISTING, timeout=30)
            return list(answer.json()["data"]) if answer.ok else None
        except (requests.RequestException, ValueError, KeyError):
            return None

    def call(self, method: str, path: str, body: Json) -> Json:
        answer = self._session.request(method, self._urls[0] + path, json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        done: Json = answer.json()
        return done

    def admin_key(self) -> str:
        made = self.call("POST", "/user/new", {"user_role": "proxy_admin"})
        self._admins.append(str(made["user_id"]))
        return str(made["key"])

    def settle(self) -> None:
        """With one replica there is nothing to wait for; several poll the database."""
        if len(self._urls) > 1:
            time.sleep(self.lag)

    def crash(self) -> None:
        self._crashed = True
        self._start("restart")

    def revive(self) -> None:
        self._finish()
        self._wait(self._ready, "LiteLLM does not answer after its restart")
        self._crashed = False

    def lose_database(self) -> None:
        self._start("restart_database")

    def find_database(self) -> None:
        self._finish()
        self._wait(self._ready, "LiteLLM does not find its database again")

    def _ready(self) -> bool:
        for url in self._urls:
            try:
                answer = self._session.get(f"{url}/health/readiness", timeout=10)
                if answer.status_code != 200 or answer.json().get("db") != "connected":
                    return False
                # Just after the database came back LiteLLM may say so and not reach it yet.
                nothing = f"{url}/model/chaos-nothing/update"
                if self._session.patch(nothing, json={}, timeout=30).status_code != 404:
                    return False
            except (requests.RequestException, ValueError):
                return False
        return all(self._listing(url) is not None for url in self._urls)

    def _start(self, what: str) -> None:
        """Start the command that stops the service and starts it again."""
        self._restarting = subprocess.Popen(
            self._commands[what], shell=True, stdout=subprocess.DEVNULL
        )

    def _finish(self) -> None:
        if self._restarting is not None:
            assert self._restarting.wait(180) == 0
            self._restarting = None

    def _wait(self, condition: Callable[[], bool], failing: str) -> None:
        end = time.monotonic() + 120
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(failing)
            time.sleep(0.3)

    def close(self) -> None:
        for row in self._listing(self._urls[0]) or ():
            info = row["model_info"]
            if info.get("db_model") and info["id"] not in self._before:
                self._session.post(
                    f"{self._urls[0]}/model/delete", json={"id": info["id"]}, timeout=60
                )
        if self._admins:
            body = {"user_ids": self._admins}
            self._session.post(f"{self._urls[0]}/user/delete", json=body, timeout=60)
        self._session.close()


def lasting(row: Json) -> bytes:
    """Return the bytes of a listed row, without the fields that LiteLLM changes by itself."""
    info = {key: value for key, value in row["model_info"].items() if key not in VOLATILE}
    return json.dumps({**row, "model_info": info}, sort_keys=True).encode()
