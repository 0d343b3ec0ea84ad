"""Routes, policies and peerings of VPCs: what ovn-trace says that packets do (Kube-OVN 1.15 manual, 5.1.4 and 5.9)."""

from __future__ import annotations

import pytest

from tests.integration.controller.documents import join
from tests.integration.controller.trace import reaches, sent
from tests.support.fabric import Fabric

pytestmark = pytest.mark.asyncio


def _vpc(name: str, spec: str) -> str:
    return f"apiVersion: kubeovn.io/v1\nkind: Vpc\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _subnet(name: str, vpc: str, cidr: str, more: str = "") -> str:
    spec = f"{{vpc: {vpc}, cidrBlock: '{cidr}'{more}}}"
    return f"apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _in(subnet: str, name: str, address: str = "") -> str:
    marks = f"ovn.kubernetes.io/logical_switch: {subnet}, ovn.kubernetes.io/ip_address: '{address}'"
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: default, annotations: {{{marks}}}}}\n"
        "spec: {nodeName: h1}\n"
    )


NET1, NET2 = "10.0.1.0/24,fd00:1::/64", "10.0.2.0/24,fd00:2::/64"


def _passed(trace: str) -> str:
    """The port by which a packet leaves."""
    return trace.rpartition('output("')[2].partition('"')[0] if 'output("' in trace else ""


async def test_routes_by_destination_by_source_and_in_tables(translated: Fabric) -> None:
    routes = """
  staticRoutes:
  - {cidr: 0.0.0.0/0, nextHopIP: 10.0.1.254, policy: policyDst}
  - {cidr: '::/0', nextHopIP: 'fd00:1::fe'}
  - {cidr: 10.0.2.0/24, nextHopIP: 10.0.1.253, policy: policySrc}
  - {cidr: 'fd00:2::/64', nextHopIP: 'fd00:1::fd', policy: policySrc}
  - {cidr: 192.0.2.0/24, nextHopIP: 10.0.1.252, routeTable: rtb}
"""
    async with translated.controller() as controller:
        documents = join(
            _vpc("red", routes), _subnet("net1", "red", NET1), _subnet("net2", "red", NET2),
            _subnet("net3", "red", "10.0.3.0/24", ", routeTable: rtb"),
            _in("net1", "a"), _in("net2", "b"), _in("net3", "c"),
            _in("net1", "gw252", "10.0.1.252,fd00:1::fc"), _in("net1", "gw253", "10.0.1.253,fd00:1::fd"),
            _in("net1", "gw254", "10.0.1.254,fd00:1::fe"),
        )  # fmt: skip
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        found = {
            (pod, to): _passed(await sent(translated, f"{pod}.default", to))
            for pod, to in (
                ("a", "198.51.100.1"), ("a", "2001:db8::1"), ("b", "198.51.100.1"), ("b", "2001:db8::1"),
                ("a", "192.0.2.1"), ("c", "192.0.2.1"), ("c", "198.51.100.1"),
            )
        }  # fmt: skip
        assert found == {
            ("a", "198.51.100.1"): "gw254.default",
            ("a", "2001:db8::1"): "gw254.default",
            ("b", "198.51.100.1"): "gw253.default",  # by source, which is longer
            ("b", "2001:db8::1"): "gw253.default",
            ("a", "192.0.2.1"): "gw254.default",  # not of this table
            ("c", "192.0.2.1"): "gw252.default",
            ("c", "198.51.100.1"): "",
        }
        assert await reaches(translated, "a.default", "b.default", 6), "its own subnets come first"
        assert (await translated.status("Vpc/red"))["subnets"] == ["net1", "net2", "net3"]


async def test_several_next_hops_share_traffic(translated: Fabric) -> None:
    """Of routes, and of a policy: ovn-trace takes a member of the group by its number, or one that it chooses."""
    spec = """
  staticRoutes:
  - {cidr: 198.51.100.0/24, nextHopIP: 10.0.1.253}
  - {cidr: 198.51.100.0/24, nextHopIP: 10.0.1.254, ecmpMode: ecmp}
  - {cidr: '2001:db8::/32', nextHopIP: 'fd00:1::fd'}
  - {cidr: '2001:db8::/32', nextHopIP: 'fd00:1::fe'}
  policyRoutes:
  - {action: reroute, match: ip4.dst==203.0.113.0/24, nextHopIP: '10.0.1.253,10.0.1.254', priority: 10}
  - {action: reroute, match: 'ip6.dst==2001:db9::/32', nextHopIP: 'fd00:1::fd,fd00:1::fe', priority: 10}
"""
    async with translated.controller() as controller:
        gateways = (_in("net1", f"gw{n}", f"10.0.1.{n},fd00:1::{n:x}") for n in (253, 254))
        documents = join(_vpc("red", spec), _subnet("net1", "red", NET1), _in("net1", "a"), *gateways)
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        for to in ("198.51.100.1", "2001:db8::1", "203.0.113.1", "2001:db9::1"):
            ways = {_passed(await sent(translated, "a.default", to, choice=n)) for n in (1, 2)}
            assert ways == {"gw253.default", "gw254.default"}, to


async def test_policies_come_before_routes(translated: Fabric) -> None:
    policies = """
  policyRoutes:
  - {action: drop, match: ip4.src==10.0.1.0/24 && ip4.dst==10.0.2.7, priority: 11}
  - {action: reroute, match: ip4.src==10.0.1.0/24 && ip4.dst==198.51.100.0/24, nextHopIP: 10.0.1.254, priority: 10}
  - {action: drop, match: 'ip6.dst==fd00:2::7', priority: 9}
  - {action: drop, match: ip4.dst==$blocked, priority: 8}
  - {action: allow, match: ip4.dst==10.0.2.10, priority: 7}
  - {action: drop, match: ip4.dst==10.0.2.8/29, priority: 6}
  - {action: reroute, match: 'ip6.dst==2001:db8::/32', nextHopIP: 'fd00:1::fe', priority: 5}
"""
    pool = """
apiVersion: kubeovn.io/v1
kind: IPPool
metadata: {name: blocked}
spec: {subnet: net2, ips: [10.0.2.9], enableAddressSet: true}
"""
    async with translated.controller() as controller:
        documents = join(
            _vpc("red", policies), _subnet("net1", "red", NET1), _subnet("net2", "red", NET2), pool,
            _in("net1", "a"), _in("net2", "open", "10.0.2.6,fd00:2::6"), _in("net2", "shut", "10.0.2.7,fd00:2::7"),
            _in("net2", "listed", "10.0.2.9,fd00:2::9"), _in("net2", "spared", "10.0.2.10,fd00:2::a"),
            _in("net2", "meant", "10.0.2.11,fd00:2::b"), _in("net1", "gw", "10.0.1.254,fd00:1::fe"),
        )  # fmt: skip
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        reached = {
            (name, family): await reaches(translated, "a.default", f"{name}.default", family)
            for name in ("open", "shut", "listed", "spared", "meant")
            for family in (4, 6)
        }
        assert reached == {
            ("open", 4): True, ("open", 6): True, ("shut", 4): False, ("shut", 6): False,
            ("listed", 4): False, ("listed", 6): True, ("spared", 4): True, ("spared", 6): True,
            ("meant", 4): False, ("meant", 6): True,
        }  # fmt: skip
        for to in ("198.51.100.1", "2001:db8::1"):
            assert _passed(await sent(translated, "a.default", to)) == "gw.default", "there is no route to it"


async def test_peered_vpcs_reach_each_other_and_others_do_not(translated: Fabric) -> None:
    """The manual's example, in both families; the third VPC has the first one's addresses."""

    def side(name: str, remote: str, local: str, routes: str) -> str:
        return _vpc(
            name, f"{{vpcPeerings: [{{remoteVpc: {remote}, localConnectIP: '{local}'}}], staticRoutes: [{routes}]}}"
        )

    one = side(
        "vpc-1", "vpc-2", "169.254.0.1/30,fd00:9::1/126",
        "{cidr: 172.31.0.0/16, nextHopIP: 169.254.0.2}, {cidr: 'fd00:2::/64', nextHopIP: 'fd00:9::2'}",
    )  # fmt: skip
    two = side(
        "vpc-2", "vpc-1", "169.254.0.2/30,fd00:9::2/126",
        "{cidr: 10.0.0.0/16, nextHopIP: 169.254.0.1}, {cidr: 'fd00:1::/64', nextHopIP: 'fd00:9::1'}",
    )  # fmt: skip
    others = join(
        _vpc("vpc-3", "{}"), _subnet("net1", "vpc-1", "10.0.0.0/16,fd00:1::/64"),
        _subnet("net2", "vpc-2", "172.31.0.0/16,fd00:2::/64"), _subnet("net3", "vpc-3", "10.0.0.0/16,fd00:1::/64"),
        _in("net1", "a"), _in("net2", "b"), _in("net3", "c"),
    )  # fmt: skip
    async with translated.controller() as controller:
        assert await translated.apply(join(one, _vpc("vpc-2", "{}"), others)) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        assert not await reaches(translated, "a.default", "b.default"), "one side is not enough"
        assert await translated.apply(two) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        for family in (4, 6):
            assert await reaches(translated, "a.default", "b.default", family)
            assert await reaches(translated, "b.default", "a.default", family)
            assert not await reaches(translated, "c.default", "b.default", family)
        status = await translated.status("Vpc/vpc-1")
        assert status["vpcPeerings"] == ["vpc-2"]
        assert await translated.apply(_vpc("vpc-2", "{}")) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        assert not await reaches(translated, "a.default", "b.default"), "and one side ends it"


async def test_a_pod_may_leave_by_a_gateway_of_its_own(translated: Fabric) -> None:
    leaver = _in("ovn-default", "leaver").replace(
        "annotations: {", "annotations: {ovn.kubernetes.io/north_gateway: 10.16.0.254, "
    )
    async with translated.controller() as controller:
        subnets = join(_subnet("other", "ovn-cluster", "10.18.0.0/16"), _in("other", "near"))
        documents = join(subnets, leaver, _in("ovn-default", "plain"), _in("ovn-default", "gw", "10.16.0.254"))
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        assert 'output("gw.default")' in await sent(translated, "leaver.default", "198.51.100.1")
        assert 'output("gw.default")' not in await sent(translated, "plain.default", "198.51.100.1")
        assert await reaches(translated, "leaver.default", "near.default"), "the VPC's own subnets come first"
