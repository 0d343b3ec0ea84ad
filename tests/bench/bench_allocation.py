"""`allocation_16_full`, `allocation_64`: reservations per second in a /16 that is 99 % full, and in a /64.

One address is given back for each that is taken, so the subnet stays as full as it is; the free ones lie scattered. The
ceiling makes the very same `IP` objects from addresses that it knows.
"""

from __future__ import annotations

import gc
import random
import time
from collections import deque

from tests.bench.record import Record
from weft.api.ip import IP
from weft.api.subnet import Subnet
from weft.net.addresses import mac_of
from weft.topology.addressing import Addressing
from weft.topology.request import Request, reservation

COUNT = 20_000
SUBNETS = {"allocation_16_full": ("10.16.0.0/16", 0.99), "allocation_64": ("fd00:16::/64", 0.0)}
NAMES = tuple(SUBNETS)
_RANDOM = random.Random(16)


def _requests(count: int) -> list[Request]:
    return [
        Request(f"w{number}.bench", ("bench",), pod_name=f"w{number}", namespace="bench") for number in range(count)
    ]


def _filled(cidr: str, share: float) -> tuple[Addressing, deque[IP]]:
    """A subnet of which so much is in use, and by whom, in any order."""
    document = {"metadata": {"name": "bench"}, "spec": {"cidrBlock": cidr}}
    addressing = Addressing()
    addressing.put_subnet(Subnet.parse(document))
    (pool,) = addressing.pools("bench").values()
    held = []
    if share:
        held = [addressing.reserve(Request(f"h{number}", ("bench",))) for number in range(pool.capacity)]
        _RANDOM.shuffle(held)
    while pool.used > share * pool.capacity:
        addressing.release(held.pop())
    return addressing, deque(held)


def _allocate(cidr: str, share: float) -> tuple[float, list[IP]]:
    addressing, held = _filled(cidr, share)
    made = []
    gc.freeze()  # collecting what stood there before is nobody's cost here
    started = time.process_time()
    for request in _requests(COUNT):
        ip = addressing.reserve(request)
        made.append(ip)
        held.append(ip)
        if len(held) > COUNT // 2:
            addressing.release(held.popleft())
    return time.process_time() - started, made


def _ceiling(made: list[IP]) -> float:
    addresses = [ip.addresses for ip in made]
    gc.freeze()
    started = time.process_time()
    for request, given in zip(_requests(COUNT), addresses, strict=True):
        reservation(request, "bench", given, mac_of(given[0]))
    return time.process_time() - started


async def run(names: list[str]) -> list[Record]:
    records = []
    for name in names:
        seconds, made = _allocate(*SUBNETS[name])
        ceiling = _ceiling(made)
        records.append(Record(name, COUNT / seconds, "addresses/s", COUNT / ceiling, ceiling / seconds))
    return records
