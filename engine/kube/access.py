"""Where the API server is, and how to show it who we are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lightkube import KubeConfig
from lightkube.config.kubeconfig import SERVICE_ACCOUNT, SingleConfig
from lightkube.core.exceptions import ConfigError as NotConfigured

from ..bounds import MAX_EXCERPT
from ..config.yaml.document import read_yaml
from ..errors import ConfigError, WrongUsage
from ..text import printable, shortened

ACCOUNT: Final = Path(SERVICE_ACCOUNT)
"""Where Kubernetes mounts the service account of a pod."""
UNREADABLE: Final = (ValueError, TypeError, LookupError, AttributeError)
"""What lightkube raises where a file or an answer is not what it should be."""


def configuration(account: Path) -> SingleConfig:
    """Return where the API server is: $KUBECONFIG, else the service account of this pod.

    Raises:
        WrongUsage: neither can be used.
    """
    file = os.environ.get("KUBECONFIG", "")
    try:
        known = _read_kubeconfig(Path(file)) if file else KubeConfig.from_service_account(account)
        found = known.get()
    except (ConfigError, NotConfigured, OSError, *UNREADABLE) as error:
        why = (
            f"$KUBECONFIG: {file}: {shortened(printable(str(error)), MAX_EXCERPT)}"
            if file
            else _lacking(account)
        )
        raise WrongUsage(f"--leader-election: no API server of Kubernetes: {why}") from None
    assert found is not None, "without a default there is a context, or an error"
    if found.user is None:
        raise WrongUsage(f"--leader-election: $KUBECONFIG: {file}: its current context has no user")
    return found


def _read_kubeconfig(path: Path) -> KubeConfig:
    document = read_yaml(path.read_text(encoding="utf-8"), path.name)
    return KubeConfig.from_dict(document.value, fname=path)


def _lacking(account: Path) -> str:
    return (
        f"this is no pod with a service account ({account}, $KUBERNETES_SERVICE_HOST). Remedy: set"
        " automountServiceAccountToken to true, or leave the option out: several engines at once"
        " are safe"
    )
