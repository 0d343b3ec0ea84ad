"""OVN's own DHCP, DHCPv6 and router advertisements for a subnet (Kube-OVN 1.15 manual, section 4.6).

One row of options a family is the subnet's; its ports refer to it, so a changed option touches no port.
"""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.options import parse_options
from weft.api.subnet import Subnet
from weft.net.addresses import Network, mac_of
from weft.topology.rows import DHCP_OPTIONS, VENDOR, Ref, Row

SERVER = "169.254.0.254"
"""The DHCP server's own address, which is nobody's."""
RA_DEFAULTS = {
    "address_mode": "dhcpv6_stateful",
    "max_interval": "30",
    "min_interval": "5",
    "send_periodic": "true",
}


def compile_dhcp(subnet: Subnet) -> Iterator[Row]:
    """The options of each family; none where DHCP is off."""
    if subnet.spec.enable_dhcp:
        yield from (_options(subnet, network) for network in subnet.networks)


def _options(subnet: Subnet, network: Network) -> Row:
    gateway = subnet.gateways[network.version]
    mac = mac_of(gateway)
    if network.version == 4:
        options = {"lease_time": "3600", "router": str(gateway), "server_id": SERVER, "server_mac": mac}
        if subnet.spec.mtu:
            options["mtu"] = str(subnet.spec.mtu)
        options |= parse_options(subnet.spec.dhcp_v4_options)
    else:
        options = {"server_id": mac, **parse_options(subnet.spec.dhcp_v6_options)}
    return Row(
        DHCP_OPTIONS,
        subnet.ref,
        {"cidr": str(network), "options": options, "external_ids": {"vendor": VENDOR, "ls": subnet.name}},
        key=f"ipv{network.version}",
    )


def port_columns(subnet: Subnet) -> dict[str, tuple[Ref, ...]]:
    """What a port of the subnet has of it."""
    if not subnet.spec.enable_dhcp:
        return {}
    families = [network.version for network in subnet.networks]
    return {f"dhcpv{family}_options": (options_ref(subnet, family),) for family in families}


def options_ref(subnet: Subnet, family: int) -> Ref:
    """The row of a family's options."""
    return Ref(DHCP_OPTIONS, subnet.ref, f"ipv{family}")


def advertisements(subnet: Subnet) -> dict[str, str]:
    """`ipv6_ra_configs` of the router's port."""
    if not subnet.spec.enable_ipv6_ra or all(network.version == 4 for network in subnet.networks):
        return {}
    mtu = {"mtu": str(subnet.spec.mtu)} if subnet.spec.mtu else {}
    return {**RA_DEFAULTS, **mtu, **parse_options(subnet.spec.ipv6_ra_configs)}
