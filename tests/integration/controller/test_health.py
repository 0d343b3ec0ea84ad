"""What the pages of a running controller say while databases come and go, and that refused rows are tried again."""

from __future__ import annotations

import asyncio
import re
import signal

from prometheus_client import REGISTRY

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.fabric import Fabric
from weft.controller.main import Controller
from weft.health import Health


def _page(health: Health, path: str) -> tuple[int, str]:
    found = health.answer(path)
    assert found is not None
    return found


async def _until_says(health: Health, text: str, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while text not in _page(health, "/readyz")[1]:
            await asyncio.sleep(0.02)


async def test_ready_means_connected(made: Fabric) -> None:
    before = Controller(made.config("never-started"))
    status, text = _page(before.health, "/readyz")
    assert status == 503
    assert "not ready: database Weft: not connected to unix:" in text
    async with made.controller() as controller:
        assert _page(controller.health, "/healthz") == (200, "ok\n")
        assert _page(controller.health, "/readyz") == (200, "ok\nleading, 0 owners to do\n")
        async with made.controller("c2", settled=False) as second:
            await _until_says(second.health, "ok\nstanding by\n")
        await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"paused": True}}])
        await made.settled(controller)
        status, text = _page(controller.health, "/readyz")
        assert (status, text.splitlines()[-1]) == (200, "paused: nothing is committed until weftctl resume")


async def test_a_database_that_goes_away_is_named(made: Fabric) -> None:
    async with made.controller() as controller:
        northbound = next(daemon for daemon in made.ovn.daemons if daemon.rundir.name == "nb")
        northbound.kill(signal.SIGKILL)
        await _until_says(controller.health, "not ready: database OVN_Northbound: not connected")
        assert _page(controller.health, "/healthz")[0] == 200, "a restart would not help"
        made.ovn.start_northbound()
        await _until_says(controller.health, "ok\nleading")


async def test_what_was_refused_is_tried_again_by_itself(made: Fabric) -> None:
    made.ovn.nbctl("ls-add", "other", "--", "lsp-add", "other", "w1.ns1")
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("w0"), pod("w1")))
        await made.settled(controller)
        ready, retrying = (await made.status("Pod/ns1/w1"))["conditions"]
        assert ready["reason"] == "Refused"
        assert (retrying["type"], retrying["status"]) == ("Retrying", "True")
        assert re.match(r"refused \d times, the next try is at 20\d\d-", retrying["message"])
        assert controller.term is not None
        made.ovn.nbctl("lsp-del", "w1.ns1")
        async with asyncio.timeout(10):
            while (await made.status("Pod/ns1/w1"))["conditions"][0]["type"] != "Allocated":
                await asyncio.sleep(0.1)
        assert len(controller.term._worker.retries.refusals) == 0
        await made.settled(controller)
        assert "refused/Pod/ns1/w1" not in (await made.fabric_row())["alarms"]


async def test_metrics_of_a_fabric(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *(pod(f"w{n}") for n in range(7))))
        await made.settled(controller)
        labels = {"subnet_name": "subnet1", "protocol": "IPv4", "subnet_cidr": "10.66.0.0/16"}
        assert REGISTRY.get_sample_value("subnet_used_ip_count", labels) == 7
        free = REGISTRY.get_sample_value("subnet_available_ip_count", labels)
        assert free == 65534 - 10 - 51 - 7
        assert REGISTRY.get_sample_value("weft_controller_queue_depth") == 0
        assert (REGISTRY.get_sample_value("weft_controller_commit_latency_seconds_count", {"kind": "Pod"}) or 0) >= 7
        lag = REGISTRY.get_sample_value("weft_controller_replica_lag_seconds", {"database": "Weft"})
        assert lag is not None
        assert 0 <= lag < 15
        assert REGISTRY.get_sample_value("weft_controller_connected", {"database": "OVN_Northbound"}) == 1
    assert REGISTRY.get_sample_value("subnet_used_ip_count", labels) is None, "it leads no more"
