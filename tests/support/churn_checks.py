"""What must be true of a settled fabric, computed naively from the documents alone.

`objects` are all documents of a store by reference, with their status: no address twice, none that nobody needs, none
lost, and every count exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

Objects = Mapping[str, Mapping[str, Any]]


def of_kind(objects: Objects, kind: str) -> dict[str, Any]:
    """By name, those with a namespace as `name.namespace`."""
    found = {}
    for ref, document in objects.items():
        if ref.startswith(f"{kind}/"):
            *_, namespace, name = ("", *ref.split("/")[1:])
            found[f"{name}.{namespace}" if namespace else name] = document
    return found


def check_addresses(objects: Objects) -> None:
    """No address of a subnet is anybody's twice, none is the gateway or was never the subnet's."""
    ips, subnets = of_kind(objects, "IP"), of_kind(objects, "Subnet")
    counted = Counter((ip["spec"]["subnet"], address) for ip in ips.values() for address in _addresses(ip))
    assert not {place: count for place, count in counted.items() if count > 1}, "an address is in use twice"
    for home, address in counted:
        assert any(address in network for network in _networks(subnets[home])), f"{address} is not in {home}"
        assert address not in _gateways(subnets[home]), f"{address} is the gateway of {home}"
    macs = Counter((ip["spec"]["subnet"], ip["spec"]["macAddress"]) for ip in ips.values())
    assert not {place: count for place, count in macs.items() if count > 1}, "a MAC address is in use twice"


def check_owners(objects: Objects) -> None:
    """Each reservation has somebody who needs it."""
    needed = {*of_kind(objects, "Pod"), *(f"vip-{name}" for name in of_kind(objects, "Vip"))}
    needed |= _members_of_sets(objects)
    leaked = {name for name in of_kind(objects, "IP") if not name.startswith("node-")} - needed
    assert not leaked, f"nobody needs these: {sorted(leaked)}"


def kept(objects: Objects) -> dict[str, str]:
    """Addresses that pods of StatefulSets have, or will find again."""
    ips, members = of_kind(objects, "IP"), _members_of_sets(objects)
    return {name: ip["spec"]["ipAddress"] for name, ip in ips.items() if name in members}


def _members_of_sets(objects: Objects) -> set[str]:
    found = set()
    for document in of_kind(objects, "StatefulSet").values():
        metadata, spec = document["metadata"], document["spec"]
        start = spec.get("ordinals", {}).get("start", 0)
        numbers = range(start, start + spec.get("replicas", 1))
        found |= {f"{metadata['name']}-{number}.{metadata['namespace']}" for number in numbers}
    return found


def check_counts(objects: Objects, number: type[int] | type[float] = int) -> None:
    """Statuses of subnets and IPPools say how many addresses are used and free, and which ones.

    `number` is what a store keeps of a count: an API server rounds those of IPv6.
    """
    ips = of_kind(objects, "IP").values()
    for name, subnet in of_kind(objects, "Subnet").items():
        status = subnet["status"]
        used = {address for ip in ips if ip["spec"]["subnet"] == name for address in _addresses(ip)}
        _check_usage(number, subnet, status, used, None, "v{}usingIPs", "v{}availableIPs", "v{}usingIPrange")
    for pool in of_kind(objects, "IPPool").values():
        home = pool["spec"]["subnet"]
        used = {address for ip in ips if ip["spec"]["subnet"] == home for address in _addresses(ip)}
        members = _members(pool["spec"]["ips"])
        names = ("v{}UsingIPs", "v{}AvailableIPs", "v{}UsingIPRange")
        _check_usage(number, of_kind(objects, "Subnet")[home], pool["status"], used, members, *names)


def _check_usage(
    number: type[int] | type[float],
    subnet: Mapping[str, Any],
    status: Mapping[str, Any],
    used: set[Any],
    members: set[Any] | None,
    *names: str,
) -> None:
    name, unwanted = subnet["metadata"]["name"], _members(subnet["spec"].get("excludeIps", ())) | _gateways(subnet)
    for family in (4, 6):
        total, taken, lost = 0, set(), set()
        for network in _networks(subnet):
            if network.version != family:
                continue
            ends = {network[0], network[-1]} if family == 4 else {network[0]}
            part = {address for address in members if address in network} - ends if members is not None else None
            total = len(part) if part is not None else network.num_addresses - len(ends)
            taken = {a for a in used if a in network and (part is None or a in part)}
            lost = {a for a in unwanted | used if a in network and a not in ends and (part is None or a in part)}
        said = [status[text.format(family)] for text in names]
        assert [*map(number, said[:2])] == [len(taken), number(total - len(lost))], (
            f"{name}: IPv{family}: {names}: {said}"
        )
        assert _members(said[2].replace("-", "..").split(",")) == taken


def check_pods(objects: Objects) -> None:
    """The fabric's own store: a pod says what it has, or why it has nothing."""
    ips = of_kind(objects, "IP")
    for name, pod in of_kind(objects, "Pod").items():
        conditions = {item["type"]: item for item in pod["status"]["conditions"]}
        allocated = conditions["Allocated"]
        vip = pod["metadata"].get("annotations", {}).get("ovn.kubernetes.io/vip", "")
        ip = ips.get(f"vip-{vip}" if vip else name)
        if allocated["status"] == "True":
            assert ip is not None, name
            assert pod["status"]["podIP"] == ip["spec"]["ipAddress"].split(",")[0], name
        else:
            assert allocated["message"], name
            assert ip is None, f"{name} has {ip} and says {allocated}"


def _addresses(ip: Mapping[str, Any]) -> list[Any]:
    return [ip_address(text) for text in ip["spec"].get("ipAddress", "").split(",") if text]


def _networks(subnet: Mapping[str, Any]) -> list[Any]:
    return [ip_network(text) for text in subnet["spec"]["cidrBlock"].split(",")]


def _gateways(subnet: Mapping[str, Any]) -> set[Any]:
    given = {ip_address(text) for text in subnet["spec"].get("gateway", "").split(",") if text}
    families = {address.version for address in given}
    return given | {network[1] for network in _networks(subnet) if network.version not in families}


def _members(texts: Iterable[str]) -> set[Any]:
    found = set()
    for text in filter(None, texts):
        if "/" in text:
            found |= set(ip_network(text, strict=False))
        else:
            low, _, high = text.partition("..")
            first, last = ip_address(low), ip_address(high or low)
            found |= {
                ip_address(int(first) + step) if first.version == 4 else first + step
                for step in range(int(last) - int(first) + 1)
            }
    return found
