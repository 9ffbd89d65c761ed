"""``python -m engine`` is ``modelprovisioner``."""

from .cli import main

raise SystemExit(main())
