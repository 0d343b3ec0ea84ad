"""Whether somebody may have an address of a subnet."""

from __future__ import annotations

from collections.abc import Callable

from weft.api.subnet import Subnet
from weft.net.addresses import Address, is_host
from weft.topology.view import View, owner_of

Own = Callable[[str], bool]
"""Whether the reservation of this name is one's own."""


def unfit(subnet: Subnet, address: Address) -> str | None:
    """Why nobody can have this address of a subnet; None if it is one."""
    network = next((network for network in subnet.networks if address in network), None)
    if network is None:
        return f"{address} is not inside Subnet/{subnet.name} {subnet.spec.cidr_block}"
    if address == subnet.gateways.get(address.version):
        return f"{address} is the gateway of Subnet/{subnet.name}"
    if not is_host(address, network):
        return f"{address} is not an address that a workload may have in Subnet/{subnet.name} {network}"
    return None


def unavailable(view: View, subnet: Subnet, address: Address, own: Own) -> str | None:
    """The same, or who else has it."""
    if (why := unfit(subnet, address)) is not None:
        return why
    others = sorted(name for name in view.holders(subnet.name, address) if not own(name))
    return f"{address} is in use by {_called(view, others[0])}" if others else None


def _called(view: View, reservation: str) -> str:
    """How a user knows a reservation: a Vip by its own name."""
    owner = owner_of(view.ips[reservation])
    return owner if owner.startswith("Vip/") else reservation
