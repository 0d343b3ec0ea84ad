"""weftctl events: hosts, gateways, addresses and certificates, from real databases and a controller."""

from __future__ import annotations

import time
from typing import Any

from tests.integration.controller.documents import NAMESPACES, join, pod
from tests.support.ctl import Weftctl
from tests.support.fabric import Fabric

DAY = 86400
SMALL = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: small}
spec: {cidrBlock: 10.88.0.0/30, gatewayType: centralized, gatewayNode: "h1,h2", namespaces: [ns1]}
"""


async def test_what_holds_is_told_at_once_and_a_gateway_that_moves_when_it_does(translated: Fabric) -> None:
    made = translated
    now = int(time.time())
    times = {"ready": True, "last_seen": now, "heartbeat": 30}
    async with made.controller() as controller:
        await made.add_host("h1", **times, certificate_expires=now + 3 * DAY)
        await made.add_host("h2", **times)
        await made.add_host("gone", **{**times, "last_seen": now - 1000})
        await made.apply(join(NAMESPACES, SMALL, pod("web")))
        await made.settled(controller)
        async with Weftctl(made.ovn).lines("events", "--interval", "0.3", "--hold", "0", "-o", "json") as event:
            held: dict[str, Any] = {}
            while held.keys() != {"watching", "certificate_ending", "host_lost", "addresses_low"}:
                item = await event()
                held[item["type"]] = item
            assert (held["certificate_ending"]["host"], held["host_lost"]["host"]) == ("h1", "gone")
            low = held["addresses_low"]
            assert (low["kind"], low["name"], low["used"], low["available"]) == ("Subnet", "small", 1, 0)
            row = {"ready": False, "problems": ["map", [["ovs", "it does not answer"]]], "last_seen": int(time.time())}
            where = [["name", "==", "h1"]]
            await made.client.commit([{"op": "update", "table": "Host_Status", "where": where, "row": row}])
            moved = {}
            while moved.keys() != {"host_not_ready", "gateway_changed"}:
                item = await event()
                moved[item["type"]] = item
            assert moved["host_not_ready"]["problems"] == {"ovs": "it does not answer"}
            assert moved["gateway_changed"]["about"] == "Subnet/small"
            assert (moved["gateway_changed"]["before"], moved["gateway_changed"]["after"]) == (["h1"], ["h2"])
