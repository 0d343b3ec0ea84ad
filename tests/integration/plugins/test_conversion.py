"""A running cluster gets a newer schema: it is converted, and who follows it goes on with the new columns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.modules import ovsdb_rows
from tests.support.agent import AgentHost
from tests.support.ovn import WEFT_SCHEMA, OvnSandbox
from tests.support.raft import RaftCluster
from weft.agent import view
from weft.ovsdb.database import Database, RowChange

PORT = {"name": "a.ns", "host": "h1", "pod_name": "a", "pod_namespace": "ns", "subnet": "blue", "device_type": "veth"}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The schema as it was before pods had several networks."""
    schema = json.loads(WEFT_SCHEMA.read_text())
    for column in ("provider", "routes", "default_route"):
        del schema["tables"]["Port"]["columns"][column]
    path = tmp_path / "before.ovsschema"
    path.write_text(json.dumps({**schema, "version": "1.0.0"}))
    return path


@pytest.fixture
def ovn() -> Iterator[OvnSandbox]:
    with OvnSandbox() as made:
        yield made


def convert(remote: str) -> Any:
    """What the role does on one member."""
    parameters = {"socket": remote.removeprefix("unix:"), "database": "Weft", "schema": str(WEFT_SCHEMA)}
    return ovsdb_rows.convert(parameters, True)


def insert(ovn: OvnSandbox, remote: str, row: dict[str, Any]) -> None:
    answer = json.loads(ovn.transact(remote, json.dumps(["Weft", {"op": "insert", "table": "Port", "row": row}])))
    assert "error" not in answer[0], answer


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("place", [0, 2], ids=["by the leader", "by a follower"])
async def test_a_cluster_is_converted_under_a_replica_that_goes_on(ovn: OvnSandbox, before: Path, place: int) -> None:
    remotes = RaftCluster.start(ovn, "Weft", before).remotes
    insert(ovn, remotes[0], PORT)
    changes: list[RowChange] = []
    connections: list[bool] = []
    database = Database(
        "Weft", ",".join(remotes), view.COLUMNS, conditions=view.conditions("h1"), on_change=changes.extend,
        on_connection=connections.append,
    )  # fmt: skip
    await database.start(20)
    await until(lambda: changes)
    assert "provider" not in changes[0].row

    version = json.loads(WEFT_SCHEMA.read_text())["version"]
    assert convert(remotes[place]) == ["1.0.0", version]
    await until(lambda: any("provider" in change.row for change in changes))
    assert changes[0].uuid == changes[-1].uuid
    assert {change.op for change in changes[1:]} == {"update"}, "nothing came or went"
    for remote in remotes:
        assert convert(remote) is None, "converted once"

    assert connections[-1]
    insert(ovn, remotes[0], {**PORT, "name": "a.ns.n.ns.ovn", "provider": "n.ns.ovn"})
    await until(lambda: changes[-1].op == "insert")
    assert changes[-1].row["provider"] == "n.ns.ovn"
    mutation = {"op": "update", "table": "Port", "where": [["name", "==", "a.ns"]], "row": {"default_route": True}}
    await database.commit([mutation])
    await until(lambda: changes[-1].row.get("default_route") is True)
    await database.close()


def test_rows_that_vanish_with_the_old_replica_are_deletes(ovn: OvnSandbox, before: Path) -> None:
    """A member is down while another controller removes a row and the cluster is converted."""

    async def follow() -> list[RowChange]:
        changes: list[RowChange] = []
        database = Database("Weft", ovn.weft, view.COLUMNS, on_change=changes.extend)
        await database.start(20)
        await until(lambda: changes)
        daemon.kill()
        await until(lambda: not database.connected)
        other = ovn.folder / "other"
        other.mkdir()
        file = str(ovn.folder / "weft/db")
        arguments = [f"--remote=punix:{other}/db.sock", f"--unixctl={other}/db.ctl", file]
        elsewhere = ovn.daemon("ovsdb-server", other, *arguments)
        remote = f"unix:{other}/db.sock"
        ovn.transact(remote, '["Weft", {"op": "delete", "table": "Port", "where": []}]')
        assert convert(remote)
        elsewhere.kill()
        ovn.start_weft()
        await until(lambda: changes[-1].op == "delete")
        insert(ovn, ovn.weft, {**PORT, "provider": "ovn"})
        await until(lambda: changes[-1].row.get("provider") == "ovn")
        await database.close()
        return changes

    daemon = ovn.start_weft(before)
    insert(ovn, ovn.weft, PORT)
    assert [change.op for change in asyncio.run(follow())] == ["insert", "delete", "insert"]


def test_an_agent_serves_further_networks_once_the_database_knows_them(ovn: OvnSandbox, before: Path) -> None:
    ovn.start_northbound()
    ovn.start_southbound()
    ovn.start_weft(before)
    ovn.start_northd()
    ovn.nbctl("ls-add", "blue")
    agent = AgentHost(ovn, ovn.start_ovs("h1"), add_timeout=5)
    agent.rows.insert("Subnet", name="blue", cidrs=["10.16.0.0/16"], gateways=["10.16.0.1"], mtu=1400)
    try:
        agent.start()
        pod = agent.pod("old")
        row = agent.port_row(pod, "blue", "0a:00:00:00:00:02", "10.16.0.2")
        further = agent.port_row(pod, "blue", "0a:00:00:00:00:03", "10.16.0.3", provider="n.default.ovn")
        for item in (row, further):
            ovn.nbctl("lsp-add", "blue", item["name"], "--", "lsp-set-addresses", item["name"], item["mac"])
        known = {name: value for name, value in row.items() if name not in ("provider", "default_route")}
        agent.rows.insert("Port", **known)
        assert agent.add(pod)["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.16.0.1"}]

        assert convert(ovn.weft)
        assert agent.request("CHECK", pod) == (0, {}), "a row of before is still the default network"
        agent.rows.insert("Port", **further)
        answer = agent.add(pod, ifname="net1", type="kube-ovn", provider="n.default.ovn")
        assert (answer["ips"][0]["address"], answer["routes"]) == ("10.16.0.3/16", [])
    finally:
        agent.close()
