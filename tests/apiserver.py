"""A fake API server of Kubernetes: Leases with their resource versions, Events, and owners of pods.

It knows what the engine uses of it: create, get and replace of a Lease with 404 and 409, create and
patch of an Event, get of a Pod and a ReplicaSet, 401 and 403. ``fault`` is as in
:mod:`engine.fakes.server`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from engine.fakes.server import Answer, Fault, LoopbackServer

Json = dict[str, Any]
TOKEN: Final = "token-of-the-service-account"
NAMESPACE: Final = "models"
LEASES: Final = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
EVENTS: Final = f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"
_KINDS: Final = {"leases": "Lease", "events": "Event", "pods": "Pod", "replicasets": "ReplicaSet"}


class ApiServer:
    """Holds objects by their path; a context manager that listens while it is entered.

    ``forbidden`` has "verb resource", such as ``update leases``, for what the caller may not do.
    ``holders`` are the holders that the Lease has had, one after the other, with when each was
    written first.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.requests: list[tuple[str, str]] = []
        self.fault: Callable[[str, str, bytes], Fault | None] | None = None
        self.forbidden: set[str] = set()
        self.token = TOKEN
        self.holders: list[tuple[str, float]] = []
        self._lock = threading.Lock()
        self._version = 100
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Self:
        self._server = LoopbackServer(self)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def lease(self) -> Json:
        """What the Lease of the engine says, {} if there is none."""
        found: Json = self.objects.get(f"{LEASES}/modelprovisioner", {}).get("spec", {})
        return found

    @property
    def holder(self) -> str:
        return str(self.lease.get("holderIdentity", ""))

    @property
    def events(self) -> list[Json]:
        return [value for path, value in self.objects.items() if path.startswith(EVENTS)]

    def kubeconfig(self, folder: Path) -> Path:
        """Write the file that leads to it."""
        return write_kubeconfig(folder, self.url, {"token": TOKEN})

    def put(self, path: str, value: Json) -> Json:
        """Store an object as somebody else would, and return it with its new version."""
        self._version += 1
        metadata = {
            "name": path.rpartition("/")[2],
            "namespace": NAMESPACE,
            "uid": f"uid-of-{path.rpartition('/')[2]}",
            **value.get("metadata", {}),
            "resourceVersion": str(self._version),
        }
        self.objects[path] = {**value, "metadata": metadata}
        holder = value.get("spec", {}).get("holderIdentity")
        if holder is not None and (not self.holders or self.holders[-1][0] != holder):
            self.holders.append((holder, time.monotonic()))
        return self.objects[path]

    def add_pod(self, pod: str, replica_set: str = "", deployment: str = "") -> None:
        """Store a Pod, and whom it belongs to."""

        def owned(owner: str, kind: str) -> Json:
            uid = f"uid-of-{owner}"
            reference = {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": uid}
            return {"metadata": {"ownerReferences": [{**reference, "controller": True}]}}

        core, apps = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/apps/v1/namespaces/{NAMESPACE}"
        self.put(f"{core}/pods/{pod}", owned(replica_set, "ReplicaSet") if replica_set else {})
        if replica_set:
            owner = owned(deployment, "Deployment") if deployment else {}
            spec = {"selector": {"matchLabels": {"app": "it"}}}
            self.put(f"{apps}/replicasets/{replica_set}", {**owner, "spec": spec})

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Answer a request."""
        path = path.partition("?")[0]
        if authorization != f"Bearer {self.token}":
            return _status(401, "Unauthorized")
        verb = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}[method]
        parts = path.strip("/").split("/")
        resource = parts[-1] if method == "POST" else parts[-2]
        if f"{verb} {resource}" in self.forbidden:
            return _status(403, f'{resource} is forbidden: User "it" cannot {verb} it')
        sent = json.loads(body) if body else {}
        with self._lock:
            return self._store(method, path, resource, sent)

    def _store(self, method: str, path: str, resource: str, sent: Json) -> Answer:
        if method == "POST":
            path = f"{path}/{sent['metadata']['name']}"
            if path in self.objects:
                return _status(409, "it exists already")
            return _object(201, resource, self.put(path, sent))
        known = self.objects.get(path)
        if known is None:
            return _status(404, f"{resource} {path.rpartition('/')[2]!r} not found")
        if method == "PUT":
            if sent["metadata"].get("resourceVersion") != known["metadata"]["resourceVersion"]:
                return _status(409, "the object has been modified")
            known = self.put(path, sent) if sent != known else known
        elif method == "PATCH":
            known = self.put(path, {**known, **sent})
        return _object(200, resource, known)


def write_kubeconfig(folder: Path, url: str, user: Json) -> Path:
    """Write a file that leads to an API server; ``user`` is how to show who we are."""
    config = {
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "it", "user": user}],
        "contexts": [
            {"name": "it", "context": {"cluster": "it", "user": "it", "namespace": NAMESPACE}}
        ],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return file


def _object(status: int, resource: str, value: Json) -> Answer:
    named = {"kind": _KINDS[resource], **value}
    return Answer(status, json.dumps(named).encode())


def _status(code: int, message: str) -> Answer:
    value = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return Answer(code, json.dumps({**value, "message": message, "code": code}).encode())
