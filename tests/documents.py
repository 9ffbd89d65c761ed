"""The Markdown files of the repository, and what they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_FOLDERS: Final = (".github", "engine", "fixtures", "k8s", "schemas", "tests")
_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return every Markdown file, without the one-sentence ``why.md`` of scenarios."""
    found = [
        *ROOT.glob("*.md"),
        *(path for name in _FOLDERS for path in (ROOT / name).rglob("*.md")),
    ]
    return sorted(path for path in found if path.name != "why.md")


def read(name: str) -> str:
    """Return the text of a file, by its path below the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks in a language, without their indentation."""
    found = [match for match in _FENCE.finditer(text) if match[2] == language]
    return [re.sub(f"^{match[1]}", "", match[3], flags=re.MULTILINE) for match in found]


def prose(text: str) -> str:
    """Return a text without its fenced blocks."""
    return _FENCE.sub("", text)


def code_spans(text: str) -> set[str]:
    """Return what stands between single backticks."""
    return set(re.findall(r"`([^`\n]+)`", prose(text)))


def links(text: str) -> list[str]:
    """Return the targets of all links to files and headings of the repository."""
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)) if "://" not in target]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a text."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is ``heading``, without its head."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            break
    else:
        raise LookupError(f"no table begins with {heading}")
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        found.append([cell.strip() for cell in cells])
    return found
