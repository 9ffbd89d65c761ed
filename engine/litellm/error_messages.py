"""What the messages of LiteLLM's errors mean, and what to do about them. Pure."""

from __future__ import annotations

from typing import Final

from ..errors import NoDatabase, Rejected, Unavailable

_EMPTY_ROUTER: Final = ("LLM Model List not loaded in", "No model list passed")
NOT_FOUND: Final = "not found in db"
STORED_ONLY: Final = "not live in this pod"
"""LiteLLM's message about a row that it stored but cannot serve, from 1.97 on."""
NOT_ADDED: Final = "Failed to add model to db"
"""What a create before 1.109 answers to an id that is taken, to a row that the database refuses,
and to a database that is down."""
_NO_DATABASE: Final = (
    "All connection attempts failed",
    "Can't reach database server",
    "database is temporarily unreachable",
)
"""LiteLLM's messages about a write while its database is down: before 1.110, PATCH of 1.110, and
the 503 ``no_db_connection`` of 1.109 and later."""
REMEDIES: Final = {
    "STORE_MODEL_IN_DB": "set STORE_MODEL_IN_DB=True in LiteLLM's environment and restart it",
    "No DB Connected": "give LiteLLM a DATABASE_URL; it keeps models in memory only",
    STORED_ONLY: (
        "LiteLLM stored the model but cannot serve it;"
        " check the provider prefix in model_format or the backend's type"
    ),
    NOT_ADDED: "LiteLLM's log says why its database refused the row",
}


def has_no_models(error: Unavailable) -> bool:
    """Tell whether a listing failed only because LiteLLM has no models."""
    return any(text in str(error) for text in _EMPTY_ROUTER)


def notice_outage(error: Rejected | Unavailable) -> None:
    """Raise NoDatabase if an error says that LiteLLM cannot reach its database."""
    if any(text in str(error) for text in _NO_DATABASE):
        raise NoDatabase(str(error), status=error.status) from None


def not_litellm(url: str, why: object) -> str:
    """Return a message about a server that does not answer as LiteLLM does."""
    remedy = "check that litellm.url is the address of LiteLLM itself"
    return f"{url} does not answer as LiteLLM does: {why}. Remedy: {remedy}"


def without_database(url: str, state: str) -> Rejected | Unavailable:
    """Return the error for a LiteLLM whose database is in a state, "" if it does not report one."""
    if not state:
        return Unavailable(not_litellm(url, "its database is not reported"))
    if state == "Not connected":
        remedy = REMEDIES["No DB Connected"]
        return Rejected(f"{url}: LiteLLM has no database; {remedy}", status=200)
    return Unavailable(f"{url}: LiteLLM's database is {state}")


def explained(error: Rejected | Unavailable) -> str:
    """Return an error's text with what to do about it."""
    text = str(error)
    for sign, remedy in REMEDIES.items():
        if sign in text:
            return f"{text}. Remedy: {remedy}"
    if error.status == 401:
        return f"{text}. Remedy: check the key in the key file 'litellm'"
    if error.status == 403:
        return f"{text}. Remedy: use a proxy admin's key in the key file 'litellm'"
    return text
