"""Plans in files, as ``plan --out`` writes them: read, and checked before anything is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .bounds import MAX_PLAN
from .config.key_files import read_bounded
from .errors import Garbled, Problem, UnusablePlan
from .plan.plan import PLAN_VERSION, Plan
from .text import describe_os_error
from .transport.json_values import number, unambiguous
from .validate import problems

_AGAIN: Final = "Remedy: make it with `modelprovisioner plan --out FILE`"
_SMALLER: Final = "Remedy: make a plan for some backends with `plan --backend NAME --out FILE`"
_HIDDEN: Final = "***"


def read_plan(path: Path) -> Plan:
    """Return the plan in a file, as it was made.

    Raises:
        UnusablePlan: it cannot be read, or is no plan, or one of another version, or was changed.
    """
    document = _parse(path, _read(path))
    version = document.get("version")
    if version != PLAN_VERSION:
        theirs = f"of version {json.dumps(version)}, this one reads {PLAN_VERSION}"
        raise UnusablePlan(f"{path} is a plan of another modelprovisioner ({theirs}). {_AGAIN}")
    if found := problems(document, "plan"):
        raise UnusablePlan(f"{path} is not a plan as it was written: {_first(found)}. {_AGAIN}")
    plan = Plan.from_json(document)
    if (plan.digest, plan.checksum) != (document["digest"], document["checksum"]):
        raise UnusablePlan(f"{path} {_changed(document)}. {_AGAIN}")
    return plan


def _read(path: Path) -> str:
    try:
        content = read_bounded(path, MAX_PLAN)
    except OSError as error:
        reason = describe_os_error(error)
        raise UnusablePlan(f"{path} cannot be read: {reason}. {_AGAIN}") from None
    except ValueError:
        raise UnusablePlan(f"{path} is not a file that holds a plan. {_AGAIN}") from None
    if len(content) > MAX_PLAN:
        raise UnusablePlan(f"{path} is larger than {MAX_PLAN >> 20} MiB. {_SMALLER}")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UnusablePlan(f"{path} is not text in UTF-8, so it is no plan. {_AGAIN}") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=unambiguous, parse_constant=number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        what = f"is not JSON, or not all of it is there ({where})"
        raise UnusablePlan(f"{path} {what}. {_AGAIN}") from None
    except (ValueError, Garbled, RecursionError):  # NaN, two values for a name, a deep nest
        raise UnusablePlan(f"{path} is not JSON as a plan has it. {_AGAIN}") from None
    if not isinstance(document, dict) or not {"version", "operations"} <= document.keys():
        raise UnusablePlan(f"{path} is JSON, but not a plan. {_AGAIN}")
    return document


def _first(found: list[Problem]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]}{more}"


def _changed(document: dict[str, Any]) -> str:
    """Return why the content of a plan does not fit its digest and checksum."""
    if _HIDDEN in json.dumps([document["operations"], document["skips"]]):
        return (
            "cannot be applied: the text of a key of the configuration is in it, and was hidden as"
            f" {_HIDDEN}; use `apply` without a file"
        )
    return "was changed after it was made: its digest and checksum do not fit what is in it"
