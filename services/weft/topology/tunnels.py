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


def findings(subnet: Subnet, view: View) -> Iterator[Finding]:
    """Of a subnet that asks something of the tunnels."""
    if subnet.spec.node_network:
        yield _bound(subnet, view)
    if subnet.is_overlay and subnet.spec.mtu and (narrowest := view.narrowest_host()) is not None:
        yield _carried(subnet, *narrowest)


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
