"""Who sends and who is meant: workloads, hosts and addresses, under the names that operators have for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from weft.ctl.ask import Select, ask, elements
from weft.ctl.errors import CtlError, UsageError
from weft.ctl.session import Session

JOIN = "join"


@dataclass(frozen=True, slots=True)
class End:
    """One side. An address that is nobody's has no port."""

    ref: str
    addresses: tuple[str, ...]
    port: str = ""
    subnet: str = ""
    mac: str = ""
    host: str = ""

    def address(self, family: int) -> str:
        return next((item for item in self.addresses if ip_address(item).version == family), "")


@dataclass(frozen=True, slots=True)
class Net:
    """A subnet, as hosts know it."""

    name: str
    vpc: str
    cidrs: tuple[str, ...]
    gateways: tuple[str, ...]

    def holds(self, address: str) -> bool:
        return any(ip_address(address) in ip_network(cidr) for cidr in self.cidrs)

    def gateway(self, family: int) -> str:
        return next((item for item in self.gateways if ip_address(item).version == family), "")


@dataclass(slots=True)
class Atlas:
    """All ends that there are."""

    ends: list[End] = field(default_factory=list)
    nets: dict[str, Net] = field(default_factory=dict)
    encaps: dict[str, str] = field(default_factory=dict)
    """Address of tunnels -> its host."""

    @property
    def hosts(self) -> list[str]:
        return [end.host for end in self.ends if end.ref.startswith("Host/")]

    def find(self, word: str, namespace: str, vpc: str = "") -> End:
        """Of `ns/name`, `pod/ns/name`, `name` with its namespace, `host/name`, `node//name`, or an address.

        Raises UsageError; an address that is nobody's is an end all the same.
        """
        try:
            address = str(ip_address(word))
        except ValueError:
            return self._named(word, namespace)
        return self._at(address, vpc)

    def _at(self, address: str, vpc: str) -> End:
        found = [end for end in self.ends if address in end.addresses]
        found = [end for end in found if not vpc or self.vpc_of(end) == vpc] or ([] if vpc else found)
        if len(found) > 1:
            raise UsageError(f"{address} is an address of {', '.join(end.ref for end in found)}: name the one you mean")
        return found[0] if found else End(address, (address,))

    def _named(self, word: str, namespace: str) -> End:
        parts = [part for part in word.split("/") if part]
        refs = {end.ref: end for end in reversed(self.ends)}
        if parts and parts[0].lower() in ("host", "hosts", "node", "nodes") and len(parts) == 2:
            wanted = [f"Host/{parts[1]}"]
        elif len(parts) == 1:
            wanted = [f"Host/{parts[0]}", f"Pod/{namespace}/{parts[0]}"]
        else:
            inner = parts[1:] if parts and parts[0].lower() in ("pod", "pods", "po", "endpoint") else parts
            wanted = [f"Pod/{inner[0]}/{inner[1]}"] if len(inner) == 2 else [f"Pod/{namespace}/{''.join(inner)}"]
        for ref in wanted:
            if ref in refs:
                return refs[ref]
        by_port = next((end for end in self.ends if end.port == word), None)
        if by_port is not None:
            return by_port
        form = "NAMESPACE/NAME, host/NAME or an address"
        raise UsageError(f"{word}: no workload or host is known by it (expected {form}); see weftctl get pod -A")

    def vpc_of(self, end: End) -> str:
        net = self.nets.get(end.subnet)
        return net.vpc if net is not None else ""

    def port(self, name: str) -> End | None:
        return next((end for end in self.ends if end.port == name), None)


async def read_atlas(session: Session) -> Atlas:
    """From the Weft database."""
    ports, hosts, subnets, statuses = await ask(
        session, "Weft", Select("Port"), Select("Host"), Select("Subnet"), Select("Host_Status")
    )
    atlas = Atlas()
    atlas.nets = {row["name"]: _net(row) for row in subnets}
    atlas.ends = [_of_host(row) for row in hosts] + [_of_port(row) for row in ports if row["device_type"] != "none"]
    for row in statuses:
        for address in (row["encap_ip"], *row.get("networks", {}).values()):
            if address:
                atlas.encaps[address] = row["name"]
    return atlas


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, elements(value)))


def _net(row: Mapping[str, Any]) -> Net:
    return Net(row["name"], row["vpc"], _texts(row["cidrs"]), _texts(row["gateways"]))


def _of_host(row: Mapping[str, Any]) -> End:
    addresses = tuple(str(ip_interface(text).ip) for text in _texts(row["addresses"]))
    return End(f"Host/{row['name']}", addresses, row["port"], JOIN, row["mac"], row["name"])


def _of_port(row: Mapping[str, Any]) -> End:
    ref = f"Pod/{row['pod_namespace']}/{row['pod_name']}"
    addresses = tuple(str(ip_interface(text).ip) for text in _texts(row["addresses"]))
    return End(ref, addresses, row["name"], row["subnet"], row["mac"], row["host"])


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a packet is sent first: the MAC of whom, and in words."""

    mac: str
    words: str


async def first_hop(session: Session, atlas: Atlas, source: End, address: str) -> Hop:
    """To an address of the own subnet its holder, else the gateway. Raises CtlError when nobody would answer."""
    net = atlas.nets.get(source.subnet)
    if net is None:
        raise CtlError(
            f"{source.ref}: its subnet {source.subnet} is not known to hosts: weftctl why subnet/{source.subnet}"
        )
    family = ip_address(address).version
    gateway = net.gateway(family)
    if net.holds(address) and address != gateway:
        holder = next((end for end in atlas.ends if end.subnet == net.name and address in end.addresses), None)
        if holder is None:
            raise CtlError(f"not delivered: no workload of Subnet/{net.name} has {address}, so nobody answers for it")
        return Hop(holder.mac, holder.ref)
    if not gateway:
        raise CtlError(
            f"not delivered: no route: Subnet/{net.name} has no IPv{family} gateway, and {address} is outside"
        )
    mac = await _router_mac(session, net.name, gateway)
    if not mac:
        raise CtlError(f"the gateway {gateway} of Subnet/{net.name} is none of OVN's: say its MAC address")
    return Hop(mac, f"gateway {gateway}")


async def _router_mac(session: Session, subnet: str, gateway: str) -> str:
    [rows] = await ask(session, "OVN_Northbound", Select("Logical_Router_Port", ("mac", "networks", "external_ids")))
    for row in rows:
        has = gateway in [text.partition("/")[0] for text in _texts(row["networks"])]
        if has and row["external_ids"].get("subnet", subnet) == subnet:
            return str(row["mac"])
    return ""


def families(source: End, destination: End, asked: int) -> Sequence[int]:
    """In which both have addresses. Raises UsageError when there is none."""
    both = [family for family in (4, 6) if source.address(family) and destination.address(family)]
    chosen = [family for family in both if asked in (0, family)]
    if not chosen:
        have = {end.ref: " ".join(end.addresses) for end in (source, destination)}
        words = " and ".join(f"{ref} has {text or 'no address'}" for ref, text in have.items())
        raise UsageError(f"no family in common{f' as asked, IPv{asked}' if asked else ''}: {words}")
    return chosen
