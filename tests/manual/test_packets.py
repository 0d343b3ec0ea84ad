"""What the manual's documents do to packets: applied as they stand, on a host with a real datapath and a real agent.

Pods are endpoints: network namespaces that the agent keeps. The first packet on a new path may be lost while addresses
are resolved, so who should answer is asked for some seconds, and who should not is asked after somebody has answered.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from tests.manual.world import FOLDER, ManualFile
from tests.support import rates
from tests.support.agent import AgentHost, eventually
from tests.support.capture import Capture
from tests.support.fabric import Fabric, fabric
from tests.support.ovn import available, namespace_command, run
from weft.api.documents import load_documents
from weft.controller.main import Controller

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOST = "h1"
PATIENCE = 15.0


class Ground:
    """A fabric with one host, and what a test does on it."""

    def __init__(self, made: Fabric, controller: Controller, prefix: str) -> None:
        self._made = made
        self._controller = controller
        self._prefix = prefix

    async def apply(self, *names: str) -> None:
        """Documents of the manual; their pods become endpoints."""
        for name in names:
            documents = ManualFile(FOLDER / name).documents
            await self._apply([self._placed(item) if item["kind"] == "Pod" else item for item in documents])

    async def endpoint(self, name: str, namespace: str = "default", **wishes: str) -> str:
        """One more; gives its name, by which it is asked to do things."""
        annotations = {f"ovn.kubernetes.io/{key}": value for key, value in wishes.items()}
        metadata = {"name": name, "namespace": namespace, "annotations": annotations}
        await self._apply([self._placed({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})])
        return f"{name}.{namespace}"

    def _placed(self, pod: dict[str, Any]) -> dict[str, Any]:
        metadata = pod["metadata"]
        place = f"{self._prefix}-{metadata['name']}.{metadata.get('namespace', 'default')}"
        marks = {**metadata.get("annotations", {}), "weft.ovn/netns": place}
        return {
            **pod,
            "metadata": {"namespace": "default", **metadata, "annotations": marks},
            "spec": {"nodeName": HOST},
        }

    async def _apply(self, documents: list[dict[str, Any]]) -> None:
        text = yaml.safe_dump_all(documents)
        assert await self._made.apply(text) == []
        pods = [item.resource.ref for item in load_documents(text, "").documents if item.resource.INFO.kind == "Pod"]
        async with asyncio.timeout(PATIENCE):
            while not all([await self._ready(ref) for ref in pods]):
                await asyncio.sleep(0.1)

    async def _ready(self, ref: str) -> bool:
        conditions = (await self._made.status(ref)).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    async def inside(self, pod: str, *command: str) -> str:
        return await asyncio.to_thread(run, *namespace_command(f"{self._prefix}-{pod}"), *command)

    async def rate(self, sender: str, receiver: str, address: str) -> float:
        """Mbit/s of TCP, the best of two: a busy machine may not keep up with what is allowed."""
        ends = (f"{self._prefix}-{sender}", f"{self._prefix}-{receiver}")
        return max([await asyncio.to_thread(rates.mbits, *ends, address) for _ in range(2)])

    async def ping(self, pod: str, address: str) -> str:
        """What a single ping printed; empty when nothing came back."""
        command = [*namespace_command(f"{self._prefix}-{pod}"), "ping", "-n", "-c1", "-W1", address]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    async def reaches(self, pod: str, address: str, seconds: float = PATIENCE) -> str:
        async with asyncio.timeout(seconds):
            while not (said := await self.ping(pod, address)):
                await asyncio.sleep(0.1)
        return said

    async def blocked(self, pod: str, address: str) -> bool:
        return not any([await self.ping(pod, address) for _ in range(3)])

    async def clear(self) -> None:
        """As it was in the beginning."""
        first = {"Vpc/ovn-cluster", "Subnet/ovn-default", "Subnet/join", "Namespace/default"}
        for kind in ("Pod", "Subnet", "Vpc", "Namespace"):
            refs = [ref for ref in await self._made.records() if ref.startswith(f"{kind}/") and ref not in first]
            if refs:
                await self._made.delete(*refs)
                await self._made.settled(self._controller)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made() -> AsyncIterator[tuple[Fabric, Controller, AgentHost]]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    async with fabric() as found:
        agent = AgentHost(found.ovn, await asyncio.to_thread(found.ovn.start_ovs, HOST))
        try:
            await asyncio.to_thread(agent.start)
            async with found.controller() as controller:
                yield found, controller, agent
        finally:
            await asyncio.to_thread(agent.close)


@pytest_asyncio.fixture(loop_scope="module")
async def ground(made: tuple[Fabric, Controller, AgentHost]) -> AsyncIterator[Ground]:
    found, controller, _ = made
    ground = Ground(found, controller, found.ovn.folder.name)
    await found.apply(
        "\n---\n".join(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {n}}}}}" for n in ("ns1", "ns2"))
    )
    yield ground
    await ground.clear()


async def test_a_static_address(ground: Ground) -> None:
    """Section 3.2.1."""
    await ground.apply("3.2.1-static-ip.yml")
    other = await ground.endpoint("other")
    await ground.reaches(other, "10.16.0.15")
    link = json.loads(await ground.inside("static-ip.default", "ip", "-j", "addr", "show", "eth0"))[0]
    assert link["address"] == "00:00:00:53:6b:b6"
    assert "10.16.0.15" in {item["local"] for item in link["addr_info"]}
    assert "00:00:00:53:6b:b6" in await ground.inside(other, "ip", "neigh", "show", "10.16.0.15")


async def test_a_private_subnet(ground: Ground) -> None:
    """Section 3.1.6: itself and the subnets that it allows, and nobody else."""
    await ground.apply("3.1.6-private.yml", "3.1.4-distributed.yml")
    one = await ground.endpoint("one", "ns1", ip_address="10.69.0.11")
    two = await ground.endpoint("two", "ns2", ip_address="10.69.0.12")
    allowed = await ground.endpoint("allowed", ip_address="10.16.0.20")
    stranger = await ground.endpoint("stranger", logical_switch="distributed", ip_address="10.166.0.20")
    await ground.reaches(one, "10.69.0.12")
    await ground.reaches(allowed, "10.69.0.11")
    await ground.reaches(two, "10.16.0.20")
    await ground.reaches(stranger, "10.16.0.20")
    assert await ground.blocked(stranger, "10.69.0.11")
    assert await ground.blocked(stranger, "10.69.0.12")


async def test_rules_of_a_subnet(ground: Ground) -> None:
    """Section 3.1.5: nobody reaches 10.10.0.2, which reaches everybody, and is answered."""
    await ground.apply("3.1.5-acl.yml")
    guarded = await ground.endpoint("guarded", logical_switch="acl", ip_address="10.10.0.2")
    other = await ground.endpoint("other", logical_switch="acl", ip_address="10.10.0.3")
    third = await ground.endpoint("third", logical_switch="acl", ip_address="10.10.0.4")
    await ground.reaches(other, "10.10.0.4")
    await ground.reaches(guarded, "10.10.0.3")
    assert await ground.blocked(other, "10.10.0.2")
    assert await ground.blocked(third, "10.10.0.2")


async def test_vpcs_with_the_same_addresses(ground: Ground) -> None:
    """Section 5.1.2: the two pods have one address; each reaches its own VPC's, and nothing of the other's."""
    await ground.apply("5.1.2-vpcs.yml", "5.1.2-subnets.yml", "5.1.2-pods.yml")
    for pod in ("vpc1-pod.ns1", "vpc2-pod.ns2"):
        assert " 10.0.1.2/24 " in await ground.inside(pod, "ip", "addr", "show", "eth0")
    await ground.endpoint("first", "ns1", ip_address="10.0.1.11")
    await ground.endpoint("second", "ns2", ip_address="10.0.1.12")
    await ground.reaches("vpc1-pod.ns1", "10.0.1.11")
    await ground.reaches("vpc2-pod.ns2", "10.0.1.12")
    assert await ground.blocked("vpc1-pod.ns1", "10.0.1.12")
    assert await ground.blocked("vpc2-pod.ns2", "10.0.1.11")


async def _router(ground: Ground, name: str, address: str, outside: str) -> str:
    """An endpoint that also answers for an address outside the fabric."""
    router = await ground.endpoint(name, "ns1", ip_address=address)
    await ground.inside(router, "ip", "addr", "add", f"{outside}/32", "dev", "lo")
    return router


async def test_a_static_route(ground: Ground) -> None:
    """Section 5.1.4: what has no other route goes to 10.0.1.254."""
    await ground.apply("5.1.2-vpcs.yml", "5.1.2-subnets.yml", "5.1.4-static-routes.yml")
    pod = await ground.endpoint("pod", "ns1")
    await _router(ground, "router", "10.0.1.254", "203.0.113.9")
    await ground.reaches(pod, "203.0.113.9")


async def test_policy_routes(ground: Ground) -> None:
    """Section 5.1.4: the subnet's traffic goes to 10.0.1.252, but for 10.0.1.250, to which the router sends nothing."""
    await ground.apply("5.1.2-vpcs.yml", "5.1.2-subnets.yml")
    pod = await ground.endpoint("pod", "ns1")
    await ground.endpoint("refused", "ns1", ip_address="10.0.1.250")
    await _router(ground, "router", "10.0.1.252", "203.0.113.9")
    await ground.inside(pod, "ip", "route", "add", "10.0.1.250/32", "via", "10.0.1.1")
    await ground.reaches(pod, "10.0.1.250")
    assert await ground.blocked(pod, "203.0.113.9")
    await ground.apply("5.1.4-policy-routes.yml")
    await ground.reaches(pod, "203.0.113.9")
    assert await ground.blocked(pod, "10.0.1.250")


async def test_peered_vpcs(ground: Ground) -> None:
    """Section 5.9, with the manual's own figures: two routers on the way, so ttl=62."""
    await ground.apply("5.9-vpcs.yml", "5.9-pods.yml")
    ways = (("vpc-1-pod.default", "172.31.0.2"), ("vpc-2-pod.default", "10.0.0.2"))
    for pod, address in ways:
        assert await ground.blocked(pod, address)
    await ground.apply("5.9-peering.yml")
    for pod, address in ways:
        assert re.search(rf"from {re.escape(address)}: icmp_seq=\d+ ttl=62 ", await ground.reaches(pod, address))


@pytest.mark.skipif(not rates.AVAILABLE, reason="needs iperf3 (tools/deps)")
async def test_rates_of_a_pod_that_runs(ground: Ground) -> None:
    """Section 3.6.1: 3 Mbit/s to the pod and 1 from it; then another number, and none."""
    await ground.apply("3.6.1-qos.yml")
    await ground.endpoint("perf", ip_address="10.16.0.31")
    address = (await ground.inside("qos.ns1", "ip", "-br", "-4", "addr", "show", "eth0")).split()[2].partition("/")[0]
    await ground.reaches("perf.default", address)
    assert 3 * 0.85 < await ground.rate("perf.default", "qos.ns1", address) < 3 * 1.15
    assert 1 * 0.85 < await ground.rate("qos.ns1", "perf.default", "10.16.0.31") < 1 * 1.15
    await ground.endpoint("qos", "ns1", ingress_rate="12")
    async with asyncio.timeout(PATIENCE):
        while not 12 * 0.85 < await ground.rate("perf.default", "qos.ns1", address) < 12 * 1.15:
            pass
    assert await ground.rate("qos.ns1", "perf.default", "10.16.0.31") > 15


async def test_a_mirrored_pod(ground: Ground, made: tuple[Fabric, Controller, AgentHost]) -> None:
    """Section 3.9.2: its packets, and nobody else's, are at mirror0."""
    host = made[2].host
    assert host.ns
    await ground.apply("3.9.2-mirror.yml")
    for name, address in (("one", "10.16.0.41"), ("two", "10.16.0.42")):
        await ground.endpoint(name, ip_address=address)
    eventually(lambda: "UP" in host.ip("-br", "link").partition("mirror0")[2].partition("\n")[0], "mirror0 is up")
    with Capture(host.ns, "mirror0") as capture:
        await ground.reaches("two.default", "10.16.0.41")
        await ground.reaches("mirror-pod.ns1", "10.16.0.41")
        capture.sees(lambda packet: packet.source == "10.16.0.41", "the answer to the mirrored pod")
        assert not [packet for packet in capture.look() if "10.16.0.42" in (packet.source, packet.destination)]
