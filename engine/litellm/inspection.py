"""What a LiteLLM tells of itself, its settings and our key: reads only, and never raises.

Seen on 1.83.14 and 1.110.2. ``/config/field/info`` wants the key of an admin, or of an admin's
viewer; 1.83 answers it from its database only, 1.110 also from its configuration file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ..errors import Garbled, Rejected, TransportError, Unavailable
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


def inspect(client: Client) -> Inspection:
    """Return what a LiteLLM that is up, and accepts our key, tells of itself."""
    settings = {name: _setting(client, name) for name in SETTINGS}
    return Inspection(_rights(client), settings, _saves(client, settings[STORE]), _counts(client))


def _get(client: Client, path: str) -> Any:
    """Return an answer, or the error in place of one."""
    try:
        return client.get(path, attempts=1)
    except TransportError as error:
        return error


def _setting(client: Client, name: str) -> Setting:
    answer = _get(client, f"/config/field/info?field_name={quote(name)}")
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


def _rights(client: Client) -> Rights:
    user = _get(client, "/v2/user/info")
    role = str(user.get("user_role") or "") if isinstance(user, dict) else ""
    key = _get(client, "/key/info")
    is_master = isinstance(key, Rejected) and _NO_KEY in str(key)
    info = key.get("info") if isinstance(key, dict) else None
    expires = str(info.get("expires") or "") if isinstance(info, dict) else ""
    if role:
        kind = role if role in (ADMIN, VIEWER) else OTHER
        return Rights(kind, role, is_master, expires)
    probe = _get(client, "/credentials")
    if isinstance(probe, dict):
        return Rights(ADMIN, "an admin", is_master, expires)
    if isinstance(probe, Rejected) and _NO_ADMIN in str(probe):
        return Rights(OTHER, "no admin", is_master, expires)
    return Rights(UNKNOWN, "", is_master, expires, _why(probe))


def _saves(client: Client, store: Setting) -> bool | None:
    """Tell whether models are stored in the database; ``store`` misses its environment variable."""
    if store.value is True:
        return True
    answer = _get(client, "/get/background_chat_settings")
    saves = answer.get("can_save") if isinstance(answer, dict) else None
    return saves if isinstance(saves, bool) else None


def _counts(client: Client) -> tuple[int, ...]:
    """Return how many rows are listed, in each look; before 1.81 LiteLLM sends no count."""
    counts = []
    for _ in range(_LOOKS):
        client.reconnect()
        answer = _get(client, "/v2/model/info?size=1")
        count = answer.get("total_count") if isinstance(answer, dict) else None
        if isinstance(count, int):
            counts.append(count)
    return tuple(counts)
