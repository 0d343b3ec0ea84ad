"""What a user asks of `dpdk_layout`, in short words."""

from __future__ import annotations

from typing import Any


def port(name: str = "dpdk0", *nics: dict[str, Any], **given: Any) -> dict[str, Any]:
    """A port as the module's arguments are after their defaults."""
    return {
        "name": name,
        "bridge": "br-phy",
        "nics": [{"driver": "vfio-pci", **nic} for nic in nics],
        **dict.fromkeys(("mtu", "rx_descriptors", "tx_descriptors", "bond_mode", "lacp")),
        "queues": 1,
        **given,
    }


def wish(*ports: dict[str, Any], **given: Any) -> dict[str, Any]:
    """All arguments of the module `dpdk_layout`, the given ones over their defaults."""
    return {
        "ports": list(ports),
        "vhosts": [],
        **dict.fromkeys(("pmd_cpus", "guest_cpus", "memory")),
        "pmd_cores_per_node": 1,
        "pmd_sleep": 0,
        "per_port_memory": False,
        "hugepages": True,
        "pci": True,
        "extra": [],
        **given,
    }
