"""A fake API server, as much of it as ``kubectl`` and ``helm`` need for the commands of the guide.

It keeps objects by their path, merges patches, refuses what the real one refuses and the guide must
heed, and plays the controller of Deployments: a ReplicaSet for each template, and one ready pod.
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import yaml

from .protobuf import secret

Json = dict[str, Any]

_GROUPS: Final = {
    "v1": (
        "ConfigMap Secret Pod Service ServiceAccount Event Namespace",
        "configmaps secrets pods services serviceaccounts events namespaces",
    ),
    "apps/v1": ("Deployment ReplicaSet", "deployments replicasets"),
    "coordination.k8s.io/v1": ("Lease", "leases"),
    "rbac.authorization.k8s.io/v1": ("Role RoleBinding", "roles rolebindings"),
    "policy/v1": ("PodDisruptionBudget", "poddisruptionbudgets"),
    "networking.k8s.io/v1": ("NetworkPolicy", "networkpolicies"),
    "monitoring.coreos.com/v1": (
        "ServiceMonitor PrometheusRule",
        "servicemonitors prometheusrules",
    ),
}
_REVISION: Final = "deployment.kubernetes.io/revision"
_MERGE_KEYS: Final = ("mountPath", "name", "topologyKey", "containerPort", "port")
NAMESPACE: Final = "default"
APPS: Final = f"/apis/apps/v1/namespaces/{NAMESPACE}"
CORE: Final = f"/api/v1/namespaces/{NAMESPACE}"


class Refused(Exception):
    """What the API server answers instead of an object."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


def kinds() -> dict[str, tuple[str, str]]:
    """Return the version and the kind of each resource, by its name in a path."""
    return {
        resource: (version, kind)
        for version, (names, resources) in _GROUPS.items()
        for kind, resource in zip(names.split(), resources.split(), strict=True)
    }


class Cluster:
    """The objects, and what happens to them. ``log`` is what every pod has logged."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.log = ""
        self._version = 0
        self._lock = threading.RLock()

    def answer(self, method: str, path: str, content_type: str, body: bytes) -> Json | str:
        """Answer a request; raise Refused where the real one would."""
        url = urlsplit(path)
        if (found := discovered(url.path)) is not None:
            return found
        with self._lock:
            if method == "DELETE":
                return self._delete(url.path)
            protobuf = "protobuf" in content_type
            sent = secret(body) if protobuf and body else yaml.safe_load(body or b"{}")
            if url.path.endswith("/scale"):
                return self._scale(url.path.removesuffix("/scale"), method, sent)
            if method == "GET":
                logged = url.path.endswith("/log")
                return self.log if logged else self._get(url.path, parse_qs(url.query))
            create = method == "POST"
            return (
                self._create(url.path, sent)
                if create
                else self._change(url.path, content_type, sent)
            )

    def _get(self, path: str, query: dict[str, list[str]]) -> Json:
        if path in self.objects:
            return self.objects[path]
        last = path.rsplit("/", 1)[1]
        if last not in kinds():
            raise Refused(404, "NotFound", f'"{last}" not found')
        version, kind = kinds()[last]
        found = [one for name, one in self.objects.items() if name.rsplit("/", 1)[0] == path]
        wanted = query.get("labelSelector", [""])[0]
        items = [one for one in found if selected(one["metadata"].get("labels", {}), wanted)]
        fields = query.get("fieldSelector", [""])[0]
        if fields.startswith("metadata.name="):
            items = [one for one in items if one["metadata"]["name"] == fields.partition("=")[2]]
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items}

    def _create(self, path: str, sent: Json) -> Json:
        place = f"{path}/{sent['metadata']['name']}"
        if place in self.objects:
            raise Refused(409, "AlreadyExists", f"{place} already exists")
        if sent["metadata"].get("resourceVersion"):
            raise Refused(400, "BadRequest", "resourceVersion should not be set on create")
        return self.put(place, sent)

    def _delete(self, path: str) -> Json:
        if path not in self.objects:
            raise Refused(404, "NotFound", f"{path} not found")
        gone = self.objects.pop(path)
        owned = [
            name
            for name, one in self.objects.items()
            for owner in one["metadata"].get("ownerReferences", ())
            if owner["uid"] == gone["metadata"]["uid"]
        ]
        for name in owned:
            self._delete(name)
        return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

    def _change(self, path: str, content_type: str, sent: Any) -> Json:
        before = self.objects.get(path)
        if before is None:
            if "apply-patch" not in content_type:
                raise Refused(404, "NotFound", f"{path} not found")
            return self.put(path, sent)
        if "json-patch" in content_type:
            after = copy.deepcopy(before)
            for step in sent:
                place: Any = after
                *steps, last = step["path"].strip("/").split("/")
                for name in steps:
                    place = place[name]
                place[last.replace("~1", "/")] = step["value"]
        elif "patch" in content_type:
            after = merged(before, sent)
        else:
            after = sent
        selectors = [one.get("spec", {}).get("selector") for one in (before, after)]
        if before["kind"] == "Deployment" and selectors[0] != selectors[1]:
            raise Refused(422, "Invalid", "spec.selector: field is immutable")
        return self.put(path, after)

    def _scale(self, path: str, method: str, sent: Json) -> Json:
        if method != "GET":
            self._change(path, "merge-patch", {"spec": {"replicas": sent["spec"]["replicas"]}})
        metadata = {"name": path.rsplit("/", 1)[1], "namespace": NAMESPACE}
        spec = {"replicas": self.objects[path]["spec"]["replicas"]}
        return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec}

    def put(self, path: str, value: Json) -> Json:
        """Store an object with what the server adds, and let its controller act."""
        self._version += 1
        resource, name = path.rsplit("/", 2)[1:]
        version, kind = kinds()[resource]
        before = self.objects.get(path, {}).get("metadata", {})
        metadata = {
            **value.get("metadata", {}),
            "name": name,
            "namespace": NAMESPACE,
            "uid": before.get("uid", str(uuid.uuid4())),
            "resourceVersion": str(self._version),
            "generation": before.get("generation", 0) + 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        stored = {**value, "apiVersion": version, "kind": kind, "metadata": metadata}
        if "stringData" in stored:
            stored["data"] = {**stored.get("data", {}), **stored.pop("stringData")}
        self.objects[path] = stored
        if kind == "Deployment":
            self._roll_out(stored)
        return stored

    def _roll_out(self, deployment: Json) -> None:
        template, metadata = deployment["spec"]["template"], deployment["metadata"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}
        owner |= {"name": metadata["name"], "uid": metadata["uid"]}
        sets = [
            one
            for name, one in self.objects.items()
            if "/replicasets/" in name and one["metadata"]["ownerReferences"] == [owner]
        ]
        newest = max((int(one["metadata"]["annotations"][_REVISION]) for one in sets), default=0)
        name = f"{metadata['name']}-{newest + 1}"
        labels = template["metadata"]["labels"]
        own: Json = {"labels": labels, "ownerReferences": [owner]}
        own["annotations"] = {_REVISION: str(newest + 1)}
        spec = {"replicas": 1, "selector": deployment["spec"]["selector"], "template": template}
        if not any(one["spec"]["template"] == template for one in sets) or not sets:
            self.put(f"{APPS}/replicasets/{name}", {"metadata": own, "spec": spec})
        else:
            again = next(one for one in sets if one["spec"]["template"] == template)
            again["metadata"]["annotations"][_REVISION] = str(newest + 1)
        pod = {"metadata": {"labels": labels, "ownerReferences": [owner]}, "spec": template["spec"]}
        ready = {"type": "Ready", "status": "True"}
        pod["status"] = {"phase": "Running", "conditions": [ready]}
        self.put(f"{CORE}/pods/{metadata['name']}-pod", pod)
        count = deployment["spec"].get("replicas", 1)
        metadata.setdefault("annotations", {})[_REVISION] = str(newest + 1)
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        deployment["status"] = dict.fromkeys(names, count)
        deployment["status"]["observedGeneration"] = metadata["generation"]


def discovered(path: str) -> Json | None:
    """Return what the server tells of itself at a path, None if that is not such a path."""
    groups = [name.split("/") for name in _GROUPS if "/" in name]
    known: Json = {
        "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [_group(*name) for name in groups]},
        "/openapi/v3": {"paths": {}},
    }
    for name in _GROUPS:
        place = f"/apis/{name}" if "/" in name else f"/api/{name}"
        known[place] = _resources(name)
        path_of = f"openapi/v3{place}"
        known[f"/{path_of}"] = _openapi(name)
        known["/openapi/v3"]["paths"][place[1:]] = {"serverRelativeURL": f"/{path_of}"}
    return known.get(path)


def _group(group: str, version: str) -> Json:
    names = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [names], "preferredVersion": names}


def _resources(version: str) -> Json:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    listed = [
        {"name": resource, "kind": kind, "namespaced": resource != "namespaces", "verbs": verbs}
        for resource, (of, kind) in kinds().items()
        if of == version
    ]
    if version == "apps/v1":
        scale = {"name": "deployments/scale", "kind": "Scale", "namespaced": True, "verbs": verbs}
        listed.append({**scale, "group": "autoscaling", "version": "v1"})
    return {"kind": "APIResourceList", "groupVersion": version, "resources": listed}


def _openapi(version: str) -> Json:
    """Return that every kind takes patches, with their fields checked by the server."""
    group, _, number = version.rpartition("/")
    parameters = [{"name": "fieldValidation", "in": "query"}]
    paths = {}
    for resource, (of, kind) in kinds().items():
        if of == version:
            gvk = {"group": group, "version": number, "kind": kind}
            patch = {"parameters": parameters, "x-kubernetes-group-version-kind": gvk}
            paths[f"/{resource}/{{name}}"] = {"patch": {**patch, "responses": {}}}
    info = {"title": "fake", "version": "1"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def selected(labels: Json, wanted: str) -> bool:
    """Tell whether labels fit a selector of equalities and sets."""
    for term in [term for term in wanted.replace("),", ");").split(";") if term]:
        if " in (" in term:
            name, _, values = term.partition(" in (")
            if labels.get(name) not in values.rstrip(")").split(","):
                return False
        elif " notin (" not in term:
            pairs = (pair.partition("=") for pair in term.split(","))
            if any(labels.get(name) != value.lstrip("=") for name, _, value in pairs):
                return False
    return True


def merged(before: Any, patch: Any) -> Any:
    """Return a value with a merge patch, plain or strategic, on it."""
    if not isinstance(before, dict) or not isinstance(patch, dict):
        return patch
    after = dict(before)
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None:
            after.pop(name, None)
        elif isinstance(value, list):
            after[name] = _merged_list(after.get(name, []), value)
        else:
            after[name] = merged(after.get(name), value)
    return after


def _merged_list(before: list[Any], patch: list[Any]) -> list[Any]:
    for key in _MERGE_KEYS:
        if patch and all(isinstance(one, dict) and key in one for one in [*before, *patch]):
            known = {one[key]: one for one in before}
            for one in patch:
                if one.get("$patch") == "delete":
                    known.pop(one[key], None)
                else:
                    known[one[key]] = merged(known.get(one[key]), one)
            return list(known.values())
    return patch


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content_type = self.headers.get("Content-Type", "")
        status, found = 200, None
        try:
            found = self.cluster.answer(self.command, self.path, content_type, body)
        except Refused as error:
            status = error.code
            found = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
            found |= {"message": str(error), "reason": error.reason, "code": error.code}
        text = found if isinstance(found, str) else json.dumps(found)
        self.send_response(status)
        kind = "text/plain" if isinstance(found, str) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_cluster(kubeconfig: Path) -> Iterator[Cluster]:
    """Serve a cluster on loopback, and write the file that leads to it."""
    cluster = Cluster()
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    context = {"cluster": "it", "user": "it", "namespace": NAMESPACE}
    named = {
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "it", "user": {}}],
        "contexts": [{"name": "it", "context": context}],
    }
    kubeconfig.write_text(json.dumps(named), encoding="utf-8")
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
