"""The parts of a README that a program writes: each stands between a begin mark and an end mark."""

from __future__ import annotations

import re


def filled(text: str, name: str, maker: str, content: str) -> str:
    """Return ``text`` with ``content`` between the marks of the part ``name``.

    ``maker`` is what writes the part, such as ``python -m tests.figures``; the begin mark names it.

    Raises:
        ValueError: the text has no such marks.
    """
    begin, end = f"<!-- {name}: made by {maker} -->", "<!-- end -->"
    found = re.search(f"{re.escape(begin)}\n.*?{re.escape(end)}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"there is no place for {name}: write {begin} and {end}")
    return f"{text[: found.start()]}{begin}\n\n{content}\n\n{end}{text[found.end() :]}"
