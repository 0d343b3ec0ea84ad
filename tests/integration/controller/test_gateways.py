"""By which host a packet leaves the fabric (Kube-OVN 1.15 manual, section 3.1.4), as northd and hosts have it.

ovn-trace knows no hosts: whatever a host's policy asks for (`is_chassis_resident`) it takes for given. So what leaves
by the pod's own host is asked of real hosts, with their ovn-controllers, and the rest of ovn-trace.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.integration.controller.documents import NAMESPACES, join, pod
from tests.integration.controller.trace import port, reaches, sent
from tests.support.fabric import Fabric
from tests.support.ovn import OvsHost
from weft.controller.main import Controller

pytestmark = pytest.mark.asyncio
OUTSIDE = {4: "203.0.113.9", 6: "2001:db8:9::9"}
HOSTS = {"h1": ["192.0.2.1", "2001:db8::1"], "h2": ["192.0.2.2", "2001:db8::2"], "h3": ["192.0.2.3", "2001:db8::3"]}
JOIN = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: join}
spec: {cidrBlock: "100.64.0.0/16,fd00:100:64::/112"}
"""


def subnet(name: str, number: int, **spec: Any) -> str:
    fields = "".join(f"  {key}: {str(value).lower() if value is True else value}\n" for key, value in spec.items())
    return (
        f"apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata: {{name: {name}}}\n"
        f'spec:\n  cidrBlock: "10.{number}.0.0/16,fd00:{number}::/64"\n{fields}'
    )


def placed(name: str, subnet_: str, node: str = "h1") -> str:
    return pod(name, node=node, **{"ovn.kubernetes.io/logical_switch": subnet_})


async def apply(made: Fabric, controller: Controller, *documents: str) -> None:
    assert await made.apply(join(*documents)) == []
    await settled(made, controller)


async def settled(made: Fabric, controller: Controller) -> None:
    await made.settled(controller)
    made.ovn.nbctl(f"--wait={'hv' if made.ovn.hosts else 'sb'}", "sync")


async def found(made: Fabric, controller: Controller, *documents: str, hosts: Iterable[str] = HOSTS) -> None:
    """A fabric with both families on `join`, these hosts, and these documents."""
    await apply(made, controller, NAMESPACES, JOIN)
    for name in hosts:
        await made.add_host(name, addresses=["set", HOSTS[name]])
    await apply(made, controller, *documents)


async def says(made: Fabric, controller: Controller, host: str, **columns: Any) -> None:
    """What a host's agent says of itself now."""
    await says_alone(made, host, **columns)
    await settled(made, controller)


async def says_alone(made: Fabric, host: str, **columns: Any) -> None:
    where = [["name", "==", host]]
    await made.client.commit([{"op": "update", "table": "Host_Status", "where": where, "row": columns}])


async def ways(made: Fabric, source: str, family: int = 4, choices: Sequence[int] = (1, 2)) -> set[str]:
    """The hosts that packets to the outside would come out at, by whatever choice among several."""
    traces = [await sent(made, source, OUTSIDE[family], choice=choice) for choice in choices]
    return {name for trace in traces for name in re.findall(r'output\("node-(\w+)"\)', trace)}


@pytest.mark.parametrize("family", [4, 6])
async def test_a_centralized_subnet_leaves_by_the_first_host_that_is_ready(translated: Fabric, family: int) -> None:
    gate = subnet("gate", 70, gatewayType="centralized", gatewayNode="h2:192.0.2.2,h3")
    async with translated.controller() as controller:
        await found(translated, controller, gate, placed("a", "gate"))
        assert await ways(translated, "a.ns1", family) == {"h2"}
        assert (await translated.status("Subnet/gate"))["activateGateway"] == "h2"

        await says(translated, controller, "h2", ready=False)
        assert await ways(translated, "a.ns1", family) == {"h3"}, "it failed over"
        assert (await translated.status("Subnet/gate"))["activateGateway"] == "h3"
        await says(translated, controller, "h2", ready=True)
        assert await ways(translated, "a.ns1", family) == {"h2"}, "the preferred one is back"

        await apply(translated, controller, gate + "  enableEcmp: true\n")
        assert await ways(translated, "a.ns1", family) == {"h2", "h3"}
        await says(translated, controller, "h3", ready=False)
        assert await ways(translated, "a.ns1", family) == {"h2"}, "no more than those that are ready"
        await apply(translated, controller, gate.replace("h2:192.0.2.2,h3", "h9"))
        assert await ways(translated, "a.ns1", family) == set(), "no host, no way out"


async def test_a_host_that_falls_silent_is_replaced(translated: Fabric) -> None:
    gate = subnet("gate", 70, gatewayType="centralized", gatewayNode="h2,h3")
    async with translated.controller() as controller:
        await found(translated, controller, gate, placed("a", "gate"))
        await says(translated, controller, "h2", heartbeat=1)
        assert await ways(translated, "a.ns1") == {"h2"}
        async with asyncio.timeout(10):
            while (await translated.status("Subnet/gate"))["activateGateway"] != "h3":
                await asyncio.sleep(0.1)
        translated.ovn.nbctl("--wait=sb", "sync")
        assert await ways(translated, "a.ns1") == {"h3"}
        await says(translated, controller, "h2", last_seen=int(time.time()))
        assert await ways(translated, "a.ns1") == {"h2"}

    await says_alone(translated, "h2", last_seen=int(time.time()) - 60)
    async with translated.controller():
        translated.ovn.nbctl("--wait=sb", "sync")
        assert await ways(translated, "a.ns1") == {"h3"}, "it was silent before this controller began"


PEERED = """
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: ovn-cluster}
spec:
  vpcPeerings: [{remoteVpc: red, localConnectIP: 169.254.0.1/30}]
  staticRoutes: [{cidr: 10.90.0.0/16, nextHopIP: 169.254.0.2, policy: policyDst}]
---
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: red}
spec:
  vpcPeerings: [{remoteVpc: ovn-cluster, localConnectIP: 169.254.0.2/30}]
  staticRoutes: [{cidr: 10.0.0.0/8, nextHopIP: 169.254.0.1, policy: policyDst}]
"""


async def test_what_is_for_somebody_inside_does_not_leave(translated: Fabric) -> None:
    gate = subnet("gate", 70, gatewayType="centralized", gatewayNode="h2")
    spread, far = subnet("spread", 71), subnet("far", 90, vpc="red")
    async with translated.controller() as controller:
        pods = [placed("a", "gate"), placed("b", "spread"), placed("c", "far")]
        await found(translated, controller, PEERED, gate, spread, far, *pods)
        for family in (4, 6):
            for source, destination in (("a", "b"), ("b", "a")):
                assert await reaches(translated, f"{source}.ns1", f"{destination}.ns1", family), "another subnet"
            for name in HOSTS:
                assert await reaches(translated, "a.ns1", f"node-{name}", family), "a reply to a host"
                assert await reaches(translated, f"node-{name}", "a.ns1", family), "a host to a pod"
                own = HOSTS[name][family == 6]
                assert f'output("node-{name}")' in await sent(translated, "a.ns1", own), "a host's own address"
        for source in ("a", "b"):
            assert await reaches(translated, f"{source}.ns1", "c.ns1"), "a VPC that is peered with"
            assert await reaches(translated, "c.ns1", f"{source}.ns1"), "and back"


# -- real hosts -------------------------------------------------------------------------------------------------------


def plug(host: OvsHost, name: str, iface_id: str) -> None:
    settings = ("type=internal", f"external_ids:iface-id={iface_id}")
    host.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, *settings)


async def leaves(made: Fabric, host: OvsHost, source: str, family: int) -> str:
    """What a host does with a pod's packet to the outside: the interface that it goes out of."""
    switch, mac, ours = await port(made, source)
    address = next(a for a in ours if (":" in a) == (family == 6))
    gateway = next(row for row in await made.rows("Logical_Router_Port") if row["external_ids"].get("subnet") == switch)
    words = ("tcp6", "ipv6") if family == 6 else ("tcp", "nw")
    flow = f"in_port=pod,{words[0]},dl_src={mac},dl_dst={gateway['mac']},{words[1]}_src={address},"
    flow += f"{words[1]}_dst={OUTSIDE[family]},nw_ttl=64,tp_src=1024,tp_dst=80"
    trace = host.appctl("ovs-vswitchd", "ofproto/trace", "br-int", flow)
    numbers = re.findall(r"output:(\d+)", trace)
    names = host.vsctl("--bare", "--columns=name", "find", "Interface", f"ofport={numbers[-1]}") if numbers else ""
    return names.strip()


async def test_each_pod_of_a_distributed_subnet_leaves_by_its_own_host(translated: Fabric) -> None:
    hosts = {name: translated.ovn.start_ovs(name) for name in ("h1", "h2")}
    spread = subnet("spread", 71)
    async with translated.controller() as controller:
        pods = (placed("p1", "spread", "h1"), placed("p2", "spread", "h2"))
        await found(translated, controller, spread, *pods, hosts=hosts)
        for name, host in hosts.items():
            plug(host, "ovn0", f"node-{name}")
            plug(host, "pod", f"p{name[1]}.ns1")
        await settled(translated, controller)
        for name, host in hosts.items():
            for family in (4, 6):
                assert await leaves(translated, host, f"p{name[1]}.ns1", family) == "ovn0"

        central = spread + "  gatewayType: centralized\n  gatewayNode: h2\n"
        await apply(translated, controller, central)
        for family in (4, 6):
            assert await leaves(translated, hosts["h1"], "p1.ns1", family) == "ovn-h2-0", "the tunnel to h2"
            assert await leaves(translated, hosts["h2"], "p2.ns1", family) == "ovn0"
        await apply(translated, controller, spread)
        assert await leaves(translated, hosts["h1"], "p1.ns1", 4) == "ovn0"
