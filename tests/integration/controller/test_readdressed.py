"""A subnet gets another CIDR as playbook change_cidr does it: while the controller is paused, then all in one go."""

from __future__ import annotations

import json

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.fabric import Fabric

pytestmark = pytest.mark.asyncio
PODS = [pod(f"w{n}", node="h1") for n in range(20)]
OLD, NEW = "10.66.", "10.67."


async def _pause(made: Fabric, paused: bool) -> None:
    await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"paused": paused}}])


async def _addresses(made: Fabric) -> dict[str, str]:
    found = {ref: record for ref, record in (await made.records()).items() if ref.startswith("IP/")}
    return {ref.removeprefix("IP/"): json.loads(record.spec)["ipAddress"] for ref, record in found.items()}


async def _free(made: Fabric) -> None:
    """The reservations of pods go, as the playbook takes them away."""
    await _pause(made, True)
    await made.delete(*(f"IP/{name}" for name in await _addresses(made) if name.startswith("w")))


async def _told(made: Fabric) -> dict[str, tuple[str, str]]:
    """What a host is told of each pod, and OVN: their addresses."""
    ports = {row["name"]: ",".join(row["addresses"]) for row in await made.rows("Port")}
    switched = {row["name"]: row["addresses"][0] for row in await made.rows("Logical_Switch_Port") if row["addresses"]}
    return {name: (address, ",".join(switched[name].split()[1:])) for name, address in ports.items()}


@pytest.mark.parametrize("restarted", [False, True])
async def test_all_addresses_change_at_once(made: Fabric, restarted: bool) -> None:
    """Also when the controller that was paused is another one than the one that goes on."""
    await made.add_host("h1")
    async with made.controller() as controller:
        assert await made.apply(join(NAMESPACES, SUBNET, *PODS)) == []
        await made.settled(controller)
        wanted = SUBNET.replace(OLD, NEW)
        await _free(made)
        assert await made.apply(wanted) == []
        await made.settled(controller)
        assert all(address.startswith(OLD) for address, _ in (await _told(made)).values()), "paused"
        if not restarted:
            await _pause(made, False)
            await made.settled(controller)
            await _check(made)
    if restarted:
        await _pause(made, False)
        async with made.controller():
            await _check(made)


async def _check(made: Fabric) -> None:
    told = await _told(made)
    assert len({address for address, _ in told.values()}) == len(PODS)
    assert all(address.startswith(NEW) and address == switched for address, switched in told.values()), told


async def test_who_goes_on_unchanged_has_the_addresses_of_before(made: Fabric) -> None:
    await made.add_host("h1")
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS))
        await made.settled(controller)
        before = await _addresses(made)
        await _free(made)
        await made.settled(controller)
        await _pause(made, False)
        await made.settled(controller)
        assert await _addresses(made) == before
