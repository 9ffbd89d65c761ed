"""ModelProvisioner: keeps a LiteLLM proxy in step with what local LLM backends serve.

Start reading at :func:`engine.reconcile.reconcile_once`: it is the whole cycle.
"""

from __future__ import annotations

__version__ = "0.1.0"
