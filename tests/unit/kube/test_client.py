"""Requests to the API server: what it refuses, what breaks, and what is read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Rejected, Unavailable, WrongUsage
from engine.fakes.server import Fault
from engine.kube.client import Cluster
from engine.kube.election import Found, Record, Write
from engine.kube.happening import Happening, Subject
from tests.apiserver import LEASES, NAMESPACE, TOKEN, ApiServer, write_kubeconfig
from tests.certificate import make_certificate, server_context
from tests.rawserver import Exchange, RawServer

NAME = "modelprovisioner"
RECORD = Record("pod-1_0", 15, 3, "2026-11-29T02:37:45.639876+00:00", "2026-11-29T02:37:46+00:00")
NEWS = Happening("BackendDown", "Ask", "backend gpu1 cannot be reached", warning=True)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def cluster(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    opened = Cluster(0.5)
    yield opened
    opened.close()


def make_lease(cluster: Cluster) -> Found:
    found = cluster.write_lease(NAMESPACE, NAME, Write(RECORD, None))
    assert found is not None
    return found


def test_a_lease_is_made_read_and_changed(api: ApiServer, cluster: Cluster) -> None:
    assert cluster.namespace == NAMESPACE
    assert cluster.read_lease(NAMESPACE, NAME) is None
    made = make_lease(cluster)
    assert made.record.holder == "pod-1_0"
    read = cluster.read_lease(NAMESPACE, NAME)
    assert read is not None
    assert read.record == made.record
    changed = cluster.write_lease(NAMESPACE, NAME, Write(Record("", 1, 3), read))
    assert changed is not None
    assert changed.record == Record("", 1, 3)
    assert api.lease == {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 3}


def test_what_others_write_into_a_lease_stays(api: ApiServer, cluster: Cluster) -> None:
    path = f"{LEASES}/{NAME}"
    spec = {"holderIdentity": "pod-9", "strategy": "OldestEmulationVersion"}
    api.put(path, {"metadata": {"labels": {"team": "ml"}}, "spec": spec})
    found = cluster.read_lease(NAMESPACE, NAME)
    assert found is not None
    assert found.record == Record("pod-9")
    cluster.write_lease(NAMESPACE, NAME, Write(RECORD, found))
    assert api.objects[path]["metadata"]["labels"] == {"team": "ml"}
    assert api.lease["strategy"] == "OldestEmulationVersion"


def test_a_lease_that_somebody_else_wrote_meanwhile_is_not_written(
    api: ApiServer, cluster: Cluster
) -> None:
    made = make_lease(cluster)
    assert cluster.write_lease(NAMESPACE, NAME, Write(RECORD, None)) is None
    path = f"{LEASES}/{NAME}"
    api.put(path, api.objects[path])
    assert cluster.write_lease(NAMESPACE, NAME, Write(Record("", 1), made)) is None
    assert api.holder == "pod-1_0"


def test_a_refusal_says_what_was_asked_and_why_not(api: ApiServer, cluster: Cluster) -> None:
    api.forbidden = {"get leases"}
    with pytest.raises(Rejected, match=r"get lease models/modelprovisioner: HTTP 403: leases is"):
        cluster.read_lease(NAMESPACE, NAME)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("refuse"), "get lease models/modelprovisioner: "),
        (Fault("hang", seconds=5), "get lease models/modelprovisioner: "),
        (Fault("truncate"), "get lease models/modelprovisioner: "),
        (Fault("html"), "the answer is not one of its API"),
        (Fault("status", 500, "{}"), "HTTP 500"),
        (Fault("status", 503, "no JSON"), "the API server of Kubernetes"),
        (Fault("status", 429, '{"message": "slow down", "code": 429}'), "HTTP 429: slow down"),
        (Fault("status", 200, "[]"), "the answer is not one of its API"),
        (Fault("status", 200, '{"spec": {"leaseDurationSeconds": "x"}}'), "not one of its API"),
    ],
)
def test_what_is_no_clear_answer_is_unavailable(
    api: ApiServer, cluster: Cluster, fault: Fault, words: str
) -> None:
    make_lease(cluster)
    api.fault = lambda *_: fault
    with pytest.raises(Unavailable, match=words):
        cluster.read_lease(NAMESPACE, NAME)
    api.fault = None
    assert cluster.read_lease(NAMESPACE, NAME) is not None


def test_an_answer_without_a_content_type_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with RawServer(script) as server:
        file = write_kubeconfig(tmp_path, server.url, {"token": TOKEN})
        monkeypatch.setenv("KUBECONFIG", str(file))
        cluster = Cluster(5)
        with pytest.raises(Unavailable, match="get lease"):
            cluster.read_lease(NAMESPACE, NAME)
        cluster.close()


def test_a_token_that_was_rotated_is_read_again(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "token"
    account.write_text(TOKEN)
    file = write_kubeconfig(tmp_path, api.url, {"tokenFile": str(account)})
    monkeypatch.setenv("KUBECONFIG", str(file))
    cluster = Cluster(0.5)
    assert cluster.read_lease(NAMESPACE, NAME) is None
    api.token = "the-next-one"
    account.write_text("the-next-one\n")
    assert cluster.read_lease(NAMESPACE, NAME) is None
    api.token = "another"
    with pytest.raises(Rejected, match="HTTP 401") as refused:
        cluster.read_lease(NAMESPACE, NAME)
    assert "the-next-one" not in str(refused.value)
    account.unlink()
    with pytest.raises(Unavailable):
        cluster.read_lease(NAMESPACE, NAME)
    cluster.close()


def test_in_a_pod_token_and_certificate_are_read_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    certificate = make_certificate(first)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "namespace").write_text("models\n")
    (tmp_path / "ca.crt").write_text(certificate.read_text())

    def script(exchange: Exchange) -> None:
        body = b'{"kind": "Status", "message": "not found", "code": 404}'
        known = exchange.headers["authorization"] == f"Bearer {TOKEN}"
        head = "404 Not Found" if known else "401 Unauthorized"
        kind = "Content-Type: application/json\r\n"
        exchange.send(f"HTTP/1.1 {head}\r\n{kind}Content-Length: {len(body)}\r\n\r\n".encode())
        exchange.send(body)

    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    with RawServer(script, server_context(certificate)) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        cluster = Cluster(10, tmp_path)
        assert cluster.namespace == "models"
        assert cluster.read_lease(NAMESPACE, NAME) is None
        cluster.close()
        another = make_certificate(second)
        server.tls = server_context(another)
        with pytest.raises(Unavailable, match="certificate"):
            cluster.read_lease(NAMESPACE, NAME)
        (tmp_path / "ca.crt").write_text(another.read_text())
        assert cluster.read_lease(NAMESPACE, NAME) is None
        cluster.close()


def test_proxies_of_the_environment_do_not_see_the_token(
    api: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert cluster.read_lease(NAMESPACE, NAME) is None
        assert proxy.requests == []
    assert len(api.requests) == 1


def test_without_an_api_server_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(WrongUsage, match="automountServiceAccountToken"):
        Cluster(1)
    for text in ("", "]", "clusters: []", "current-context: it\nclusters: []\ncontexts: []"):
        file = tmp_path / "kubeconfig"
        file.write_text(text)
        monkeypatch.setenv("KUBECONFIG", str(file))
        with pytest.raises(WrongUsage, match=r"--leader-election: .*kubeconfig"):
            Cluster(1)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(WrongUsage, match="none"):
        Cluster(1)


def test_events_are_about_the_deployment_of_the_pod(api: ApiServer, cluster: Cluster) -> None:
    api.add_pod("mp-1-x", "mp-1", "mp")
    assert cluster.subject_of(NAMESPACE, "mp-1-x") == Subject(
        "apps/v1", "Deployment", NAMESPACE, "mp", "uid-of-mp"
    )
    api.add_pod("alone")
    assert cluster.subject_of(NAMESPACE, "alone") == Subject(
        "v1", "Pod", NAMESPACE, "alone", "uid-of-alone"
    )
    api.add_pod("set-x", "set")
    assert cluster.subject_of(NAMESPACE, "set-x").kind == "ReplicaSet"


def test_events_are_about_the_pod_where_its_owners_are_not_to_be_read(
    api: ApiServer, cluster: Cluster
) -> None:
    api.add_pod("mp-1-x", "mp-1", "mp")
    api.forbidden = {"get replicasets"}
    assert cluster.subject_of(NAMESPACE, "mp-1-x").kind == "ReplicaSet"
    api.forbidden = {"get pods"}
    assert cluster.subject_of(NAMESPACE, "mp-1-x") == Subject("v1", "Pod", NAMESPACE, "mp-1-x")
    api.fault = lambda *_: Fault("status", 500, "{}")
    with pytest.raises(Unavailable):
        cluster.subject_of(NAMESPACE, "mp-1-x")


def test_an_event_has_what_kubernetes_asks_for_and_then_a_series(
    api: ApiServer, cluster: Cluster
) -> None:
    subject = Subject("apps/v1", "Deployment", NAMESPACE, "mp", "uid-of-mp")
    name = cluster.create_event(subject, NEWS, "pod-1_0")
    (event,) = api.events
    assert event["metadata"]["name"] == name
    assert event["metadata"]["namespace"] == event["regarding"]["namespace"] == NAMESPACE
    assert event["regarding"]["uid"] == "uid-of-mp"
    assert {key: event[key] for key in ("type", "reason", "action", "note")} == {
        "type": "Warning",
        "reason": "BackendDown",
        "action": "Ask",
        "note": "backend gpu1 cannot be reached",
    }
    assert event["reportingController"] == "modelprovisioner"
    assert event["reportingInstance"] == "pod-1_0"
    assert event["eventTime"].endswith("Z")
    assert "series" not in event
    cluster.repeat_event(NAMESPACE, name, 2)
    (event,) = api.events
    assert event["series"]["count"] == 2
    assert event["series"]["lastObservedTime"].endswith("Z")
    with pytest.raises(Rejected) as gone:
        cluster.repeat_event(NAMESPACE, "gone", 2)
    assert gone.value.status == 404
