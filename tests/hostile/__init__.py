"""What hostile or broken input does: to each part, and to whole cycles in a process of their own.

``test_bounds.py`` has the table of all bounds with the test that hits each. What one HTTP exchange
does is in ``tests/unit/transport``, what one listing does in ``tests/unit/backends``, what a file
of YAML does in ``tests/unit/config``.
"""
