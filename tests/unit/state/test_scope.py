"""The scope finds the endpoint of an address, and refuses an address that is in no endpoint."""

from __future__ import annotations

import pytest

from engine.errors import UnprovenPlan
from engine.state.endpoint import Scope


def test_the_endpoint_of_an_address_is_found_however_it_is_written() -> None:
    scope = Scope({"http://box": "http://box", "http://box/api": "http://box"}, {})
    for address in ("http://box/v1", "HTTP://Box:80/", "http://box//api/v1"):
        assert scope.endpoint_of(address) == "http://box"


@pytest.mark.parametrize("address", ["http://elsewhere/v1", "http://box/api/v2", "no url"])
def test_an_address_in_no_endpoint_is_refused_with_its_name(address: str) -> None:
    scope = Scope({"http://box": "http://box"}, {"box": ("http://box",)})
    with pytest.raises(UnprovenPlan, match=f" {address}, .*please report it"):
        scope.endpoint_of(address)
