"""A node's network is told to the scheduler: condition and taint on a real API, in both directions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.kubernetes.test_store import Cluster, cluster, kube
from weft.controller import readiness
from weft.store.kube_nodes import TAINT
from weft.topology.settings import Settings

__all__ = ["cluster", "kube"]
OTHER = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "DOWN", 0.5)
    monkeypatch.setattr(readiness, "UP", 0.2)


def network(cluster: Cluster, name: str) -> tuple[str, str, list[dict[str, Any]]]:
    """Status and reason of the condition, and those taints that are of interest: the API makes one of its own."""
    node = cluster.get("node", name)
    conditions = {item["type"]: item for item in node["status"].get("conditions", ())}
    condition = conditions["NetworkUnavailable"]
    return (
        condition["status"],
        condition["reason"],
        [taint for taint in node["spec"]["taints"] if taint in (OTHER, TAINT)],
    )


async def set_host(cluster: Cluster, name: str, **columns: Any) -> None:
    update = {"op": "update", "table": "Host_Status", "where": [["name", "==", name]], "row": columns}
    await cluster.made.client.commit([update])


def node(cluster: Cluster, name: str) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": [OTHER]}})
    patch = '{"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","message":""}]}}'
    cluster.kube.kubectl("patch", "node", name, "--subresource=status", "--type=strategic", f"--patch={patch}")


async def test_condition_and_taint_follow_the_host(cluster: Cluster) -> None:
    node(cluster, "n1")
    node(cluster, "without-agent")
    up = ("False", "NetworkReady", [OTHER])
    down = ("True", "NetworkNotReady", [OTHER, TAINT])
    async with cluster.made.controller():
        await cluster.made.add_host("n1")
        await cluster.until(lambda: network(cluster, "n1") == up, what="the network is there")

        problems = ["map", [["ovn-controller", "is not connected"], ["port/web.default", "no answer"]]]
        await set_host(cluster, "n1", ready=False, problems=problems)
        await cluster.until(lambda: network(cluster, "n1") == down, what="the network is not there")
        conditions = cluster.get("node", "n1")["status"]["conditions"]
        told = {item["type"]: item.get("message", "") for item in conditions}
        assert told["NetworkUnavailable"] == "weft-agent of n1 says: ovn-controller: is not connected"
        assert "Ready" in told, "the kubelet's own conditions stay"

        cluster.kube.kubectl("taint", "node", "n1", f"{TAINT['key']}-")
        await cluster.until(lambda: network(cluster, "n1") == down, what="put right again")
    async with cluster.made.controller("c2"):
        await set_host(cluster, "n1", ready=True)
        await cluster.until(lambda: network(cluster, "n1") == up, what="the network is back")
    assert "NetworkUnavailable" not in str(cluster.get("node", "without-agent")["status"])


async def test_a_silent_host_counts_as_not_ready(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "SILENT", 2.0)
    node(cluster, "n2")
    async with cluster.made.controller():
        await cluster.made.add_host("n2")
        await cluster.until(lambda: network(cluster, "n2")[0] == "False")
        await cluster.until(lambda: network(cluster, "n2") == ("True", "HostSilent", [OTHER, TAINT]))
        await set_host(cluster, "n2", last_seen=1)
        await cluster.until(lambda: network(cluster, "n2") == ("False", "NetworkReady", [OTHER]))


async def test_where_another_plugin_has_the_default_network_nodes_are_its_affair(cluster: Cluster) -> None:
    node(cluster, "n3")
    config = cluster.made.config
    cluster.made.config = lambda name="c1": replace(config(name), network=Settings(primary=False))  # type: ignore[method-assign]
    async with cluster.made.controller():
        await cluster.made.add_host("n3")
        await asyncio.sleep(2.5)
    assert "NetworkUnavailable" not in str(cluster.get("node", "n3")["status"])
