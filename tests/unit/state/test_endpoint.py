"""Addresses, however they are written."""

from __future__ import annotations

import pytest

from engine.state.endpoint import canonical_endpoint, normal_url


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" HTTP://Box:8000/ ", "http://box:8000"),
        ("http://box:80", "http://box"),
        ("https://box:443/a", "https://box/a"),
        ("https://box:80", "https://box:80"),
        ("http://box//a///b//", "http://box/a/b"),
        ("http://box/X/", "http://box/X"),
        ("http://[FE80::1]:8000/v1", "http://[fe80::1]:8000/v1"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_one_address_has_one_spelling(written: str, normal: str) -> None:
    assert normal_url(written) == normal
    assert normal_url(normal) == normal


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://box/v1", "http://box"),
        ("http://box//v1/", "http://box"),
        ("http://box/X/v1", "http://box/X"),
        ("http://box/v1/v1", "http://box/v1"),
        ("http://box/av1", "http://box/av1"),
    ],
)
def test_an_endpoint_is_the_address_without_v1(url: str, endpoint: str) -> None:
    assert canonical_endpoint(url) == endpoint


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://box:port", "expected an http:// or https:// URL with a host and port"),
        ("http://[broken", "expected an http:// or https:// URL with a host and port"),
        ("ftp://box", "expected an http:// or https:// URL with a host"),
        ("http://", "expected an http:// or https:// URL with a host"),
        ("http://u@box", "a URL must not hold a user name or password; put the key in a secret"),
        ("http://:p@box", "a URL must not hold a user name or password; put the key in a secret"),
        ("http://box?a=b", "a URL must not hold a query (?) or a fragment (#)"),
        ("http://box#a", "a URL must not hold a query (?) or a fragment (#)"),
        ("http://box/a b", "a URL must not hold white space or control characters"),
        ("http://box/a\x7fb", "a URL must not hold white space or control characters"),
        ("http://box/a\x01b", "a URL must not hold white space or control characters"),
    ],
)
def test_an_unusable_address_is_refused_with_what_is_wrong(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        normal_url(url)
    assert str(raised.value) == why
