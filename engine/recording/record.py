"""One dry cycle, and its HTTP as a folder without secrets.

The mark of a row has a slow, salted hash of each of our secrets. Every holder of a LiteLLM key can
read it, and it is in each plan that changes a secret. A recording has these hashes too, and
stand-ins for the secrets themselves: so its replay gives the same plan, and needs no key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from .. import __version__
from ..config.model import Config
from ..config.references import references_of
from ..config.yaml.document import read_text
from ..errors import EngineError, Unplayable, Unrecorded
from ..plan.plan import Plan
from ..reconcile import Memory, Options, Ports, Report, reconcile_once
from ..report.artifacts import plan_pieces
from ..report.plan_log import PlanLog
from ..report.summary import summary_of
from ..state.frozen import EMPTY
from ..state.secret import PLACEHOLDER_KEY, Secret
from ..text import Redactor
from ..transport.client_pool import LITELLM, Http
from ..transport.timing import Timing
from .folder import (
    CONFIG,
    PLAN,
    RECORDING,
    RECORDING_VERSION,
    SECRETS,
    check_folder,
    read_recording,
    write_recording,
)
from .recorder import LITELLM_FILE, Recorder, page_files
from .replay import replay
from .scrub import Scrub
from .stand_ins import config_with_stand_ins, load_with_stand_ins, stand_in_of

_DRY: Final = Options(dry_run=True)
_SHORTEST: Final = 4
"""Shorter secrets are not looked for: they would match parts of ordinary words."""
_VERSION: Final = "litellm_version"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded: the cycle's report, or the error in which it ended ("" for none).

    ``servers`` is how many backends there are answers of. ``faithful`` says whether the replay of
    the recording gives the same plan, or the same error.
    """

    report: Report | None
    error: str
    servers: int
    faithful: bool


def record(
    config: Config,
    path: Path,
    folder: Path,
    timing: Timing,
    environment: Mapping[str, str] = EMPTY,
) -> Recorded:
    """Run one dry cycle with a configuration, and write it to a folder.

    ``path`` is where the configuration was read, with the variables of ``environment``.

    Raises:
        WrongUsage: the folder holds something else.
        Unrecorded: it cannot be written, is too large, or a secret would be in it.
    """
    check_folder(folder)
    text = config_with_stand_ins(read_text(path), path.name, environment)
    redactor = Redactor(shortest=_SHORTEST)
    redactor.learn(config.secrets())
    recorder = Recorder()
    report, error = _cycle(config, Http(timing, recorder))
    error = redactor.redact(error)
    timeouts = {backend.name: backend.connection.timeout for backend in config.backends}
    timeouts[LITELLM] = config.litellm.connection.timeout
    plan = plan_text(report.plan, redactor) if report else ""
    pages = page_files(recorder.exchanges(timeouts), Scrub(redactor.redact, plan))
    files = {
        **_configuration(config, error, text),
        **{f"{name}.json": _json(document) for name, document in pages.items()},
        "about.json": _json({"litellm": _version_in(pages.get(LITELLM_FILE, {}))}),
        "why.md": _why(report, error),
    }
    if report is not None:
        files[PLAN] = plan
    _check_secrets(files, redactor)
    write_recording(folder, files)
    servers = sum(name != LITELLM_FILE for name in pages)
    return Recorded(report, error, servers, _replayed(folder) == (plan, error))


def plan_text(plan: Plan, redactor: Redactor) -> str:
    """Return a plan as ``plan --json`` prints it."""
    return "".join(plan_pieces(plan, redactor.redact_json))


def _cycle(config: Config, http: Http) -> tuple[Report | None, str]:
    """Return what a dry cycle planned, or the error in which it ended."""
    try:
        return reconcile_once(config, Ports(PlanLog(None), http=http), Memory(), _DRY), ""
    except EngineError as error:
        return None, str(error)
    finally:
        http.close()


def _configuration(config: Config, error: str, text: str) -> dict[str, str]:
    """Return the files that hold the configuration, with stand-ins, and the references.

    ``text`` is that of the configuration, with stand-ins.
    """
    keys = {
        backend.name: "" if backend.key == Secret(PLACEHOLDER_KEY) else stand_in_of(backend.name)
        for backend in config.backends
        if backend.key_given
    }
    problems = {backend.name: backend.key_problem for backend in config.backends}
    problems = {name: problem for name, problem in problems.items() if problem}
    with TemporaryDirectory() as place:
        copy = Path(place) / CONFIG
        copy.write_text(text, encoding="utf-8")
        alike = load_with_stand_ins(copy, keys, problems)
    references = references_of(config)
    pairs = dict(zip(alike.places(), config.places(), strict=True))
    about = {
        "version": RECORDING_VERSION,
        "engine": __version__,
        "error": error,
        "key_problems": problems,
        "references": [
            {
                "endpoint": endpoint,
                "path": field,
                "stand_in": stand_in.reveal(),
                "reference": references[real],
            }
            for (endpoint, field, stand_in), real in pairs.items()
            if stand_in != Secret(PLACEHOLDER_KEY)
        ],
    }
    return {CONFIG: text, SECRETS: _json(keys), RECORDING: _json(about)}


def _replayed(folder: Path) -> tuple[str, str]:
    """Return the plan and the error to which a recording leads."""
    recording = read_recording(folder)
    config = recording.config()
    redactor = Redactor(shortest=_SHORTEST)
    redactor.learn(config.secrets())
    try:
        return plan_text(replay(recording, config, _DRY).plan, redactor), ""
    except Unplayable as error:
        return "", f"not faithful: {error}"
    except EngineError as error:
        return "", redactor.redact(str(error))


def _check_secrets(files: Mapping[str, str], redactor: Redactor) -> None:
    """Return if no file holds a secret of the configuration.

    Raises:
        Unrecorded: one does.
    """
    for name, text in files.items():
        if redactor.redact(text) != text:
            raise Unrecorded(
                f"a secret of the configuration is also an ordinary part of {name}, so nothing is"
                " written. Remedy: use a longer key, which is no word that a server, a model or the"
                " configuration has as well"
            )


def _version_in(pages: Mapping[str, Any]) -> str:
    """Return the version of LiteLLM that its pages name; "" if none does."""
    bodies = (page.get("body", page) for page in pages.values() if isinstance(page, dict))
    found = (body.get(_VERSION) for body in bodies if isinstance(body, dict))
    return next((text for text in found if isinstance(text, str)), "")


def _why(report: Report | None, error: str) -> str:
    said = summary_of(report.plan) if report else error
    return f"A recorded cycle: {said}\n"


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
