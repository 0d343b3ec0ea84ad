"""What tunnels cannot do for a subnet, given the hosts: its status says it, as the packets would not.

Nothing here is in a row. A pod on a host that has no address in its subnet's network of nodes is refused by that host.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.subnet import Subnet
from weft.topology.view import View

Finding = tuple[str, bool, str, str]
"""Type, whether it holds, reason and message of a condition."""
SHOWN = 5
VXLAN_PORTS = 2047
"""Ports of a logical switch that a header of VXLAN can tell apart: of its 24 bits OVN gives 12 to the port, a half of
these numbers to multicast groups."""


def findings(subnet: Subnet, view: View) -> Iterator[Finding]:
    """Of a subnet that asks something of the tunnels."""
    if subnet.spec.node_network:
        yield _bound(subnet, view)
    if subnet.is_overlay and subnet.spec.mtu and (narrowest := view.narrowest_host()) is not None:
        yield _carried(subnet, *narrowest)
    if subnet.is_overlay and len(view.ips_of_subnet.get(subnet.name, ())) > VXLAN_PORTS and view.hosts_with_vxlan:
        yield _too_many(subnet, view)


def _bound(subnet: Subnet, view: View) -> Finding:
    """Whether every host has an address in the network that the subnet's tunnels are to use."""
    name = subnet.spec.node_network
    if not subnet.is_overlay:
        return (
            "NodeNetwork",
            False,
            "NotAnOverlay",
            f"spec.nodeNetwork {name!r}: a subnet of another plugin has no tunnels",
        )
    without = sorted(view.hosts.keys() - view.hosts_of_network.get(name, set()))
    if not without:
        return "NodeNetwork", True, "OnAllHosts", ""
    shown = ", ".join(without[:SHOWN]) + (f" and {len(without) - SHOWN} more" if len(without) > SHOWN else "")
    text = f"hosts without an address in network {name!r}, where its pods cannot run: {shown}"
    return "NodeNetwork", False, "NotOnAllHosts", text


def _carried(subnet: Subnet, host: str, carries: int) -> Finding:
    """Whether packets of the subnet's MTU fit through the narrowest tunnels."""
    mtu = subnet.spec.mtu
    if mtu <= carries:
        return "MtuFits", True, "Carried", ""
    text = f"spec.mtu {mtu}: tunnels of Host/{host} carry {carries} at most; larger packets between hosts are lost"
    return "MtuFits", False, "UnderlayTooSmall", text


def _too_many(subnet: Subnet, view: View) -> Finding:
    """More ports than tunnels can address, since some host has VXLAN."""
    host, used = min(view.hosts_with_vxlan[""]), len(view.ips_of_subnet[subnet.name])
    limit = f"{VXLAN_PORTS} ports of a subnet get through tunnels"
    text = f"{used} addresses are in use; with VXLAN, which Host/{host} has, {limit}"
    return "TunnelKeys", False, "VxlanLimit", text
