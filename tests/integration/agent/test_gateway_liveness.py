"""An egress gateway that does not answer any more gets no connections, though its link is up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from tests.support.agent import eventually
from tests.support.outside import Outside, ask
from tests.support.ovn import namespace_command, run
from tests.support.page import scrape, value
from tests.support.site import POD, Site
from weft.agent.gateway.neighbours import answering
from weft.agent.netns import entered

EGRESS = {"nat_outgoing": False, "policy_table": 1000, "policy_priority": 1500}
FARS = ("203.0.113.%d", "2001:db8::%x")
SILENT = (
    "table arp silent { chain input { type filter hook input priority 0; policy drop; }; }\n"
    "table ip6 silent { chain input { type filter hook input priority 0; icmpv6 type nd-neighbor-solicit drop; }; }\n"
)


@contextlib.contextmanager
def silent(outside: Outside) -> Iterator[None]:
    """It forwards as ever and says nothing of where it is."""
    nft = [*namespace_command(outside.ns), "nft"]
    run(*nft, SILENT)
    yield
    run(*nft, "delete table arp silent; delete table ip6 silent")


@pytest.fixture(scope="module")
def shared(site: Site) -> Iterator[Site]:
    """Both networks' gateways share the connections of subnet blue."""
    for outside in site.outside:
        outside.ip("-6", "route", "add", "local", "2001:db8::/120", "dev", "lo")
    site.set("blue", **EGRESS, egress_gateways=[address for outside in site.outside for address in outside.own])
    yield site
    site.set("blue")


def used(site: Site, family: int) -> set[str]:
    """The networks by which ten connections leave."""
    return {ask(site.ns("blue"), FARS[family] % number).partition(" ")[0] for number in range(2, 12)}


def hops(site: Site) -> list[int]:
    """Next hops of both families' default routes."""
    shown = [site.on_host("ip", f"-{version}", "route", "show", "table", "1000", "default") for version in (4, 6)]
    return [text.count("via") for text in shown]


def test_silent_gateway_is_left_out_until_it_answers(shared: Site) -> None:
    site, (_, second) = shared, shared.outside
    assert [used(site, family) for family in (0, 1)] == [{"out1", "out2"}] * 2
    with silent(second):
        eventually(lambda: hops(site) == [1, 1], "left out")
        words = f"{second.own[0]}: no answer, left out; {second.own[1]}: no answer, left out"
        eventually(lambda: site.problems().get("egress/blue") == words, "said")
        assert [used(site, family) for family in (0, 1)] == [{"out1"}] * 2
        page = scrape(site.agent)
        up = [value(page, "weft_agent_egress_gateway_up", gateway=o.own[0], subnet="blue") for o in site.outside]
        assert up == [1, 0]
    eventually(lambda: hops(site) == [2, 2], "back")
    assert [used(site, family) for family in (0, 1)] == [{"out1", "out2"}] * 2
    eventually(lambda: "egress/blue" not in site.problems(), "over")


def test_all_are_kept_when_none_answers(shared: Site) -> None:
    site, (first, second) = shared, shared.outside
    with silent(first), silent(second):
        words = "and no other gateway: kept"
        eventually(lambda: site.problems().get("egress/blue", "").count(words) == 2, "said")
        assert hops(site) == [2, 2]
        assert ask(site.ns("blue"), FARS[0] % 1).endswith(POD["blue"][0]), "they forward all the same"
    eventually(lambda: "egress/blue" not in site.problems(), "over")


def test_what_cannot_be_asked_is_not_dead(shared: Site) -> None:
    near, beyond = ip_address(shared.outside[0].own[0]), ip_address("198.51.100.1")
    with entered(f"/run/netns/{shared.host}"):
        assert answering([near, beyond, ip_address("127.0.0.1")], 0.3) == ({near}, {near})
