"""Hostile and broken input: to each part, and to whole cycles in a process of their own.

``test_bounds.py`` has the table of all bounds, with the test that hits each. Single HTTP exchanges
are in ``tests/unit/transport``, single listings in ``tests/unit/backends``, YAML files in
``tests/unit/config``.
"""
