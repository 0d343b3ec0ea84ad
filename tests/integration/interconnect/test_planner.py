"""Rows of an interconnection in a fabric that a controller runs: it compares everything and leaves them alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, VPCS, join, pod
from tests.support.fabric import Fabric
from tests.support.interconnect import Interconnection
from tests.support.module import succeeded

pytestmark = pytest.mark.asyncio
TABLES = (
    "Logical_Switch", "Logical_Switch_Port", "Logical_Router_Port", "Logical_Router_Policy", "Gateway_Chassis",
    "Logical_Router_Static_Route", "NB_Global",
)  # fmt: skip
ITEM = {
    "name": "ts1",
    "cidrs": ["169.254.1.0/24"],
    "routers": [{"name": "ovn-cluster", "addresses": ["169.254.1.1"], "gateways": [{"chassis": "h1"}]}],
}


def rows(made: Fabric) -> dict[str, Any]:
    """All rows without the controller's mark. What counts transactions is left out."""
    found = {}
    for table in TABLES:
        columns = "--columns=name,options" if table == "NB_Global" else ""
        answer = json.loads(made.ovn.nbctl("--format=json", *filter(None, [columns]), "list", table))
        found[table] = sorted(text for row in answer["data"] if "weft-owner" not in (text := json.dumps(row)))
    return found


async def test_a_controller_leaves_interconnects_alone(translated: Fabric) -> None:
    made = translated
    with Interconnection() as joined:
        joined.start_ic(made.ovn)
        remotes = joined.remotes(made.ovn)
        zone = {"name": "az1", "advertise": True, "learn": True}
        async with made.controller() as controller:
            await made.apply(join(NAMESPACES, SUBNET, VPCS, pod("w1")))
            await made.settled(controller)
            await asyncio.to_thread(succeeded, "interconnects", **remotes, zone=zone, config=[ITEM])
            made.ovn.nbctl("--wait=sb", "sync")
            before = rows(made)
            assert "az1-ts1" in "".join(before["Logical_Router_Port"])
            await made.apply(join(pod("w2")))
            await made.delete("Pod/ns1/w1")
            await made.settled(controller)
            assert rows(made) == before
        async with made.controller("c2") as controller:
            await made.settled(controller)
            assert rows(made) == before
            again = await asyncio.to_thread(succeeded, "interconnects", **remotes, config=[ITEM], state="overridden")
            assert again["changed"] is False
            await asyncio.to_thread(succeeded, "interconnects", **remotes, config=[], state="overridden")
            await made.settled(controller)
            assert "ts1" not in made.ovn.nbctl("show")
            assert "ovn-cluster-ovn-default" in made.ovn.nbctl("show"), "what is the controller's stays"
