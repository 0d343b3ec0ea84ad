"""What must never happen: lost or doubled addresses, writes of a stale controller, deletions by half a view."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.fabric import Fabric
from tests.support.ovn import ROOT
from weft.controller.main import Controller
from weft.ovsdb.errors import FencedError

pytestmark = pytest.mark.asyncio
PODS = [pod(f"w{n}", node=f"h{n % 3}") for n in range(200)]


def _sizes(made: Fabric) -> dict[str, int]:
    """Bytes of the databases' logs: every transaction makes one longer."""
    return {name: (made.ovn.folder / name / "db").stat().st_size for name in ("nb", "weft")}


async def _start(made: Fabric, folder: Path) -> asyncio.subprocess.Process:
    """A controller in a process of its own, to be killed."""
    file = folder / "controller.toml"
    file.write_text(
        f'name = "c1"\n[weft]\nremote = "{made.ovn.weft}"\n'
        f'[northbound]\nremote = "{made.ovn.northbound}"\n[metrics]\nlisten = ""\n'
    )
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "weft.controller.main",
        "--config",
        str(file),
        env={**os.environ, "PYTHONPATH": str(ROOT / "services")},
    )


async def _check_nothing_is_lost_or_doubled(made: Fabric, pods: int) -> None:
    records = await made.records()
    assert sum(ref.startswith("Pod/") for ref in records) == pods
    reserved = {
        ref.removeprefix("IP/"): json.loads(r.spec)["ipAddress"] for ref, r in records.items() if ref.startswith("IP/")
    }
    assert len(reserved) == pods
    assert not [address for address, count in Counter(reserved.values()).items() if count > 1]
    ports = {row["name"]: row["addresses"] for row in await made.rows("Port")}
    assert ports == {name: [address] for name, address in reserved.items()}
    switch_ports = {
        row["name"]: row["addresses"][0].split()[1]
        for row in await made.rows("Logical_Switch_Port")
        if row["type"] != "router"
    }
    assert switch_ports == reserved


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.3, 0.6])
async def test_killed_in_the_middle_of_200_pods(made: Fabric, tmp_path: Path, moment: float) -> None:
    process = await _start(made, tmp_path)
    while not (await made.records()).get("Subnet/join"):
        await asyncio.sleep(0.02)
    await made.apply(join(NAMESPACES, SUBNET))
    creating = asyncio.ensure_future(_create_slowly(made))
    await asyncio.sleep(moment)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await creating
    async with made.controller():
        await _check_nothing_is_lost_or_doubled(made, 200)


async def _create_slowly(made: Fabric) -> None:
    for start in range(0, len(PODS), 10):
        await made.apply(join(*PODS[start : start + 10]))


async def test_restart_with_nothing_changed_writes_nothing(made: Fabric) -> None:
    await made.add_host("h1")
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:20]))
        await made.settled(controller)
    before, content = _sizes(made), await made.content()
    controller = Controller(made.config())
    task = asyncio.ensure_future(controller.serve())
    while controller.term is None:
        await asyncio.sleep(0.01)
    await controller.term.settled.wait()
    assert _sizes(made) == before
    assert await made.content() == content
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_emptied_store_is_an_error_and_not_a_wish(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:20]))
        await made.settled(controller)
    await made.client.commit([{"op": "delete", "table": "Object", "where": []}])
    before = await made.content()
    async with made.controller(settled=False):
        await _until_alarm(made, "store")
        after = await made.content()
    assert {t: rows for t, rows in before.items() if t != "Fabric"} == {
        t: rows for t, rows in after.items() if t != "Fabric"
    }


async def test_a_store_emptied_under_a_running_leader_deletes_nothing(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:20]))
        await made.settled(controller)
        before = await made.rows("Logical_Switch_Port")
        await made.client.commit([{"op": "delete", "table": "Object", "where": []}])
        await asyncio.sleep(1)
        assert await made.rows("Logical_Switch_Port") == before


async def test_another_fabrics_northbound_is_refused(made: Fabric) -> None:
    made.ovn.nbctl("set", "NB_Global", ".", "external_ids:weft-fabric=11111111-1111-1111-1111-111111111111")
    before = await made.content()
    async with made.controller(settled=False):
        await _until_alarm(made, "fabric")
        after = await made.content()
    assert {t: rows for t, rows in before.items() if t != "Fabric"} == {
        t: rows for t, rows in after.items() if t != "Fabric"
    }


async def _until_alarm(made: Fabric, key: str) -> str:
    async with asyncio.timeout(10):
        while key not in (await made.fabric_row())["alarms"]:
            await asyncio.sleep(0.02)
    return str((await made.fabric_row())["alarms"][key])


async def test_a_stale_leader_writes_nothing(made: Fabric) -> None:
    """It still believes to lead (locks are per server, two members may each give one); the epoch says otherwise."""
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:5]))
        await made.settled(controller)
        term = controller.term
        assert term is not None, "it does not lead"
        wanted = term.engine.compile("Pod/ns1/w0")
        epoch = (await made.fabric_row())["epoch"]
        raised = {"weft-epoch": str(epoch + 1)}
        await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"epoch": epoch + 1}}])
        made.ovn.nbctl("set", "NB_Global", ".", *(f"external_ids:{key}={value}" for key, value in raised.items()))
        before = await made.content()
        for writer, rows in ((term._worker.northbound, wanted.northbound), (term._worker.weft, wanted.weft)):
            changed = [
                type(row)(row.table, row.owner, {**row.columns, "name": "stolen"}, row.key, row.parent) for row in rows
            ]
            with pytest.raises(FencedError, match=f"the fabric is at {epoch + 1}"):
                await writer.apply({"Pod/ns1/w0": changed})
        assert await made.content() == before


async def test_the_next_controller_takes_over(made: Fabric) -> None:
    async with made.controller("c1") as first:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:5]))
        await made.settled(first)
        async with made.controller("c2", settled=False) as second:
            await asyncio.sleep(0.3)
            assert second.term is None, "one leads"
            await first.weft.close()
            await made.settled(second)
            await made.apply(join(*PODS[5:10]))
            await made.settled(second)
            await _check_nothing_is_lost_or_doubled(made, 10)
            assert (await made.fabric_row())["leader"] == "c2"


async def test_many_missing_objects_wait_for_approval(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS))
        await made.settled(controller)
    await made.delete(*(f"Pod/ns1/w{n}" for n in range(120)))
    async with made.controller() as controller:
        alarm = await _until_alarm(made, "held/Pod")
        assert "120 of 200 Pod" in alarm
        assert len(await made.rows("Port")) == 200
        assert sum(ref.startswith("IP/") for ref in await made.records()) == 200
        await made.apply(pod("another"))
        await made.settled(controller)
        assert len(await made.rows("Port")) == 201, "the rest keeps working"

        digest = alarm.rsplit(maxsplit=1)[-1]
        await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"approved": digest}}])
        await made.settled(controller)
        await _check_nothing_is_lost_or_doubled(made, 81)
        assert "held/Pod" not in (await made.fabric_row())["alarms"]


async def test_few_missing_objects_are_deleted(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS))
        await made.settled(controller)
    await made.delete(*(f"Pod/ns1/w{n}" for n in range(30)))
    async with made.controller():
        await _check_nothing_is_lost_or_doubled(made, 170)


async def test_paused_means_that_nothing_is_written(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(NAMESPACES)
        await made.settled(controller)
        await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"paused": True}}])
        await made.apply(join(SUBNET, *PODS[:5]))
        await made.settled(controller)
        assert [row["name"] for row in await made.rows("Port")] == []
        assert "subnet1" not in [row["name"] for row in await made.rows("Logical_Switch")]
        await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"paused": False}}])
        await made.settled(controller)
        await _check_nothing_is_lost_or_doubled(made, 5)


async def test_rows_of_others_are_left_alone_and_drift_is_repaired(made: Fabric) -> None:
    made.ovn.nbctl("ls-add", "neutron-1", "--", "lsp-add", "neutron-1", "vm1")
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:3]))
        await made.settled(controller)
        before = await made.content()
        made.ovn.nbctl("lsp-set-addresses", "w0.ns1", "0a:00:00:00:00:01 10.66.9.9")
        made.ovn.nbctl("lsp-del", "w1.ns1")
        made.ovn.nbctl(
            "set", "Logical_Switch", "subnet1", "external_ids:neutron=mine", "other_config:mcast_table_size=100"
        )
        await _until(lambda: _equal_but_for_the_operators_keys(made, before))
        await made.settled(controller)
        switch = next(row for row in await made.rows("Logical_Switch") if row["name"] == "subnet1")
        assert switch["external_ids"]["neutron"] == "mine"
        assert switch["other_config"] == {"mcast_table_size": "100"}
        assert "vm1" in [row["name"] for row in await made.rows("Logical_Switch_Port")]


async def _equal_but_for_the_operators_keys(made: Fabric, before: dict[str, list[str]]) -> bool:
    after = await made.content()
    return before["Logical_Switch_Port"] == after["Logical_Switch_Port"]


async def _until(holds: object, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # type: ignore[operator]
            await asyncio.sleep(0.05)


async def test_what_the_server_refuses_spoils_nothing_else(made: Fabric) -> None:
    """Somebody else has a port of the name that ours wants: it alone is refused, and says why."""
    made.ovn.nbctl("ls-add", "other", "--", "lsp-add", "other", "w3.ns1")
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, *PODS[:10]))
        await made.settled(controller)
        ours = [
            row["name"] for row in await made.rows("Logical_Switch_Port") if row["external_ids"].get("ls") == "subnet1"
        ]
        assert len([name for name in ours if name.endswith(".ns1")]) == 9
        condition = (await made.status("Pod/ns1/w3"))["conditions"][0]
        assert (condition["status"], condition["reason"]) == ("False", "Refused")
        assert "constraint violation" in condition["message"]
        assert "refused/Pod/ns1/w3" in (await made.fabric_row())["alarms"]
