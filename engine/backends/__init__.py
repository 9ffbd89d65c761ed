"""Asks every configured backend what it serves, and returns one Listing for each.

:mod:`.fetch` asks all backends at once. The adapter in :mod:`.kinds` that fits the ``type`` of a
backend sends its requests through a Server and returns what it Found (:mod:`.server`), which
:mod:`.normalize` turns into a Listing. :mod:`.detect` chooses the adapter for ``type: auto``.
Adapters share the reading of lists (:mod:`.model_list`, :mod:`.paging`) and :mod:`.record`, the
description of one model. :mod:`.scope` says which addresses belong to a backend. :mod:`.probe`
asks loaded models themselves, for ``discovery: probe``.

Nothing here decides what is registered, or talks to LiteLLM.
"""
