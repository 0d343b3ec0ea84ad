"""map: the fabric as it is stored, drawn."""

from __future__ import annotations

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.ctl import Weftctl
from tests.support.fabric import Fabric


async def test_a_running_fabric_is_drawn(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *(pod(f"web-{n}") for n in range(3))))
        await made.settled(controller)
        drawn = (await ctl("map", "-n", "ns1", "-o", "json")).document
        (vpc,) = drawn["vpcs"]
        (subnet,) = vpc["subnets"]
        assert (vpc["name"], subnet["name"], subnet["usage"][0]["used"]) == ("ovn-cluster", "subnet1", 3)
        assert {port["owner"] for port in subnet["ports"]} == {f"Pod/ns1/web-{n}" for n in range(3)}
        said = await ctl("map", "--most", "2", "-n", "ns1")
        assert "└── … and 1 more port" in said.out
    await made.client.commit([{"op": "delete", "table": "Object", "where": []}])
    said = await ctl("map")
    assert (said.code, said.err.split(";")[0]) == (1, "error: objects are kept in Kubernetes")
