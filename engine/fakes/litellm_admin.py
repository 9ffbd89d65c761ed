"""What a LiteLLM tells its admins: settings, keys and users, as seen on 1.83.14 and 1.110.2."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

from .litellm_errors import Json, error_answer, json_answer
from .server import Answer

CONFIG_FILE_TOLD: Final = (1, 110)
"""From it on the settings of the configuration file are told, not only those of the database."""
SAVING_TOLD: Final = (1, 110)
_FIELDS: Final = {
    "background_health_checks": (1, 0),
    "model_list_healthy_only": (1, 100),
    "proxy_config_reload_interval_seconds": (1, 95),
    "store_model_in_db": (1, 0),
    "supported_db_objects": (1, 0),
}
"""By setting that we ask for: the version from which on LiteLLM has it."""
_LISTED: Final = ("proxy_config_reload_interval_seconds", "store_model_in_db")
_OPEN: Final = ("/key/info", "/v2/user/info", "/v2/model/info", "/v1/model/info", "/model/info")
"""What every key may read."""
_NO_ADMIN: Final = (
    "Authentication Error, Only proxy admin can be used to generate, delete, update info for new"
    " keys/users/teams. Route={}. Your role={}. Your user_id=*****"
)


@dataclass(slots=True)
class Admin:
    """Settings of a proxy, and its users.

    ``settings`` are those of its configuration file, ``saves`` whether it stores models. ``users``
    has the role of the user of each virtual key, ``expires`` when these keys end ("" for never).
    """

    version: tuple[int, ...]
    settings: Json = field(default_factory=dict)
    saves: bool = True
    users: dict[str, str] = field(default_factory=dict)
    expires: str = ""

    def may_read(self, path: str, token: str) -> Answer | None:
        """Return the answer to a virtual key that may not read a path; None if it may."""
        role = self.users[token]
        if path in _OPEN or role.startswith("proxy_admin"):
            return None
        return error_answer(401, _NO_ADMIN.format(path, role), "auth_error", None)

    def answer(self, path: str, query: dict[str, str], token: str) -> Answer | None:
        """Answer a GET; None if it is about something else."""
        match path:
            case "/config/field/info":
                return self._field(query.get("field_name", ""))
            case "/config/list":
                return self._list()
            case "/key/info":
                return self._key(token)
            case "/v2/user/info":
                return self._user(token)
            case "/get/background_chat_settings" if self.version >= SAVING_TOLD:
                return json_answer(200, {"enabled": False, "can_save": self.saves})
        return None

    def _field(self, name: str) -> Answer:
        text = f"Invalid field={name} passed in."
        if self.version >= _FIELDS.get(name, (math.inf,)):
            text = f"Field name={name} not in DB"
            if self.version >= CONFIG_FILE_TOLD:
                if name in self.settings:
                    told: dict[str, Any] = {"field_name": name, "field_value": self.settings[name]}
                    return json_answer(200, {**told, "source": "config", "editable": False})
                text = f"Field name={name} is not set"
        return json_answer(400, {"detail": {"error": text}})

    def _list(self) -> Answer:
        """Return the few settings that are listed, those of the configuration file included."""
        names = [name for name in _LISTED if self.version >= _FIELDS[name]]
        values = ({"field_name": name, "field_value": self.settings.get(name)} for name in names)
        return json_answer(200, list(values))

    def _key(self, token: str) -> Answer:
        if token not in self.users:
            return error_answer(404, "Key not found in database", "not_found_error", "key")
        return json_answer(200, {"key": "0" * 64, "info": {"expires": self.expires or None}})

    def _user(self, token: str) -> Answer:
        if token not in self.users:
            text = "User not found: default_user_id"
            return error_answer(404, text, "invalid_request_error", None)
        return json_answer(200, {"user_id": "user", "user_role": self.users[token]})
