"""The log for people: no secrets, and no characters that control a terminal."""

from __future__ import annotations

import json
import logging

from engine.report.operator_log import LogFormatter
from engine.state.secret import Secret
from engine.text import Redactor


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("engine.x", logging.INFO, __file__, 1, message, arguments, None)


def test_known_secrets_are_replaced_the_longest_first() -> None:
    redactor = Redactor(shortest=4)
    redactor.learn([Secret("hunter2"), Secret("hunter2-and-more"), Secret("abc")])
    line = LogFormatter(redactor, as_json=False).format(
        record("%s then %s and abc", "hunter2-and-more", "hunter2")
    )
    assert line.endswith("*** then *** and abc")


def test_secrets_that_were_learned_earlier_stay_hidden() -> None:
    redactor = Redactor()
    formatter = LogFormatter(redactor, as_json=False)
    redactor.learn([Secret("old-secret")])
    redactor.learn([Secret("new-secret")])
    assert "secret" not in formatter.format(record("old-secret new-secret"))


def test_a_secret_is_hidden_as_json_writes_it_too() -> None:
    redactor = Redactor()
    redactor.learn([Secret('a"b\u00e4')])
    line = LogFormatter(redactor, as_json=False).format(record("%s", json.dumps('a"b\u00e4')))
    assert line.endswith('"***"')


def test_a_line_cannot_steer_a_terminal() -> None:
    line = LogFormatter(Redactor(), as_json=False).format(
        record("%s", "a\x1b]0;owned\x07\u202eb\rc")
    )
    assert line.endswith("a\\x1b]0;owned\\x07\\u202eb\\rc")


def test_a_json_line_is_one_line_and_holds_the_exception_without_secrets() -> None:
    redactor = Redactor()
    redactor.learn([Secret("hunter2")])
    try:
        raise ValueError("hunter2 is wrong")
    except ValueError as error:
        failed = record("it failed\nbadly with hunter2")
        failed.exc_info = (type(error), error, error.__traceback__)
    line = LogFormatter(redactor, as_json=True).format(failed)
    assert "\n" not in line
    assert "hunter2" not in line
    document = json.loads(line)
    assert document["message"] == "it failed\nbadly with ***"
    assert "ValueError" in document["exception"]
