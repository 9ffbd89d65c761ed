"""``python -m engine`` is ``modelprovisioner``."""

from __future__ import annotations

from .cli.main import main

raise SystemExit(main())
