"""Requests to the API server of Kubernetes, by lightkube, which is imported only when needed.

The rest of this package has values of its own, and every error here is one of the engine's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.core.exceptions import ConfigError as NotConfigured
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import ReplicaSet
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Pod
from lightkube.resources.events_v1 import Event
from lightkube.types import PatchType

from ..bounds import MAX_EXCERPT
from ..errors import Rejected, Unavailable
from ..text import describe_os_error, printable, shortened
from .access import ACCOUNT, UNREADABLE, configuration
from .election import Found, Record, Write
from .happening import Happening, Subject

log = logging.getLogger(__name__)
_MOST_NAME: Final = 200
_MOST_INSTANCE: Final = 128


class Cluster:
    """The API server, for one thread. Each request is tried once; ``patience`` is in seconds.

    After a failed connection the certificates and the token are read again, since both are rotated;
    lightkube also reads the token again where it is refused. Proxies of the environment are not
    used. ``account`` is where the service account of a pod is mounted.
    """

    def __init__(self, patience: float, account: Path = ACCOUNT) -> None:
        self._config = configuration(account)
        self._timeout = httpx2.Timeout(patience)
        self._client: Client | None = None

    @property
    def namespace(self) -> str:
        """The namespace of the service account, or of the context of the kubeconfig."""
        return self._config.namespace.strip()

    def read_lease(self, namespace: str, name: str) -> Found | None:
        """Return a Lease, or None where there is none.

        Raises:
            Unavailable: there is no clear answer.
            Rejected: the API server does not allow it, or knows no such thing.
        """
        try:
            with self.request(f"get lease {namespace}/{name}") as client:
                return _found(client.get(Lease, name, namespace=namespace))
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def write_lease(self, namespace: str, name: str, write: Write) -> Found | None:
        """Write a Lease and return it; None where it is not as in ``write.over`` any more.

        Raises:
            Unavailable: it may have been written, or not.
            Rejected: it was not.
        """
        lease = write.over.source if write.over else None
        try:
            if not isinstance(lease, Lease):
                with self.request(f"create lease {namespace}/{name}") as client:
                    metadata = ObjectMeta(name=name, namespace=namespace)
                    return _found(client.create(Lease(metadata=metadata, spec=_spec(write.record))))
            with self.request(f"update lease {namespace}/{name}") as client:
                changed = Lease(metadata=lease.metadata, spec=_spec(write.record, lease.spec))
                return _found(client.replace(changed))
        except Rejected as error:
            if error.status == 409:
                return None
            raise

    def subject_of(self, namespace: str, pod: str) -> Subject:
        """Return the Deployment that a pod belongs to, or what else; itself if that is not known.

        Raises:
            Unavailable: there is no clear answer now.
        """
        subject = Subject("v1", "Pod", namespace, pod)
        try:
            with self.request(f"get pod {namespace}/{pod}") as client:
                found = client.get(Pod, pod, namespace=namespace)
            subject = _controller(found.metadata, subject)
            if subject.kind == "ReplicaSet":
                with self.request(f"get replicaset {namespace}/{subject.name}") as client:
                    owner = client.get(ReplicaSet, subject.name, namespace=namespace)
                subject = _controller(owner.metadata, subject)
        except Rejected as error:
            log.warning("Events are about %s %s: %s", subject.kind, subject.name, error)
        return subject

    def create_event(self, subject: Subject, happening: Happening, instance: str) -> str:
        """Record an Event about an object, and return its name.

        Raises:
            Unavailable, Rejected: it was not recorded, or there is no clear answer.
        """
        name = f"{subject.name[:_MOST_NAME]}.{secrets.token_hex(8)}"
        event = Event(
            metadata=ObjectMeta(name=name, namespace=subject.namespace),
            eventTime=datetime.now(UTC),
            type="Warning" if happening.warning else "Normal",
            reason=happening.reason,
            action=happening.action,
            note=happening.note,
            regarding=ObjectReference(
                apiVersion=subject.api_version,
                kind=subject.kind,
                namespace=subject.namespace,
                name=subject.name,
                uid=subject.uid or None,
            ),
            reportingController="modelprovisioner",
            reportingInstance=instance[-_MOST_INSTANCE:],
        )
        with self.request(f"create event about {subject.kind} {subject.name}") as client:
            client.create(event)
        return name

    def repeat_event(self, namespace: str, name: str, count: int) -> None:
        """Record that what an Event tells was seen ``count`` times, for the last time now.

        Raises:
            Rejected: such as 404, where it is there no longer.
            Unavailable: there is no clear answer.
        """
        series = {"count": count, "lastObservedTime": datetime.now(UTC)}
        patch = {"series": series}
        with self.request(f"patch event {namespace}/{name}") as client:
            client.patch(Event, name, patch, namespace=namespace, patch_type=PatchType.MERGE)

    @contextmanager
    def request(self, what: str) -> Iterator[Client]:
        """Give the client for one request, ``what``, and turn its errors into the engine's."""
        try:
            if self._client is None:
                self._client = Client(self._config, timeout=self._timeout, trust_env=False)
            yield self._client
        except ApiError as error:
            status = error.status.code or error.response.status_code
            raise _refusal(what, status, error.status.message or "") from None
        except httpx2.HTTPStatusError as error:
            raise _refusal(what, error.response.status_code, "") from None
        except (httpx2.HTTPError, NotConfigured, OSError) as error:
            self.close()
            why = describe_os_error(error) if isinstance(error, OSError) else str(error)
            raise Unavailable(_sentence(what, why or type(error).__name__)) from None
        except UNREADABLE:
            raise Unavailable(_sentence(what, "the answer is not one of its API")) from None

    def close(self) -> None:
        """Close its connections; the next request opens them again."""
        if self._client is not None:
            self._client.close()
        self._client = None


def _refusal(what: str, status: int, message: str) -> Unavailable | Rejected:
    text = _sentence(what, f"HTTP {status}{': ' if message else ''}{message}")
    if 400 <= status < 500 and status not in (408, 429):
        return Rejected(text, status=status)
    return Unavailable(text, status=status)


def _sentence(what: str, why: str) -> str:
    return f"the API server of Kubernetes: {what}: {_excerpt(why)}"


def _excerpt(text: str) -> str:
    return shortened(printable(text), MAX_EXCERPT)


def _found(lease: Lease) -> Found:
    spec = lease.spec or LeaseSpec()
    seconds = spec.leaseDurationSeconds or 0
    record = Record(
        spec.holderIdentity or "",
        max(0, seconds),
        spec.leaseTransitions or 0,
        _text(spec.acquireTime),
        _text(spec.renewTime),
    )
    return Found(record, lease)


def _spec(record: Record, before: LeaseSpec | None = None) -> LeaseSpec:
    """Return what a Lease is to say; what we know nothing of stays."""
    return LeaseSpec(
        holderIdentity=record.holder,
        leaseDurationSeconds=record.seconds,
        leaseTransitions=record.transitions,
        acquireTime=_time(record.acquired),
        renewTime=_time(record.renewed),
        strategy=before.strategy if before else None,
        preferredHolder=before.preferredHolder if before else None,
    )


def _controller(metadata: ObjectMeta | None, owned: Subject) -> Subject:
    """Return who controls an object, by its metadata; itself, with its uid, if nobody does."""
    for owner in (metadata.ownerReferences if metadata else None) or ():
        if owner.controller:
            return Subject(owner.apiVersion, owner.kind, owned.namespace, owner.name, owner.uid)
    uid = (metadata.uid if metadata else None) or ""
    return Subject(owned.api_version, owned.kind, owned.namespace, owned.name, uid or owned.uid)


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="microseconds") if time else ""


def _time(text: str) -> Any:
    return datetime.fromisoformat(text) if text else None
