"""LiteLLM's model API. What differs between its versions is known here and nowhere else.

The facts are held by ``tests/contract`` against real LiteLLM 1.74 to 1.110.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ..errors import Fenced, Garbled, NoDatabase, Rejected, Unavailable
from ..state.deployment import Editing
from ..state.secret import Secret
from ..transport.client import Client
from ..transport.client_pool import LITELLM, WRITER, Http
from ..transport.timing import Timing
from .error_messages import (
    NOT_ADDED,
    NOT_FOUND,
    explained,
    has_no_models,
    not_litellm,
    notice_outage,
    without_database,
)
from .fields import release_of
from .listing import KnownListing, fetch_rows
from .pause_times import Now, now_by, stamp_of
from .row import resolved

if TYPE_CHECKING:
    from ..config.model import LiteLLM


_REPORTS_UNSERVED: Final = (1, 97)
"""Before it, a create answers 200 also for a row that LiteLLM stored but cannot serve."""
_EXACT_PATCH: Final = (1, 98)
"""Before it, a PATCH takes all DB models out of the router while it reloads."""
_REMOVING_PATCH: Final = (1, 109)
"""From it on ``litellm_params_to_remove`` removes; before, it is ignored with a 200."""
_NOBODY: Final = "modelprovisioner-no-such-row"


class Proxy:
    """One LiteLLM proxy, for the length of one cycle.

    Made by :meth:`connect`. ``secrets`` maps the fingerprints in rows to the secrets to send.
    ``clients`` makes the clients of further writers.
    """

    def __init__(
        self,
        client: Client,
        editing: Editing,
        secrets: Mapping[str, Secret],
        clients: Callable[[], Iterable[Client]] = tuple,
    ) -> None:
        self._client = client
        self.editing = editing
        self._secrets = secrets
        self._clients = clients
        self._may_write: Callable[[], bool] = lambda: True

    def writers(self, may_write: Callable[[], bool] = lambda: True) -> list[Proxy]:
        """Return itself, and others that may write at the same time, each for one thread.

        Each write asks ``may_write`` first; where it says no, nothing is sent: it raises Fenced.
        """
        others = self._clients() if self.editing.concurrent else ()
        writers = [self, *(Proxy(client, self.editing, self._secrets) for client in others)]
        for writer in writers:
            writer._may_write = may_write  # noqa: SLF001 - one of its own kind
        return writers

    @property
    def timing(self) -> Timing:
        """How long to wait for it, and how often to try."""
        return self._client.timing

    def now(self) -> Now | None:
        """Return what time it is, by its clock and ours."""
        return now_by(self._client.dated)

    def stamp(self) -> str:
        """Return the later of its clock and ours, as the time of a pause."""
        return stamp_of(self._client.dated)

    @classmethod
    def connect(cls, http: Http, litellm: LiteLLM, secrets: Mapping[str, Secret]) -> Proxy:
        """Return the proxy, once it is known to have its database; learn its version.

        Raises:
            Unavailable: it does not answer, or its database is down: a proxy that started
                without its database lists no models, which proves nothing.
            Rejected: it has no database at all, or it is not LiteLLM.
        """

        def client_of(purpose: str) -> Client:
            server = litellm.url, litellm.key, litellm.connection
            client = http.client(*server, backend=purpose)
            client.hide(secrets.values())
            return client

        client = client_of(LITELLM)
        try:
            health = client.get("/health/readiness", attempts=3)
        except Unavailable as error:
            text = f"LiteLLM does not answer: {error}. Remedy: check that it runs at litellm.url"
            raise Unavailable(text, status=error.status) from None
        except (Rejected, Garbled) as error:
            status = getattr(error, "status", 200)
            raise Rejected(not_litellm(litellm.url, error), status=status) from None
        database = health.get("db") if isinstance(health, dict) else None
        if database != "connected":
            raise without_database(litellm.url, client.quote(database) if database else "")
        version = client.quote(health.get("litellm_version") or _hub_version(client))
        others = [f"{WRITER}{number}" for number in range(1, litellm.writers)]
        return cls(client, editing_of(version), secrets, lambda: map(client_of, others))

    def fetch_deployments(self) -> dict[str, Any]:
        """Return the observed document: ``{"editing": {...}, "data": [row, ...]}``.

        Raises:
            TransportError: there is no listing; then there is no cycle.
        """
        return KnownListing().renew(fetch_rows(self._client), self.editing)

    def create(self, row: Mapping[str, Any]) -> None:
        """Register a row under its own id.

        Raises:
            NoDatabase: LiteLLM says that it has lost its database.
            Unavailable: the result is unknown, since LiteLLM answers 500 to an id that is taken,
                to a database that is down, and to a row that it stored but cannot serve.
            Rejected: it was refused, or writing is impossible here; the message has the remedy.
        """
        self._send("POST", "/model/new", resolved(row, self._secrets))

    def patch(self, row_id: str, row: Mapping[str, Any], removed: tuple[str, ...]) -> None:
        """Merge a row into the existing one and remove the parameters ``removed``.

        Raises:
            Unavailable: the result is unknown.
            Rejected: as :meth:`create`; status 404 where there is no such row.
        """
        body = resolved(row, self._secrets)
        if removed:
            body["litellm_params_to_remove"] = list(removed)
        self._send("PATCH", f"/model/{quote(row_id, safe='')}/update", body)

    def delete(self, row_id: str) -> bool:
        """Delete a row; return False if there was none.

        Raises:
            Unavailable: the result is unknown.
            Rejected: as :meth:`create`.
        """
        try:
            self._send("POST", "/model/delete", {"id": row_id})
        except Rejected as error:
            if error.status == 400 and NOT_FOUND in str(error):
                return False
            raise
        return True

    def find(self, row_id: str) -> dict[str, Any] | None:
        """Return the row with an id, or None; also a row that is only in the database."""
        answer = self._client.get(f"/v2/model/info?modelId={quote(row_id, safe='')}&size=100")
        rows = answer.get("data") if isinstance(answer, dict) else None
        for row in rows if isinstance(rows, list) else ():
            info = row.get("model_info") if isinstance(row, dict) else None
            if isinstance(info, dict) and info.get("id") == row_id:
                return dict(row)
        return None

    def load(self, row_id: str) -> None:
        """Make the replica that answers load a row which it does not know yet (LiteLLM >= 1.98).

        Raises:
            Unavailable: with STORED_ONLY in its message where it cannot serve the row.
            Rejected: as :meth:`create`.
        """
        self._send("PATCH", f"/model/{quote(row_id, safe='')}/update", {})

    def rule_out_outage(self, failure: Unavailable) -> None:
        """See whether a create may have failed because LiteLLM has lost its database.

        ``/health/readiness`` would not do: it repeats an earlier answer for up to two minutes. A
        PATCH of a row that does not exist looks for it in the database, and changes nothing.

        Raises:
            NoDatabase: it has.
        """
        if NOT_ADDED not in str(failure):
            return
        try:
            self._send("PATCH", f"/model/{_NOBODY}/update", {})
        except NoDatabase:
            raise
        except (Rejected, Unavailable):
            return

    def is_live(self, row_id: str, *, reconnect: bool = False) -> bool:
        """Tell whether the replica that answers serves the row, not only stores it.

        With ``reconnect`` it is asked over a new connection: some balancers choose the replica only
        when a connection is opened.
        """
        if reconnect:
            self._client.reconnect()
        try:
            answer = self._client.get(f"/v1/model/info?litellm_model_id={quote(row_id, safe='')}")
        except Rejected as error:
            if error.status in (400, 404):
                return False
            raise
        except Unavailable as error:
            if has_no_models(error):
                return False
            raise
        return bool(isinstance(answer, dict) and answer.get("data"))

    def _send(self, method: str, path: str, body: object) -> None:
        if not self._may_write():
            raise Fenced(f"{method} {path} was not sent: another engine may lead by now")
        try:
            self._client.send(method, path, body)
        except Garbled as error:
            raise Unavailable(str(error)) from None
        except Rejected as error:
            notice_outage(error)
            raise Rejected(explained(error), status=error.status) from None
        except Unavailable as error:
            notice_outage(error)
            if any(text in str(error) for text in ("STORE_MODEL_IN_DB", "No DB Connected")):
                raise Rejected(explained(error), status=403) from None
            raise Unavailable(explained(error), status=error.status, sent=error.sent) from None


def editing_of(version: str) -> Editing:
    """Return how a LiteLLM of this version changes a row; an unknown version is replaced."""
    number = release_of(version)
    if number is None:
        return Editing(version)
    return Editing(
        version,
        in_place=number >= _EXACT_PATCH,
        removes=number >= _REMOVING_PATCH,
        reports_unserved=number >= _REPORTS_UNSERVED,
    )


def _hub_version(client: Client) -> str:
    """Return the version that LiteLLM 1.83 and later publish without a key, or ""."""
    try:
        answer = client.get("/public/model_hub/info", attempts=3)
    except (Rejected, Garbled, Unavailable):
        return ""
    return str(answer.get("litellm_version") or "") if isinstance(answer, dict) else ""
