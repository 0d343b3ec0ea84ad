"""Rates of interfaces that no host can queue: OVN's meters, in a real Northbound."""

from __future__ import annotations

import json

import pytest

from tests.integration.controller.documents import NAMESPACES, join, pod
from tests.support.fabric import Fabric

pytestmark = pytest.mark.asyncio
PROVIDER = "fast.default.ovn"
NETWORK = f"""
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {{name: fast, namespace: default}}
spec: {{config: '{{"type": "kube-ovn", "provider": "{PROVIDER}", "device_type": "vf"}}'}}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {{name: fast}}
spec: {{cidrBlock: 172.17.0.0/16, provider: {PROVIDER}}}
"""


def meters(made: Fabric) -> dict[str, tuple[str, int]]:
    """Direction and rate by match, of the rules that the switch has."""
    said = json.loads(made.ovn.nbctl("--format=json", "--columns=_uuid,match,direction,bandwidth", "list", "QoS"))
    held = made.ovn.nbctl("--bare", "get", "Logical_Switch", "fast", "qos_rules")
    rows = {uuid[1]: (match, direction, dict(band[1])["rate"]) for uuid, match, direction, band in said["data"]}
    assert all(uuid in held for uuid in rows)
    return {match: (direction, rate) for match, direction, rate in rows.values()}


async def test_meters_come_change_and_go_with_the_annotation(made: Fabric) -> None:
    wishes = {"k8s.v1.cni.cncf.io/networks": "default/fast"}
    port = f'"web.ns1.{PROVIDER}"'
    async with made.controller() as controller:

        async def ask(**rates: str) -> dict[str, tuple[str, int]]:
            more = {f"{PROVIDER}.kubernetes.io/{name}": text for name, text in rates.items()}
            assert await made.apply(pod("web", **wishes, **more)) == []
            await made.settled(controller)
            return meters(made)

        assert await made.apply(join(NAMESPACES, NETWORK)) == []
        assert await ask(ingress_rate="20", egress_rate="2.5") == {
            f"outport == {port}": ("to-lport", 20000),
            f"inport == {port}": ("from-lport", 2500),
        }
        assert await ask(ingress_rate="30") == {f"outport == {port}": ("to-lport", 30000)}
    before = made.ovn.nbctl("--columns=_uuid", "list", "QoS")
    async with made.controller() as controller:
        await made.settled(controller)
        assert made.ovn.nbctl("--columns=_uuid", "list", "QoS") == before, "a restart changes nothing"
        await made.delete("Pod/ns1/web")
        await made.settled(controller)
        assert meters(made) == {}
