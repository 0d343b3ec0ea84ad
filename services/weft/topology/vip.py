"""A Vip keeps an address for something other than one pod (Kube-OVN 1.15 manual, section 7.15).

- Of type `switch_lb_vip` it is a port that nothing is behind: OVN answers for it with the router's MAC address, so that
  what is sent to it comes to the VPC's load balancers.
- With `namespace` and `selector` it is a virtual port (ovn-nb(5), Logical_Switch_Port, type `virtual`): one of the pods
  that are chosen and name it in their annotation `aaps` has the address, and says so by ARP.
- Else it is a reservation, and pods may use it by the annotation `vip`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weft.api.core import Pod
from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.api.vip import Vip
from weft.topology.rows import LOGICAL_SWITCH_PORT, VENDOR, Row, Rows
from weft.topology.subnet import gateway_mac, switch_ref

SWITCH_LB_VIP = "switch_lb_vip"


def chooses(vip: Vip, pod: Pod) -> bool:
    """Whether a pod that names the Vip in `aaps` may take its address over."""
    wanted = dict(_label(text) for text in vip.spec.selector)
    labels = pod.metadata.labels
    fits = all(labels.get(name) == value for name, value in wanted.items())
    return bool(wanted) and pod.namespace == vip.spec.namespace and fits


def _label(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def mac_address(vip: Vip, ip: IP, subnet: Subnet) -> str:
    """The MAC address that answers for it."""
    return gateway_mac(subnet) if vip.spec.type == SWITCH_LB_VIP and subnet.networks else ip.spec.mac_address


def compile_vip(vip: Vip, ip: IP, subnet: Subnet, parents: Iterable[str]) -> Rows:
    """`ip` is its reservation, `parents` are the ports of the pods that may take it over."""
    if vip.spec.type == SWITCH_LB_VIP:
        place = " ".join([mac_address(vip, ip, subnet), *map(str, ip.addresses)])
        return Rows((_row(vip, subnet, vip.name, {"addresses": (place,)}),))
    if vip.spec.namespace and vip.spec.selector:
        return Rows(tuple(_virtual(vip, ip, subnet, ",".join(sorted(parents)))))
    return Rows()


def _virtual(vip: Vip, ip: IP, subnet: Subnet, parents: str) -> Iterator[Row]:
    """One port a family, as a virtual port has one address."""
    for address in ip.addresses:
        name = vip.name if address == ip.addresses[0] else f"{vip.name}-ipv{address.version}"
        options = {"virtual-ip": str(address)} | ({"virtual-parents": parents} if parents else {})
        yield _row(vip, subnet, name, {"type": "virtual", "options": options})


def _row(vip: Vip, subnet: Subnet, name: str, columns: dict[str, object]) -> Row:
    return Row(
        LOGICAL_SWITCH_PORT,
        vip.ref,
        {"name": name, "external_ids": {"vendor": VENDOR, "ls": subnet.name}, **columns},
        key=f"{subnet.name}/{name}",
        parent=switch_ref(subnet.name),
    )
