"""Taking part in an election for as long as the loop runs. Start reading here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ..errors import WrongUsage
from ..run.ended import Ended
from .election import Election, Found, Terms, Write
from .elector import Elector, clock
from .happening import Happening, Subject
from .happenings import CycleNews
from .place import identity, pod
from .recorder import Recorder

if TYPE_CHECKING:
    from .client import Cluster

_LAST_EVENTS: Final = 2.0
"""Seconds in which the last Events are recorded when the process ends."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the Lease ``namespace``/``name``, "" for our own namespace, its terms."""

    namespace: str
    name: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Leadership:
    """What the loop needs of an election, and who is told of its cycles.

    ``term`` returns the number of our term, 0 while another may lead; ``doubt`` why it cannot be
    known who leads, "" where it is known.
    """

    term: Callable[[], int]
    doubt: Callable[[], str]
    watch: Callable[[Ended], None]


@contextmanager
def taking_part(
    wanted: Wanted, wake: threading.Event, stop: threading.Event, redact: Callable[[str], str]
) -> Iterator[Leadership]:
    """Take part in the election, and record Events, as long as the block lasts.

    ``wake`` is set where we begin to lead, or do so no longer. At the end of the block nothing may
    be written any more; then another can lead at once. After an error it waits for the Lease to
    end, since something may still be written.

    Raises:
        WrongUsage: it is not known where the API server is, or lightkube is not installed.
    """
    cluster = _cluster(wanted.terms)
    own_namespace = pod()[0] or cluster.namespace
    wanted = replace(wanted, namespace=wanted.namespace or own_namespace)
    me, news = identity(), CycleNews()
    recorder = Recorder(lambda: _connect(wanted, own_namespace, me), redact, clock)

    def changed(term: int) -> None:
        wake.set()
        if term:
            recorder.record(Happening("BecameLeader", "Lead", f"{me} leads from now on"))

    def watch(ended: Ended) -> None:
        if not stop.is_set():  # after it, a backend that was still being asked looks down
            for happening in news.of(ended):
                recorder.record(happening)

    leases = _Leases(cluster, wanted.namespace, wanted.name)
    lease = f"{wanted.namespace}/{wanted.name}"
    elector = Elector(leases, Election(me, wanted.terms), lease, changed)
    recorder.start()
    elector.start()
    done = False
    try:
        yield Leadership(elector.term, elector.doubt, watch)
        done = True
    finally:
        elector.stop(release=done)
        recorder.stop(_LAST_EVENTS)


@dataclass(frozen=True, slots=True)
class _Leases:
    """One Lease of a cluster."""

    cluster: Cluster
    namespace: str
    name: str

    def read(self) -> Found | None:
        return self.cluster.read_lease(self.namespace, self.name)

    def write(self, write: Write) -> Found | None:
        return self.cluster.write_lease(self.namespace, self.name, write)

    def close(self) -> None:
        self.cluster.close()


@dataclass(frozen=True, slots=True)
class _Events:
    """The Events about one object, by one instance of the engine."""

    cluster: Cluster
    subject: Subject
    instance: str

    def create(self, happening: Happening) -> str:
        return self.cluster.create_event(self.subject, happening, self.instance)

    def repeat(self, name: str, count: int) -> None:
        self.cluster.repeat_event(self.subject.namespace, name, count)

    def close(self) -> None:
        self.cluster.close()


def _connect(wanted: Wanted, own_namespace: str, me: str) -> _Events:
    """Return where to record Events: about the Deployment of this pod, else about the Lease.

    Raises:
        TransportError: the API server does not say now to whom the pod belongs.
    """
    cluster, name = _cluster(wanted.terms), pod()[1]
    if name:
        return _Events(cluster, cluster.subject_of(own_namespace, name), me)
    lease = Subject("coordination.k8s.io/v1", "Lease", wanted.namespace, wanted.name)
    return _Events(cluster, lease, me)


def _cluster(terms: Terms) -> Cluster:
    """Return the API server, whose answers are waited for half as long as a renewal holds."""
    try:
        from .client import Cluster
    except ImportError as error:
        what = "--leader-election needs a client of Kubernetes"
        remedy = "pip install 'modelprovisioner[kubernetes]'"
        raise WrongUsage(f"{what} ({error}). Remedy: {remedy}") from None
    return Cluster(terms.renew / 2)
