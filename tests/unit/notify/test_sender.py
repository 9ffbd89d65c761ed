"""Messages to webhooks that are slow, down, broken or hostile."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from engine.bounds import MAX_WAITING
from engine.notify.post import Receiver
from engine.notify.sender import Patience, Sender
from engine.state.secret import Secret
from tests.hook import Hook, running_hook
from tests.quick import QUICK

QUICKLY = Patience(timeout=5.0, pauses=(0.01, 0.01))


@pytest.fixture
def hook(caplog: pytest.LogCaptureFixture) -> Iterator[Hook]:
    caplog.set_level(logging.DEBUG)
    with running_hook() as running:
        yield running
    told = [record for record in caplog.records if record.name.startswith("engine.notify")]
    assert "hunter2" not in "".join(record.getMessage() for record in told)


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender(QUICK, QUICKLY)
    yield made
    made.close(0.0)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.startswith("engine.notify")]


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_message_arrives_once_and_with_nothing_but_itself(hook: Hook, sender: Sender) -> None:
    sender.send(hook.secret, {"text": "a"})
    sender.send(hook.secret, {"text": "b"})
    assert hook.wait_for(2) == [{"text": "a"}, {"text": "b"}]
    sender.close()
    assert len(hook.bodies) == 2
    assert set(hook.paths) == {hook.path}
    assert hook.headers[0]["Content-Type"] == "application/json"
    assert "Authorization" not in hook.headers[0]


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (503, 3), (429, 3), (404, 1), (400, 1)])
def test_what_may_work_later_is_tried_again_and_the_loss_is_told_once(
    hook: Hook,
    sender: Sender,
    caplog: pytest.LogCaptureFixture,
    status: int,
    attempts: int,
) -> None:
    hook.status, hook.body = status, b'{"error": "hunter2"}'
    sender.send(hook.secret, {"text": "a"})
    hook.wait_for(attempts)
    sender.close()
    assert len(hook.bodies) == attempts
    (line,) = told(caplog)
    assert f"127.0.0.1:{hook.port} is lost: it answers HTTP {status}" in line


def test_it_is_told_once_that_messages_are_lost_and_once_that_they_are_taken_again(
    hook: Hook, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 500
    for number in range(3):
        sender.send(hook.secret, {"number": number})
    assert [message["number"] for message in hook.wait_for(5)] == [0, 0, 0, 1, 2]
    hook.status = 200
    sender.send(hook.secret, {"number": 3})
    sender.send(hook.secret, {"number": 4})
    sender.close()
    lost, again = told(caplog)
    assert "is lost" in lost
    assert again == f"notifications to 127.0.0.1:{hook.port} are delivered again"


@pytest.mark.parametrize("body", [b"", b"ok", b"<html>", b"x" * (11 << 20)])
def test_an_answer_that_is_no_json_or_far_too_long_is_taken(
    hook: Hook, sender: Sender, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    hook.body = body
    sender.send(hook.secret, {"text": "a"})
    sender.send(hook.secret, {"text": "b"})
    sender.close(10.0)
    assert hook.messages == [{"text": "a"}, {"text": "b"}]
    assert told(caplog) == []


def test_a_redirect_to_another_server_is_not_followed(
    hook: Hook, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    with running_hook() as other:
        hook.status, hook.location = 307, other.url
        sender.send(hook.secret, {"text": "a"})
        sender.close()
        assert other.bodies == []
    (line,) = told(caplog)
    assert "it redirects elsewhere, which is not followed" in line


def test_a_receiver_that_is_down_costs_the_others_nothing_but_time(
    hook: Hook, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    down = Secret(f"http://127.0.0.1:{closed_port()}/hunter2")
    sender.send(down, {"text": "a"})
    sender.send(hook.secret, {"text": "b"})
    assert hook.wait_for(1) == [{"text": "b"}]
    sender.close()
    (line,) = told(caplog)
    assert line.endswith("is lost: it cannot be reached; more are not told")


def test_a_receiver_that_does_not_answer_is_given_up(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.delay = 1.0
    sender = Sender(QUICK, Patience(timeout=0.1, pauses=()))
    sender.send(hook.secret, {"text": "a"})
    sender.close(5.0)
    (line,) = told(caplog)
    assert "it cannot be reached" in line


@pytest.mark.slow
def test_of_too_many_that_wait_the_oldest_are_dropped(
    hook: Hook, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    held = threading.Event()
    taken = hook.take

    def take(path: str, headers: dict[str, str], body: bytes) -> None:
        held.wait(10.0)
        taken(path, headers, body)

    hook.take = take  # type: ignore[method-assign]
    for number in range(MAX_WAITING + 11):
        sender.send(hook.secret, {"number": number})
    held.set()
    sender.close(30.0)
    numbers = [message["number"] for message in hook.messages]
    assert numbers[-1] == MAX_WAITING + 10
    assert len(numbers) <= MAX_WAITING + 1
    assert numbers == sorted(numbers)
    assert "too many messages wait" in told(caplog)[0]


def test_what_waits_is_sent_before_the_end_but_the_end_does_not_wait_for_ever(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.delay = 30.0
    sender = Sender(QUICK, Patience(timeout=60.0))
    sender.send(hook.secret, {"text": "a"})
    sender.send(hook.secret, {"text": "b"})
    sender.close(0.2)
    assert told(caplog) == ["2 notifications were not delivered before the stop"]
    sender.send(hook.secret, {"text": "c"})  # is left out
    hook.delay = 0.0


def test_what_waits_for_a_receiver_that_is_gone_is_not_sent(hook: Hook, sender: Sender) -> None:
    with running_hook() as slow:
        slow.delay = 0.3
        sender.send(slow.secret, {"text": "a"})
        sender.send(hook.secret, {"text": "b"})
        sender.keep({slow.secret})
        sender.close()
        assert (len(slow.bodies), hook.bodies) == (1, [])


@pytest.mark.parametrize("url", ["https://hooks.example.com", "https://hooks.example.com:8443/a?b"])
def test_only_the_host_of_a_receiver_is_known(url: str) -> None:
    assert Receiver(Secret(url)).host in {"hooks.example.com", "hooks.example.com:8443"}


def test_a_path_and_a_query_are_sent_as_they_are(hook: Hook, sender: Sender) -> None:
    sender.send(Secret(f"{hook.url}//a%20b/?token=hunter2&x=%2F"), {})
    hook.wait_for(1)
    assert hook.paths == [f"{hook.path}//a%20b/?token=hunter2&x=%2F"]
