"""The rules of the Pod Security Standard ``restricted``, for a pod template on Linux."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Spec = dict[str, Any]

_VOLUMES: Final = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_HOST: Final = ("hostNetwork", "hostPID", "hostIPC")
_SECCOMP: Final = ("RuntimeDefault", "Localhost")
_FORBIDDEN: Final = ("seLinuxOptions", "windowsOptions", "sysctls", "appArmorProfile")


def violations(template: Spec) -> list[str]:
    """Return what the standard forbids in a pod template; nothing if it conforms."""
    spec = template["spec"]
    return [*_of_pod(spec), *(found for one in _containers(spec) for found in _of(one, spec))]


def _containers(spec: Spec) -> list[Spec]:
    names = ("containers", "initContainers", "ephemeralContainers")
    return [one for name in names for one in spec.get(name, ())]


def _of_pod(spec: Spec) -> Iterator[str]:
    yield from (name for name in _HOST if spec.get(name))
    for volume in spec.get("volumes", ()):
        yield from (f"volume {kind}" for kind in volume if kind not in {"name", *_VOLUMES})
    context = spec.get("securityContext", {})
    # Each of these may have harmless values. Without any of them there is nothing to judge.
    yield from (name for name in _FORBIDDEN if name in context)


def _of(container: Spec, spec: Spec) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = {**spec.get("securityContext", {}), **own}
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if both.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if both.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield "no seccompProfile"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    capabilities = own.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"]:
        yield "not all capabilities are dropped"
    yield from (
        f"capability {name}" for name in capabilities.get("add", ()) if name != "NET_BIND_SERVICE"
    )
    yield from (name for name in ("privileged", "procMount") if own.get(name))
    yield from (name for name in _FORBIDDEN if name in own)
    yield from ("hostPort" for port in container.get("ports", ()) if port.get("hostPort"))
    probes = (container.get(f"{kind}Probe", {}) for kind in ("startup", "liveness", "readiness"))
    yield from ("host of a probe" for probe in probes if "host" in probe.get("httpGet", {}))
