"""What to do about the problems that hosts report, and whom they concern (docs/agent.md has their names)."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "certificate": "run playbook site.yml: it renews certificates that are near their end",
    "encap": "external_ids:ovn-encap-ip of Open_vSwitch, and the link that has the address: ip -br addr",
    "egress": "weftctl describe subnet NAME, externalEgressGateway; ip rule and ip route show table N there",
    "fabric": "the Weft database was emptied or is another one: weftctl status",
    "forwarding": "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding there: who else sets them?",
    "gateway": "weftctl describe subnet NAME",
    "link": "journalctl -u weft-agent there; a link of that name that somebody else made?",
    "mirror": "ovs-vsctl list Mirror, and for a collector ovs-appctl ovs/route/show there",
    "mtu": "weftctl describe subnet NAME; a larger MTU of the interface, or a smaller one of the subnet",
    "netns": "journalctl -u weft-agent there",
    "open-vswitch": "systemctl status ovsdb-server ovs-vswitchd there",
    "ovn-controller": "systemctl status ovn-controller there; does it reach the Southbound, is its certificate valid?",
    "packet filter": "nft list table inet weft, and journalctl -u weft-agent there",
    "policy routing": "ip rule there: somebody else's rules in the subnet's table or with its priority?",
    "routes": "ip route there: another route leads to the same place; remove it or change the subnet",
    "tunnel": "tunnel_interface and node_networks of the node's annotations, agent_tunnel_… of the inventory",
}
"""By the first part of a problem's name."""
_WHOLE_HOST = frozenset({"link", "tunnel"})
"""Problems of one object of the host that all of its ports may suffer from."""


def advice(problem: str) -> str:
    """What to do about a problem of that name; "" when its text says all."""
    return ADVICE.get(problem.partition("/")[0], "")


def concerns(problem: str, port: str) -> bool:
    """Whether a port may wait because of it: a problem of the port itself, or of its whole host."""
    kind, _, name = problem.partition("/")
    return not name or name == port or kind in _WHOLE_HOST
