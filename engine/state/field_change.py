"""One changed field of a deployment, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .frozen import freeze, in_order, thaw


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One changed field: an RFC 6902 operation on the deployment, plus the value it had.

    ``path`` points below the deployment (``/litellm_params/rpm``); ``op`` is ``add``, ``replace``
    or ``remove``. A secret appears only as its reference.
    """

    op: str
    path: str
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return the operation as RFC 6902 has it; the extra member ``was`` is legal there."""
        document: dict[str, Any] = {"op": self.op, "path": self.path}
        if self.op != "remove":
            document["value"] = thaw(self.after)
        if self.op != "add":
            document["was"] = in_order(self.before)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FieldChange:
        """Return the change that :meth:`to_json` wrote."""
        before, after = freeze(document.get("was")), freeze(document.get("value"))
        return cls(document["op"], document["path"], before, after)
