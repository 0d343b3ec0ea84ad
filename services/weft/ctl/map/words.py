"""Words that all drawings share."""

from __future__ import annotations

from weft.ctl.map.model import End, Gateway, Peering, Port, SubnetMap, Usage, VpcMap

_LARGE = 1_000_000_000


def number(value: int) -> str:
    """`1,234`; of IPv6's numbers the magnitude is enough."""
    return f"{value:,}" if value < _LARGE else f"{value:.1e}".replace("e+", "e")


def more(count: int, what: str) -> str:
    """What stands for those that are not drawn; empty for none."""
    return f"… and {number(count)} more {what}{'s' if count > 1 else ''}" if count else ""


def hidden_ports(subnet: SubnetMap) -> str:
    """The same of a subnet's ports: of a subnet without any drawn it is a plain count."""
    count = subnet.hidden_ports
    if subnet.ports or not count:
        return more(count, "port")
    return f"{number(count)} port{'s' if count > 1 else ''}"


def usage(item: Usage) -> str:
    """How full a subnet is."""
    return f"IPv{item.family}: {number(item.used)} used, {number(item.available)} free"


def port(item: Port) -> tuple[str, str, str]:
    """(what it is, addresses, host)."""
    name = item.label if item.kind == "Pod" else f"{item.label} ({item.kind.lower()})"
    return name, ", ".join(item.addresses) or item.mac, item.host if item.kind != "Host" else ""


def gateway(item: Gateway) -> str:
    """What it is, and which way it goes."""
    inside = f" in {item.subnet}" if item.subnet else ""
    outside = ", ".join(item.outside) or "nowhere yet"
    return f"{item.kind} {item.name}{inside} to {outside}"


def peering(item: Peering, vpc: str) -> str:
    """A peering as one of its VPCs sees it."""
    one, other = item.ends
    near, far = (one, other) if one.vpc == vpc else (other, one)
    return f"{near.address or '?'} to {far.vpc} {far.address or '?'}{_lacks(near, far)}"


def _lacks(near: End, far: End) -> str:
    lacking = [end.vpc for end in (near, far) if not end.address]
    return f" (not asked for by {' and '.join(lacking)})" if lacking else ""


def vpc(item: VpcMap) -> str:
    """What is said of a VPC beside its name."""
    parts = ["default VPC"] if item.default else []
    if item.namespaces:
        parts.append("namespaces " + ", ".join(item.namespaces))
    count = len(item.subnets) + item.hidden_subnets
    return " · ".join([*parts, f"{count} subnet{'' if count == 1 else 's'}"])
