"""The router of a LiteLLM process: which models it serves, version by version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .litellm_rows import config_row, is_served

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .litellm_errors import Json
    from .litellm_rows import Row, Version


INFO_CHANGES_SEEN: Final = (1, 83)
LAST_ROW_EVICTED: Final = (1, 95)
ROUTER_KEPT: Final = (1, 98)


class Router:
    """The models of the configuration file, and the database's rows as of the last reload.

    Without any model there is no router: ``exists`` is false until the first row is loaded.
    """

    def __init__(self, version: Version, config_models: Iterable[Json]) -> None:
        self._version = version
        self._config = {row.model_id: row for row in map(config_row, config_models)}
        self._loaded: dict[str, Row] = {}
        self.exists = bool(self._config)

    def live(self) -> dict[str, Row]:
        """Return all models by id, those of the configuration file first."""
        return {**self._config, **self._loaded}

    def is_configured(self, model_id: str) -> bool:
        """Return whether a model comes from the configuration file."""
        return model_id in self._config

    def reload(self, stored: Mapping[str, Row]) -> None:
        """Take the rows of the database over."""
        self.exists = self.exists or bool(stored)
        if stored or self._version >= LAST_ROW_EVICTED:
            for model_id in self._loaded.keys() - stored.keys():
                del self._loaded[model_id]
        for row in stored.values():
            self._load(row)

    def remove(self, model_id: str) -> None:
        """Stop serving a row that was deleted."""
        self._loaded.pop(model_id, None)

    def drop_before_reload(self) -> None:
        """Empty the router before the reload that follows a PATCH, as older versions do."""
        if self._version < ROUTER_KEPT:
            self._loaded.clear()

    def _load(self, row: Row) -> None:
        """Load a row if it is new or changed; a changed one moves to the end of the listings."""
        loaded = self._loaded.get(row.model_id)
        if self._version < INFO_CHANGES_SEEN and loaded is not None:
            changed = loaded.litellm_params != row.litellm_params
        else:
            changed = loaded != row
        if not is_served(row):
            if self._version < ROUTER_KEPT:  # newer ones continue to serve the earlier row
                self.remove(row.model_id)
        elif changed:
            self.remove(row.model_id)
            self._loaded[row.model_id] = row
