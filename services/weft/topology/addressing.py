"""Who has which address: the pools of all subnets, filled from the `IP` objects.

The objects are the truth. `reserve` answers with the `IP` object that must be stored before anything else may know the
address; `release` with the name of the one to be deleted.
"""

from __future__ import annotations

from dataclasses import dataclass

from weft.api.base import Metadata
from weft.api.ip import IP, IPSpec
from weft.api.subnet import Subnet
from weft.net.addresses import Address, Family, mac_of
from weft.net.pool import Pool, PoolError, PoolExhaustedError

SUBNET_LABEL = "ovn.kubernetes.io/subnet"
NODE_LABEL = "ovn.kubernetes.io/node-name"


class AllocationError(Exception):
    """No address can be reserved. `reason` is one word for a condition, the text names subnet and field."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to have: `name` is the `IP` object's; `addresses` and `mac` are wishes and may be empty."""

    name: str
    subnet: str
    addresses: tuple[Address, ...] = ()
    mac: str = ""
    pod_name: str = ""
    namespace: str = ""
    node: str = ""


@dataclass(slots=True)
class _Pools:
    subnet: Subnet
    by_family: dict[Family, Pool]


class Addressing:
    """All pools. Subnets come and go, and reservations are adopted, made and released."""

    def __init__(self) -> None:
        self._subnets: dict[str, _Pools] = {}
        self._reserved: dict[str, dict[str, IP]] = {}
        self.conflicts: dict[str, str] = {}
        """`IP` objects that could not be adopted, and why: quarantined, never handed out, reported."""

    def put_subnet(self, subnet: Subnet) -> None:
        """A new or changed subnet: its pools are built anew and its reservations adopted again."""
        self._subnets[subnet.name] = _Pools(
            subnet,
            {
                network.version: Pool(network, subnet.gateways[network.version], subnet.excluded)
                for network in subnet.networks
            },
        )
        reserved = self._reserved.get(subnet.name, {})
        for name in reserved:
            self.conflicts.pop(name, None)
        for ip in reserved.values():
            self._fill(ip)

    def remove_subnet(self, name: str) -> None:
        self._subnets.pop(name, None)

    def has_subnet(self, name: str) -> bool:
        return name in self._subnets

    def pools(self, subnet: str) -> dict[Family, Pool]:
        """The pools of a subnet by family; none of a subnet that does not exist."""
        known = self._subnets.get(subnet)
        return {} if known is None else known.by_family

    def adopt(self, ip: IP) -> None:
        """Take up a stored reservation, before or after its subnet."""
        self._reserved.setdefault(ip.spec.subnet, {})[ip.name] = ip
        self.conflicts.pop(ip.name, None)
        self._fill(ip)

    def _fill(self, ip: IP) -> None:
        pools = self.pools(ip.spec.subnet)
        for address in ip.addresses:
            if (pool := pools.get(address.version)) is None:
                continue
            try:
                pool.reserve(ip.name, address)
            except PoolError as error:
                self.conflicts[ip.name] = f"Subnet/{ip.spec.subnet}: {error}"
                if (holder := pool.holder(address)) is not None:
                    self.conflicts[holder] = f"Subnet/{ip.spec.subnet}: {address} is claimed by {ip.name} too"

    def reserve(self, request: Request) -> IP:
        """A reservation for somebody who has none. Raises AllocationError, and then nothing is taken."""
        known = self._subnets.get(request.subnet)
        if known is None:
            raise AllocationError("SubnetNotFound", f"Subnet/{request.subnet} does not exist")
        wished = {address.version: address for address in request.addresses}
        if strange := [a for version, a in wished.items() if version not in known.by_family]:
            raise AllocationError(
                "AddressNotInSubnet", f"{strange[0]}: Subnet/{request.subnet} has CIDR {known.subnet.spec.cidr_block}"
            )
        taken: list[tuple[Pool, Address]] = []
        try:
            for family, pool in known.by_family.items():
                if family in wished:
                    pool.reserve(request.name, wished[family])
                    taken.append((pool, wished[family]))
                else:
                    taken.append((pool, pool.allocate(request.name)))
        except PoolError as error:
            for pool, address in taken:
                pool.release(address)
            reason = "NoAddressAvailable" if isinstance(error, PoolExhaustedError) else "AddressConflict"
            raise AllocationError(reason, f"Subnet/{request.subnet}: {error}") from None
        ip = _object(request, [address for _, address in taken])
        self._reserved.setdefault(request.subnet, {})[ip.name] = ip
        return ip

    def release(self, ip: IP) -> None:
        """Give a reservation back. Releasing what is not reserved is no error."""
        self.conflicts.pop(ip.name, None)
        self._reserved.get(ip.spec.subnet, {}).pop(ip.name, None)
        pools = self.pools(ip.spec.subnet)
        for address in ip.addresses:
            pool = pools.get(address.version)
            if pool is not None and pool.holder(address) == ip.name:
                pool.release(address)
        self._judge_again(ip.spec.subnet)

    def _judge_again(self, subnet: str) -> None:
        """Somebody let go of an address: who is left alone with a claim has what it claims."""
        reserved = self._reserved.get(subnet, {})
        quarantined = [reserved[name] for name in self.conflicts if name in reserved]
        for ip in quarantined:
            del self.conflicts[ip.name]
        for ip in quarantined:
            self._fill(ip)


def _object(request: Request, addresses: list[Address]) -> IP:
    addresses = sorted(addresses, key=lambda address: address.version)
    by_family = {address.version: str(address) for address in addresses}
    labels = {SUBNET_LABEL: request.subnet}
    if request.node:
        labels[NODE_LABEL] = request.node
    return IP(
        metadata=Metadata(name=request.name, labels=labels),
        spec=IPSpec(
            pod_name=request.pod_name,
            namespace=request.namespace,
            subnet=request.subnet,
            node_name=request.node,
            ip_address=",".join(map(str, addresses)),
            v4_ip_address=by_family.get(4, ""),
            v6_ip_address=by_family.get(6, ""),
            mac_address=request.mac or mac_of(addresses[0]),
        ),
    )
