"""The kinds of backend, one small module each.

A module has one function ``ask(get, site) -> Answer``: what to GET, and how to read it. ``get``
takes a path below the endpoint and returns its JSON or raises a TransportError. Nothing here
names, filters or registers anything.
"""
