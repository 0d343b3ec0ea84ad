"""Bad input that came another way than by weftctl: it says so in its status, and the rest keeps working."""

from __future__ import annotations

import json

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.fabric import Fabric
from weft.topology.status import NEXT_TRY

pytestmark = pytest.mark.asyncio


async def _condition(made: Fabric, ref: str, kind: str) -> tuple[str, str, str]:
    found = next(c for c in (await made.status(ref))["conditions"] if c["type"] == kind)
    return found["status"], found["reason"], found["message"]


async def test_overlapping_subnets_of_a_vpc(made: Fabric) -> None:
    async with made.controller() as controller:
        second = (
            SUBNET.replace("subnet1", "subnet2").replace("10.66.0.0/16", "10.66.128.0/17").replace("excludeIps", "#")
        )
        await made.apply(join(NAMESPACES, SUBNET, second, pod("a")))
        await made.settled(controller)
        status, reason, message = await _condition(made, "Subnet/subnet2", "Ready")
        assert (status, reason) == ("False", "Invalid")
        assert message == "spec.cidrBlock: 10.66.128.0/17 overlaps 10.66.0.0/16 of Subnet/subnet1 in Vpc/ovn-cluster"
        assert (await made.status("Pod/ns1/a"))["podIP"] == "10.66.0.11"
        assert "subnet2" not in [row["name"] for row in await made.rows("Logical_Switch")]

        await made.delete("Pod/ns1/a", "Subnet/subnet1")
        await made.settled(controller)
        assert (await _condition(made, "Subnet/subnet2", "Ready"))[0] == "True", "the reason is gone"


async def test_a_full_subnet(made: Fabric) -> None:
    tiny = SUBNET.replace("10.66.0.0/16", "10.66.0.0/29").replace(
        "  excludeIps: [10.66.0.1..10.66.0.10, 10.66.0.101..10.66.0.151]\n", ""
    )
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, tiny, *(pod(f"p{n}") for n in range(6))))
        await made.settled(controller)
        status, reason, message = await _condition(made, "Pod/ns1/p5", "Allocated")
        assert (status, reason) == ("False", "NoAddressAvailable")
        full = "Subnet/subnet1: IPv4 10.66.0.0/29 is full: all 5 addresses that may be handed out are in use"
        assert message == f"{full}; tried again {NEXT_TRY[reason]}"
        await made.delete("Pod/ns1/p0")
        await made.settled(controller)
        assert (await made.status("Pod/ns1/p5"))["podIP"] == "10.66.0.2", "whoever waits gets what is released"


async def test_documents_that_cannot_be_parsed(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("a")))
        await made.settled(controller)
        before = await made.content()
        record = (await made.records())["Subnet/subnet1"]
        broken = {**json.loads(record.spec), "gateway": "10.99.0.1", "gatewayTyp": "x"}
        await made.client.commit(
            [
                {
                    "op": "update",
                    "table": "Object",
                    "where": [["_uuid", "==", ["uuid", str(record.uuid)]]],
                    "row": {"spec": json.dumps(broken)},
                }
            ]
        )
        await made.settled(controller)
        assert (await _condition(made, "Subnet/subnet1", "Ready")) == (
            "False",
            "Invalid",
            "spec.gatewayTyp: no such field",
        )
        after = await made.content()
        for table in ("Logical_Switch", "Logical_Switch_Port", "Logical_Router_Port", "Port", "Subnet"):
            assert after[table] == before[table], "what was in effect stays in effect"
        await made.apply(pod("b"))
        await made.settled(controller)
        assert (await made.status("Pod/ns1/b"))["podIP"] == "10.66.0.12"
    async with made.controller() as controller:
        assert "b.ns1" in [row["name"] for row in await made.rows("Port")], "also after a restart"


async def test_static_addresses_and_their_conflicts(made: Fabric) -> None:
    async with made.controller() as controller:
        fixed = pod("a", ovn__x="", **{"ovn.kubernetes.io__ip_address": "10.66.7.7"})
        twin = pod("b", **{"ovn.kubernetes.io__ip_address": "10.66.7.7"})
        await made.apply(join(NAMESPACES, SUBNET, fixed))
        await made.settled(controller)
        await made.apply(twin)
        await made.settled(controller)
        assert (await made.status("Pod/ns1/a"))["podIP"] == "10.66.7.7"
        status, reason, message = await _condition(made, "Pod/ns1/b", "Allocated")
        assert (status, reason) == ("False", "AddressConflict")
        assert message == f"Subnet/subnet1: 10.66.7.7 is in use by a.ns1; tried again {NEXT_TRY[reason]}"
