"""Listings and states as the documents that are validated."""

from __future__ import annotations

from engine.state.documents import desired_document, listing_document
from engine.state.frozen import freeze, thaw
from engine.state.listing import Listing, Model
from engine.state.mark import mark_document
from engine.validate import validate
from tests import builders as b


def test_a_listing_is_written_with_everything_that_it_holds() -> None:
    model = Model(
        "m", "openai", "http://box:8000/v1", info=freeze({"mode": "chat", "modes": [1]}), slots=2
    )
    document = listing_document(Listing("box", "ok", (model,), partial=True, detail="one is odd"))
    (listed,) = document.pop("models")
    assert document == {
        "backend": "box",
        "outcome": "ok",
        "partial": True,
        "detail": "one is odd",
        "matching": "",
    }
    assert listed.pop("info") == {"mode": "chat", "modes": [1]}
    assert listed == {
        "id": "m",
        "provider": "openai",
        "api_base": "http://box:8000/v1",
        "ways": {},
        "sources": {},
        "parent": "",
        "state": "",
        "remote": False,
        "family": "",
        "slots": 2,
        "aliases": [],
    }


def test_a_desired_state_is_written_with_endpoints_marks_and_predecessors() -> None:
    wanted = b.wanted("a", params={"rpm": 5}, predecessors=("openai/a", "ollama/a"))
    site = b.endpoint(served=("a",), excluded=(("b", "openai/b"),))
    document = desired_document(b.desired(wanted, endpoints=(site,)))
    validate(document, "desired")
    assert document["version"] == 1
    assert document["owner"] == b.OWNER
    assert document["deployments"] == [
        {
            "endpoint": b.BOX,
            "name": "a",
            "upstream": "openai/a",
            **thaw(wanted.fields),
            "mark": mark_document(wanted.mark),
            "predecessors": ["openai/a", "ollama/a"],
        }
    ]
    (endpoint,) = document["endpoints"]
    assert (endpoint["served"], endpoint["excluded"]) == (["a"], [["b", "openai/b"]])
