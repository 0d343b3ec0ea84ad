"""What a node's annotations say of its tunnels reaches its host, as `kubectl annotate` writes it on a real API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.integration.kubernetes.test_store import PREFIX, Cluster, cluster, kube

__all__ = ["cluster", "kube"]


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await look():
            await asyncio.sleep(0.05)


async def told(cluster: Cluster) -> tuple[Any, Any]:
    rows = [row for row in await cluster.made.rows("Host") if row["name"] == "t1"]
    return (rows[0]["tunnel_interface"], rows[0]["networks"]) if rows else (None, None)


async def says(cluster: Cluster, interface: str, networks: dict[str, str]) -> bool:
    return await told(cluster) == (interface, networks)


async def alarmed(cluster: Cluster) -> bool:
    return "rejected/Node/t1" in (await cluster.made.fabric_row())["alarms"]


async def test_annotations_of_a_node_reach_its_host(cluster: Cluster) -> None:
    async with cluster.made.controller() as controller:
        await cluster.made.add_host("t1")
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "t1"}})
        await cluster.until(lambda: cluster.get("node", "t1")["metadata"]["annotations"][f"{PREFIX}ip_address"])
        assert await told(cluster) == ("", {})

        def annotate(*pairs: str) -> None:
            cluster.kube.kubectl("annotate", "node", "t1", "--overwrite", *(f"{PREFIX}{pair}" for pair in pairs))

        storage = '{"storage": "192.168.100.10", "app": "172.16.0.10"}'
        annotate(f"node_networks={storage}", "tunnel_interface=eth1")
        networks = {"storage": "192.168.100.10", "app": "172.16.0.10"}
        await eventually(lambda: says(cluster, "eth1", networks))

        annotate('node_networks={"storage": "192.168.100"}', "tunnel_interface=eth2")
        await eventually(lambda: alarmed(cluster))
        assert await told(cluster) == ("eth1", networks), "what was in effect stays"

        annotate("node_networks-", "tunnel_interface=eth2")
        await eventually(lambda: says(cluster, "eth2", {}))
        await cluster.made.settled(controller)
        assert not await alarmed(cluster)
