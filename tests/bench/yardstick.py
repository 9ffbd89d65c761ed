"""A fixed amount of work in Python: what the CPU is worth at the moment.

Run by :mod:`tests.bench.processes` as a file of its own. Beside a busy neighbour on the same core,
an engine takes up to twice the CPU time for the same work, and the floor does not, since it needs
little memory. This process does what an engine does: it starts, imports, and works on many values.
"""

from __future__ import annotations

import json

import jsonschema
import requests
import yaml

ROWS = 400
FIELDS = 200


def main() -> None:
    """Make, write, read, freeze and compare rows."""
    assert all((jsonschema.__name__, requests.__name__, yaml.__name__))
    rows = [
        {f"field-{number}-{row % 7}": (None, number * 1.5, f"text {row}")[number % 3]}
        for row in range(ROWS)
        for number in range(FIELDS)
    ]
    read = json.loads(json.dumps(rows))
    frozen = [tuple(sorted(row.items())) for row in read]
    assert len(set(frozen)) <= len(rows)


if __name__ == "__main__":
    main()
