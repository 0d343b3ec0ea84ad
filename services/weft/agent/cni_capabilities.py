"""What a runtime hands to plugins in `runtimeConfig` (CNI conventions, "Dynamic Plugin specific fields"). Pure.

The fabric gives addresses and MAC before a container is made, from the pod's annotations; what a runtime says of them
has to be the same, since it cannot be had otherwise. What only other plugins of the list can do is refused, not
ignored: a pod without its bandwidth limit looks as if it had one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_interface
from typing import Any, Final

from weft.agent.cni_types import INVALID_CONFIG, UNSUPPORTED_FIELD, CniError, Request

_PCI: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_ELSEWHERE: Final[Mapping[str, str]] = {
    "bandwidth": "ask by the pod's annotations ovn.kubernetes.io/ingress_rate and egress_rate",
    "ipRanges": "a subnet has the ranges: Subnet.spec.cidrBlock and excludeIps, or an IPPool",
    "infinibandGUID": "the fabric is Ethernet",
}
"""Capabilities that are never ours, and where to ask instead. Others (portMappings …) are for plugins after ours."""


def device_id(request: Request) -> str:
    """The PCI address of the device that the runtime chose for the pod, "" for none. Raises CniError."""
    runtime = runtime_config(request)
    found = runtime.get("deviceID") or request.config.get("deviceID") or request.config.get("pciBusID") or ""
    if found and (not isinstance(found, str) or not _PCI.fullmatch(found.lower())):
        raise CniError(
            INVALID_CONFIG, f"runtimeConfig.deviceID: got {found!r}, allowed is a PCI address like 0000:03:00.2",
            "a device plugin gives it, by the resource that the definition's annotation "
            "k8s.v1.cni.cncf.io/resourceName names",
        )  # fmt: skip
    return str(found).lower()


def runtime_config(request: Request) -> Mapping[str, Any]:
    """The object `runtimeConfig`."""
    found = request.config.get("runtimeConfig") or {}
    if not isinstance(found, dict):
        raise CniError(INVALID_CONFIG, f"runtimeConfig: got {found!r}, allowed is an object")
    return found


def refuse_foreign(request: Request, mac: str, addresses: Sequence[str]) -> None:
    """Raises CniError when the runtime asks for what the port is not or we cannot do."""
    runtime = runtime_config(request)
    for name, hint in _ELSEWHERE.items():
        if runtime.get(name):
            raise CniError(
                UNSUPPORTED_FIELD, f"runtimeConfig.{name}: got {runtime[name]!r}, which this plugin does not do",
                f"{hint}; or take the capability {name!r} out of network configuration {request.network!r}",
            )  # fmt: skip
    asked = runtime.get("mac")
    if asked and str(asked).lower() != mac.lower():
        _refuse("mac", asked, mac, "mac_address")
    ips = runtime.get("ips") or []
    if strange := sorted({_bare(text) for text in ips} - set(addresses)):
        _refuse("ips", ", ".join(strange), " and ".join(addresses) or "none", "ip_address")


def _bare(text: Any) -> str:
    try:
        return str(ip_interface(text).ip)
    except ValueError:
        raise CniError(INVALID_CONFIG, f"runtimeConfig.ips: got {text!r}, allowed is an address") from None


def _refuse(field: str, got: Any, has: str, annotation: str) -> None:
    raise CniError(
        UNSUPPORTED_FIELD, f"runtimeConfig.{field}: got {got}, but the port has {has}",
        f"the controller has chosen before the container was made: ask by the pod's annotation "
        f"<provider>.kubernetes.io/{annotation}",
    )  # fmt: skip


def dns(request: Request) -> dict[str, Any]:
    """What the result says of DNS: the runtime's wish, else the network configuration's."""
    asked = runtime_config(request).get("dns")
    if isinstance(asked, dict) and asked:
        names = {"servers": "nameservers", "searches": "search", "options": "options"}
        return {name: asked[key] for key, name in names.items() if asked.get(key)}
    configured = request.config.get("dns")
    return dict(configured) if isinstance(configured, dict) else {}
