"""What subnets send through a host is counted by subnet, direction and family, and goes on whatever is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.agent import eventually
from tests.support.outside import ask
from tests.support.page import scrape, value
from tests.support.site import FAR, POD, Site

CIDR = ("10.16.0.0/16", "fd00:10:16::/112")
TABLE = ("list", "table", "inet", "weft_counters")


def counted(site: Site, name: str = "packets", subnet: str = "blue") -> list[float | None]:
    """Out and in, IPv4 then IPv6."""
    page = scrape(site.agent)
    return [
        value(page, f"ovn_subnet_gateway_{name}", subnet_name=subnet, direction=direction, protocol=protocol)
        for protocol in ("IPv4", "IPv6")
        for direction in ("egress", "ingress")
    ]


def test_packets_are_counted_by_subnet_direction_and_family(site: Site) -> None:
    for address in FAR:
        assert ask(site.ns("blue"), address)
    before, octets, others = counted(site), counted(site, "packet_bytes"), counted(site, subnet="red")
    site.agent.inside(site.pods["blue"], "ping", "-c", "5", "-i", "0.01", "-s", "972", FAR[0])
    site.agent.inside(site.pods["blue"], "ping", "-c", "3", "-i", "0.01", "-s", "952", FAR[1])
    assert [after - was for after, was in zip(counted(site), before, strict=True)] == [5, 5, 3, 3]
    grown = zip(counted(site, "packet_bytes"), octets, strict=True)
    assert [after - was for after, was in grown] == [5000, 5000, 3000, 3000]
    assert counted(site, subnet="red") == others
    assert value(scrape(site.agent), "ovn_subnet_gateway_packets", cidr=CIDR[1], direction="egress", hostname="h1")


def test_what_stays_inside_is_not_counted(site: Site) -> None:
    before = counted(site)
    for address in (POD["red"][0], POD["red"][1], site.outside[0].host[0]):
        assert ask(site.ns("blue"), address)
    assert counted(site) == before


def _restart(site: Site) -> None:
    site.agent.stop()
    site.agent.start()
    eventually(lambda: counted(site)[0] is not None, "the new agent has looked")


def _vandal(site: Site) -> None:
    site.nft("flush chain inet weft_counters forward; delete table inet weft")
    eventually(lambda: "@egress4" in site.nft(*TABLE), "repaired")


@pytest.mark.parametrize(
    "write",
    [
        lambda site: site.set("blue", nat_outgoing=False),
        lambda site: site.set("red", cidrs=["10.17.0.0/16"]),
        lambda site: site.set("red", cidrs=["10.17.0.0/16", "fd00:10:17::/112"]),
        _restart,
        _vandal,
    ],
    ids=["another rule", "a network less", "a network more", "agent restarted", "flushed by others"],
)
def test_counters_go_on(site: Site, write: Callable[[Site], None]) -> None:
    assert ask(site.ns("blue"), FAR[0])
    before = counted(site)
    assert before[0]
    write(site)
    assert counted(site) == before


def test_counter_goes_with_its_network(site: Site) -> None:
    site.set("red", cidrs=["10.17.0.0/16"])
    assert counted(site, subnet="red")[2:] == [None, None]
    assert "fd00_10_17__/112" not in site.nft(*TABLE)
    site.set("red", cidrs=["10.17.0.0/16", "fd00:10:17::/112"])
    site.nft("add chain inet weft_counters foreign; delete table inet weft")
    eventually(lambda: "foreign" not in site.nft(*TABLE), "what others added is gone")
    assert counted(site, subnet="red")[2:] == [0, 0]
