"""Our packet filter beside kube-proxy's, in each of its modes that this kernel has, whoever came first.

A service of the host leads to a workload through `ovn0`. The workload has to see a source to which it answers through
this host; else the client would get its answer from an address that it never asked.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.agent import eventually
from tests.support.outside import PORT, ask
from tests.support.proxy_tables import MODES, NODE_PORT, ProxyTables, Service
from tests.support.site import FAR, JOIN, POD, Site

CLUSTER = {"plain": ("10.96.0.10", "fd00:10:96::10"), "marked": ("10.96.0.11", "fd00:10:96::11")}
BEYOND = ("10.96.0.20", "fd00:10:96::20")
FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])


def services() -> list[Service]:
    return [
        service
        for family in (0, 1)
        for service in (
            Service(CLUSTER["plain"][family], 80, POD["blue"][family], PORT),
            Service(CLUSTER["marked"][family], 80, POD["blue"][family], PORT, marked=True),
            Service(BEYOND[family], 80, FAR[family], PORT),
            Service(None, NODE_PORT, POD["blue"][family], PORT),
        )
    ]


@pytest.fixture(scope="module", params=[(mode, first) for mode in MODES for first in ("ours first", "theirs first")],
                ids=", ".join)  # fmt: skip
def proxy(site: Site, request: pytest.FixtureRequest) -> Iterator[ProxyTables]:
    mode, first = request.param
    tables = ProxyTables(site.host, mode)
    tables.install(services())
    before = tables.listing()
    if first == "theirs first":
        site.nft("delete", "table", "inet", "weft")
    eventually(lambda: "fabric4" in site.nft("list", "table", "inet", "weft"), "ours is there")
    yield tables
    assert tables.listing() == before, "theirs is not touched"
    tables.remove()


@FAMILIES
@pytest.mark.parametrize("kind", list(CLUSTER))
def test_host_to_service(site: Site, proxy: ProxyTables, kind: str, family: int) -> None:
    assert ask(site.host, CLUSTER[kind][family], 80) == f"blue {JOIN[family]}"


@FAMILIES
def test_workload_to_service_of_a_workload(site: Site, proxy: ProxyTables, family: int) -> None:
    assert ask(site.ns("red"), CLUSTER["plain"][family], 80) == f"blue {JOIN[family]}"
    assert ask(site.ns("blue"), CLUSTER["plain"][family], 80) == f"blue {JOIN[family]}", "to itself"


@FAMILIES
def test_egress_gateway_is_not_for_what_stays_inside(site: Site, proxy: ProxyTables, family: int) -> None:
    gateway = site.outside[1].own[family]
    site.set("blue", nat_outgoing=False, egress_gateways=[gateway], policy_table=1000, policy_priority=1500)
    assert ask(site.ns("blue"), CLUSTER["plain"][family], 80) == f"blue {JOIN[family]}"
    site.set("blue")


@FAMILIES
@pytest.mark.parametrize("translated", [True, False])
def test_workload_to_service_beyond_the_fabric(site: Site, proxy: ProxyTables, family: int, translated: bool) -> None:
    site.set("blue", nat_outgoing=translated)
    assert ask(site.ns("blue"), BEYOND[family], 80) == f"out1 {site.outside[0].host[family]}"
    site.set("blue")


@FAMILIES
def test_outside_to_service_of_the_host(site: Site, proxy: ProxyTables, family: int) -> None:
    """The source is kept where the answer comes by this host anyhow."""
    near, host = site.outside[0], site.outside[0].host[family]
    assert ask(near.ns, host, NODE_PORT) == f"blue {near.own[family]}", "distributed"
    site.set("blue", gateway_hosts=["h2"])
    assert ask(near.ns, host, NODE_PORT) == f"blue {JOIN[family]}", "centralized"
    site.set("blue")


def test_other_host_to_service_of_the_host(site: Site, proxy: ProxyTables) -> None:
    """What a workload answers to a host goes to its `ovn0`, past the one that redirected: it has to see ours."""
    near = site.outside[0]
    with site.other_host(near.own):
        seen = [ask(near.ns, host, NODE_PORT) for host in near.host]
    assert seen == [f"blue {place}" for place in JOIN]


@FAMILIES
def test_fabric_to_service_of_the_host(site: Site, proxy: ProxyTables, family: int) -> None:
    """As another host or a workload asks this host's address on `join`."""
    assert ask(site.ns("red"), JOIN[family], NODE_PORT) == f"blue {JOIN[family]}"


@FAMILIES
def test_out_of_the_fabric_as_without_a_proxy(site: Site, proxy: ProxyTables, family: int) -> None:
    assert ask(site.ns("blue"), FAR[family]) == f"out1 {site.outside[0].host[family]}"
    site.set("blue", nat_outgoing=False)
    assert ask(site.ns("blue"), FAR[family]) == f"out1 {POD['blue'][family]}"
    site.set("blue")


def test_tunnels_packet_is_not_translated(site: Site, proxy: ProxyTables) -> None:
    """It has the mark of the packet within. Its source is the tunnel's address, which no link to the outside has."""
    import threading

    from weft.agent import netns

    def send(port: int) -> None:
        with netns.entered(f"/run/netns/{site.host}"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x4000)
            channel.bind((site.agent.host.encap_ip, 0))
            channel.sendto(b"tunnel", (FAR[0], port))

    def seen(port: int) -> str:
        with netns.entered(f"/run/netns/{site.outside[0].ns}"):
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with receiver:
            receiver.settimeout(3)
            receiver.bind(("", port))
            sender = threading.Thread(target=send, args=(port,))
            sender.start()
            sender.join()
            return str(receiver.recvfrom(100)[1][0])

    assert seen(6081) == site.agent.host.encap_ip
    assert seen(6082) == site.outside[0].host[0], "what else has the mark is translated"
