"""What a LiteLLM tells of itself, its settings and our key: reads only, and never raises.

Seen on 1.83.14 and 1.110.2. ``/config/field/info`` wants the key of an admin, or of an admin's
viewer; 1.83 answers it from its database only, 1.110 also from its configuration file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ..errors import Garbled, Rejected, TransportError, Unavailable
from ..transport.budget import Allowance
from ..transport.client import Client

ADMIN: Final = "proxy_admin"
VIEWER: Final = "proxy_admin_viewer"
OTHER: Final = "other"
UNKNOWN: Final = ""
_NO_ADMIN: Final = "Only proxy admin can be used"
_NO_KEY: Final = "Key not found in database"
_NOT_SET: Final = "is not set"
_NO_FIELD: Final = "Invalid field"
HEALTHY_ONLY: Final = "model_list_healthy_only"
HEALTH_CHECKS: Final = "background_health_checks"
DB_OBJECTS: Final = "supported_db_objects"
STORE: Final = "store_model_in_db"
RELOAD: Final = "proxy_config_reload_interval_seconds"
SETTINGS: Final = (HEALTHY_ONLY, HEALTH_CHECKS, DB_OBJECTS, STORE, RELOAD)
_Get = Callable[[str], Any]
"""Returns the answer at a path, or the error in place of one."""
_LOOKS: Final = 4
"""How often the listing is counted, each time over a new connection: a balancer may then choose
another replica."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of LiteLLM's ``general_settings``.

    ``known`` says whether LiteLLM tells it; its ``value`` is None where it is not set. ``why`` says
    why it is not known.
    """

    value: Any = None
    known: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """What our key may do.

    ``role`` is ADMIN, VIEWER, OTHER or UNKNOWN. ``shown`` is the role as LiteLLM calls it.
    ``is_master`` is true for the master key. ``expires`` is when the key ends, as LiteLLM writes
    it, "" if it does not. ``why`` says why the role is not known.
    """

    role: str
    shown: str = ""
    is_master: bool = False
    expires: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What LiteLLM tells of itself.

    ``settings`` are by name. ``saves`` is whether it stores models in its database, None if it does
    not tell. ``counts`` are how many rows it listed in several looks, over new connections.
    """

    rights: Rights
    settings: dict[str, Setting]
    saves: bool | None
    counts: tuple[int, ...]


def inspect(client: Client, seconds: float) -> Inspection:
    """Return what a LiteLLM that is up, and accepts our key, tells of itself.

    What it has not told after so many ``seconds`` is not known.
    """
    allowance = Allowance(seconds=seconds)

    def get(path: str) -> Any:
        try:
            return client.get(path, attempts=1, allowance=allowance)
        except TransportError as error:
            return error

    settings = {name: _setting(get, name) for name in SETTINGS}
    counts = _counts(get, client.reconnect)
    return Inspection(_rights(get), settings, _saves(get, settings[STORE]), counts)


def _setting(get: _Get, name: str) -> Setting:
    answer = get(f"/config/field/info?field_name={quote(name)}")
    if isinstance(answer, dict) and "field_value" in answer:
        return Setting(answer["field_value"])
    text = str(answer)
    if isinstance(answer, Rejected) and answer.status == 400:
        if _NOT_SET in text or _NO_FIELD in text:
            return Setting()
        return Setting(known=False, why="this version tells only what is set in its database")
    return Setting(known=False, why=_why(answer))


def _why(answer: Any) -> str:
    """Return why an answer does not tell what was asked."""
    if isinstance(answer, Rejected) and answer.status in (401, 403):
        return "our key may not ask for it"
    if isinstance(answer, Rejected) and answer.status == 404:
        return "this version has no such endpoint"
    if isinstance(answer, Unavailable | Garbled | Rejected):
        return "the request for it failed"
    return "the answer has another form than expected"


def _rights(get: _Get) -> Rights:
    user = get("/v2/user/info")
    role = str(user.get("user_role") or "") if isinstance(user, dict) else ""
    key = get("/key/info")
    is_master = isinstance(key, Rejected) and _NO_KEY in str(key)
    info = key.get("info") if isinstance(key, dict) else None
    expires = str(info.get("expires") or "") if isinstance(info, dict) else ""
    if role:
        kind = role if role in (ADMIN, VIEWER) else OTHER
        return Rights(kind, role, is_master, expires)
    probe = get("/credentials")
    if isinstance(probe, dict):
        return Rights(ADMIN, "an admin", is_master, expires)
    if isinstance(probe, Rejected) and _NO_ADMIN in str(probe):
        return Rights(OTHER, "no admin", is_master, expires)
    return Rights(UNKNOWN, "", is_master, expires, _why(probe))


def _saves(get: _Get, store: Setting) -> bool | None:
    """Tell whether models are stored in the database.

    ``store`` is true only where LiteLLM's configuration says so, not where its environment does.
    """
    if store.value is True:
        return True
    answer = get("/get/background_chat_settings")
    saves = answer.get("can_save") if isinstance(answer, dict) else None
    if isinstance(saves, bool):
        return saves
    listed = get("/config/list?config_type=general_settings")
    fields = (
        [field for field in listed if isinstance(field, dict)] if isinstance(listed, list) else []
    )
    values = [field.get("field_value") for field in fields if field.get("field_name") == STORE]
    return True if True in values else None


def _counts(get: _Get, reconnect: Callable[[], None]) -> tuple[int, ...]:
    """Return how many rows are listed, in each look; before 1.81 LiteLLM sends no count."""
    counts = []
    for _ in range(_LOOKS):
        reconnect()
        answer = get("/v2/model/info?size=1")
        count = answer.get("total_count") if isinstance(answer, dict) else None
        if isinstance(count, int):
            counts.append(count)
    return tuple(counts)
