"""Documents in, packets out: what ovn-trace says of the rows that the controller made."""

from __future__ import annotations

import pytest

from tests.integration.controller.documents import DUAL, NAMESPACES, SUBNET, VPCS, join, pod
from tests.integration.controller.trace import port, reaches
from tests.support.fabric import Fabric

pytestmark = pytest.mark.asyncio


async def test_packets_go_where_the_documents_say(translated: Fabric) -> None:
    await translated.add_host("h1")
    async with translated.controller() as controller:
        pods = [pod("a"), pod("b"), pod("c", "ns2"), pod("d", "default"), pod("e", "v1"), pod("f", "v2")]
        assert await translated.apply(join(NAMESPACES, SUBNET, DUAL, VPCS, *pods)) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")

        assert await reaches(translated, "a.ns1", "b.ns1"), "same subnet"
        assert await reaches(translated, "a.ns1", "c.ns2"), "across subnets of a VPC"
        assert await reaches(translated, "c.ns2", "d.default"), "to the default subnet"
        assert await reaches(translated, "node-h1", "a.ns1"), "host to workload"
        assert await reaches(translated, "a.ns1", "node-h1"), "workload to host"
        assert not await reaches(translated, "a.ns1", "e.v1"), "default VPC to another"
        assert not await reaches(translated, "e.v1", "a.ns1"), "another VPC to the default"
        assert (await port(translated, "e.v1"))[2] == (await port(translated, "f.v2"))[2], "the same address twice"


async def test_dual_stack_pods_speak_both_families(translated: Fabric) -> None:
    async with translated.controller() as controller:
        await translated.apply(join(NAMESPACES, DUAL, pod("a", "ns2"), pod("b", "ns2")))
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        for family in (4, 6):
            assert await reaches(translated, "a.ns2", "b.ns2", family)


async def test_first_address_of_the_manual(made: Fabric) -> None:
    """Kube-OVN 1.15 manual, section 3.1.3: with 10.66.0.1..10.66.0.10 excluded, the first pod gets 10.66.0.11."""
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("nginx")))
        await made.settled(controller)
        status = await made.status("Pod/ns1/nginx")
        assert status["podIP"] == "10.66.0.11"
        ports = await made.rows("Port")
        assert [(p["name"], p["host"], p["subnet"], p["addresses"]) for p in ports] == [
            ("nginx.ns1", "h1", "subnet1", ["10.66.0.11"])
        ]


async def test_a_changed_subnet_touches_no_pod(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *(pod(f"p{n}") for n in range(20))))
        await made.settled(controller)
        before = {row["name"]: row for row in (*await made.rows("Port"), *await made.rows("Logical_Switch_Port"))}
        await made.apply(SUBNET.replace("namespaces: [ns1]", "namespaces: [ns1]\n  mtu: 1300"))
        await made.settled(controller)
        after = {row["name"]: row for row in (*await made.rows("Port"), *await made.rows("Logical_Switch_Port"))}
        assert before == after
        assert next(row for row in await made.rows("Subnet") if row["name"] == "subnet1")["mtu"] == 1300
