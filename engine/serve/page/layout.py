"""The status page: the whole HTML, made of the two documents. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..status.headline import ATTENTION, BROKEN, IN_STEP, PLANNED, STANDBY, STARTING, STUCK, WORKING
from .backends import models_section
from .changes import plans_section
from .filters import Filter
from .markup import Html, joined, sentence, shown, tag
from .words import clock, code, relative, took

Json = dict[str, Any]
_KINDS: Final = {
    STARTING: "pending",
    STANDBY: "pending",
    WORKING: "pending",
    STUCK: "failed",
    BROKEN: "failed",
    ATTENTION: "held",
    PLANNED: "pending",
    IN_STEP: "in_sync",
}
_MOST_EVENTS: Final = 8
_LINKS: Final = ("/api/status", "/api/plans", "/metrics", "/healthz", "/readyz")


def page(status: Json, plans: Json, chosen: Filter, mark: str, reload: int = 0) -> str:
    """Return the page.

    ``mark`` changes whenever the page would, and lets the script ask for news cheaply. With
    ``reload``, the browser loads the page again after so many seconds, for those without a script.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="refresh", content=str(reload)) if reload else None,
        tag("title", f"{status['summary']['title']} · ModelProvisioner"),
        tag("link", rel="stylesheet", href="/page.css"),
        tag("link", rel="icon", href="/icon.svg", type="image/svg+xml"),
        tag("script", src="/page.js", defer=True),
    )
    main = tag(
        "main",
        *_banners(status),
        _headline(status),
        _next(status),
        models_section(status, chosen),
        plans_section(plans),
        _config(status),
        id="live",
        data_mark=mark,
    )
    body = tag("body", _header(status), main, _footer(status))
    whole = tag("html", head, body, lang="en")
    return f"<!doctype html>\n{whole.text}\n"


def _header(status: Json) -> Html:
    program = status["program"]
    where = joined(["keeps ", code(shown(program["litellm"])), " in step"])
    about = tag("p", where if program["litellm"] else "", class_="about")
    offline = tag(
        "p",
        "ModelProvisioner does not answer; this is the last that it told.",
        id="offline",
        class_="banner failed",
        hidden=True,
        role="status",
    )
    return tag("header", tag("h1", "ModelProvisioner"), about, offline)


def _banners(status: Json) -> Iterator[Html]:
    if status["program"]["dry_run"]:
        said = "Dry run: everything is planned, and nothing is written to LiteLLM."
        yield tag("p", said, class_="banner pending")
    config = status["config"]
    if config["error"]:
        said = "The configuration was changed and cannot be used; the last good one is in force."
        link = tag("a", "What is wrong", href="#config")
        yield tag("p", said, " ", link, class_="banner failed")


def _headline(status: Json) -> Html:
    summary = status["summary"]
    lines = [tag("p", sentence(line, 1000)) for line in summary["sentence"].split("\n")]
    parts = [tag("h2", summary["title"], class_=f"title {_KINDS[summary['state']]}"), *lines]
    if status["progress"]:
        parts.append(_progress(status["progress"]))
    parts.append(_facts(status))
    return tag("section", *parts, id="summary", class_="summary")


def _progress(progress: Json) -> Html:
    done, total = str(progress["done"]), str(progress["total"])
    label = "operations done"
    bar = tag("progress", progress["sentence"], value=done, max=total, aria_label=label)
    latest = [
        tag("li", f"{each['action']} ", shown(each["name"]), _unless_done(each["outcome"]))
        for each in reversed(progress["latest"][-5:])
    ]
    return tag(
        "div",
        bar,
        tag("p", progress["sentence"]),
        tag("ul", *latest, class_="latest"),
        class_="work",
    )


def _unless_done(outcome: str) -> str:
    done = outcome in ("applied", "already")
    return "" if done else f": {outcome.replace('_', ' ')}"


def _facts(status: Json) -> Html:
    now, cycle, program = status["time"], status["cycle"], status["program"]
    backends = status["backends"]
    well = sum(each["outcome"] == "ok" and each["answered"] for each in backends)
    facts: list[tuple[str, Html | str, Html | str]] = []
    if cycle:
        result = "ended well" if cycle["ok"] else "failed" if cycle["error"] else "not all was done"
        told = f"{result}, {took(cycle['seconds'])}"
        facts.append(("Last cycle", relative(cycle["begun"], now), told))
    if backends:
        facts.append(("Backends", f"{well} of {len(backends)}", "answer with a whole list"))
    in_sync = f"{status['counts']['in_sync']:,} in sync"
    facts.append(("Models", f"{len(status['deployments']):,}", in_sync))
    started = relative(program["started"], now)
    facts.append(("Started", started, f"version {program['version']}"))
    members = [
        tag("div", tag("dt", name), tag("dd", value, tag("small", detail)))
        for name, value, detail in facts
    ]
    return tag("dl", *members, class_="facts")


def _next(status: Json) -> Html | None:
    events = status["next"]
    if not events:
        return None
    members = [_event(each, status["time"]) for each in events[:_MOST_EVENTS]]
    if len(events) > _MOST_EVENTS:
        more = f"and {len(events) - _MOST_EVENTS} more"
        members.append(tag("li", tag("span", class_="when"), more))
    heading = tag("h2", "What happens next", id="next-heading")
    return tag(
        "section",
        heading,
        tag("ol", *members, class_="timeline"),
        id="next",
        aria_labelledby="next-heading",
    )


def _event(event: Json, now: str) -> Html:
    when = tag("span", relative(event["at"], now), class_="when")
    return tag("li", when, tag("span", shown(event["what"])))


def _config(status: Json) -> Html:
    config, now = status["config"], status["time"]
    facts = []
    if config["file"]:
        facts.append(tag("span", code(shown(config["file"]))))
    if config["generation"]:
        facts.append(tag("span", f"generation {config['generation']}"))
    if config["since"]:
        facts.append(tag("span", "in force since ", relative(config["since"], now)))
    parts = [tag("p", *facts, class_="facts-line") if facts else None]
    if config["error"]:
        lines = [tag("p", shown(line, 1000)) for line in config["error"].splitlines()]
        title = tag("p", tag("b", "The file cannot be used, so the last good configuration stays:"))
        parts.append(tag("div", title, *lines, class_="note failed"))
    if config["notices"]:
        notices = [tag("p", sentence(text, 1000)) for text in config["notices"]]
        parts.append(tag("div", *notices, class_="note skipped"))
    settings = dict(config["settings"])
    if settings:
        backends = settings.pop("backends", [])
        folds = [_fold("config-top", "General", settings)]
        for number, backend in enumerate(backends):
            rest = {key: value for key, value in backend.items() if key != "name"}
            folds.append(_fold(f"config-{number}", str(backend["name"]), rest))
        parts.append(tag("div", *folds, class_="stack"))
    else:
        parts.append(tag("p", "No configuration has been read yet.", class_="empty"))
    heading = tag("h2", "Configuration in force", id="config-heading")
    return tag("section", heading, *parts, id="config", aria_labelledby="config-heading")


def _fold(fold_id: str, title: str, values: Json) -> Html:
    who = tag("span", tag("h3", shown(title)), class_="who")
    members = [
        tag("div", tag("dt", code(shown(name))), tag("dd", code(shown(_text(value), 2000))))
        for name, value in _flat(values)
    ]
    return tag(
        "details",
        tag("summary", who),
        tag("div", tag("dl", *members, class_="settings")),
        id=fold_id,
        class_="card",
        open=False,
    )


def _flat(values: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each setting; a map that is not empty is gone into."""
    for name, value in values.items():
        where = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value:
            yield from _flat(value, where)
        else:
            yield where, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _footer(status: Json) -> Html:
    links = [tag("a", path, href=path) for path in _LINKS]
    again = tag("a", "load it again every 30 s", href="/?reload=30")
    still = tag("p", "Without its script this page stays as it is: ", again, ".", id="still")
    time = tag("time", clock(status["time"]), datetime=status["time"], data_clock=True)
    as_of = tag("p", "As of ", time)
    return tag("footer", tag("p", *links, class_="links"), as_of, still)
