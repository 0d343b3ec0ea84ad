"""status, pause, resume, approve, and what is said when a database does not answer."""

from __future__ import annotations

import json
import socket
import time

from tests.support.ctl import ROOT, Weftctl
from tests.support.fabric import Fabric

EXAMPLES = str(ROOT / "docs/examples")


async def test_status_of_a_well_fabric(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.add_host("lab1", last_seen=int(time.time()), encap_type="geneve", encap_ip="192.0.2.1")
        await made.settled(controller)
        said = await ctl("status", "--exit-code")
        assert said.code == 0
        assert f"fabric {made.uid}: well   leader c1, epoch 1" in said.lines
        assert any(line.startswith("lab1  yes") and "geneve 192.0.2.1" in line for line in said.lines)
        assert sum("standalone" in line for line in said.lines) == 2


async def test_status_names_what_is_wrong_and_what_to_do(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        problems = ["map", [["port/web.default", "no such bridge: br-int"]]]
        await made.add_host("lab1", last_seen=int(time.time()) - 600, problems=problems)
        small = "kind: Subnet\napiVersion: kubeovn.io/v1\nmetadata: {name: small}\nspec: {cidrBlock: 10.9.0.0/30}"
        await ctl("apply", "-f", "-", stdin=small)
        await ctl("endpoint", "add", "web", "--host", "lab1", "--subnet", "small", "--no-wait")
        await made.settled(controller)
        said = await ctl("status", "--exit-code")
        assert said.code == 1
        for text in (
            "needs attention",
            "10m ago",
            "lab1 port/web.default: no such bridge: br-int",
            "nearly full Subnet/small IPv4: 1 of 1 addresses in use, 0 left",
            "1 Pod (1 not ready)",
            "Pod/default/web PortDown",
        ):
            assert text in said.out
        report = (await ctl("status", "-o", "json")).document
        assert report["hosts"][0]["silent"] is True
        assert report["healthy"] is False


async def test_pause_holds_and_resume_goes_on(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        assert (await ctl("pause", "--reason", "upgrade")).code == 0
        assert (await ctl("pause")).lines == ["paused already"]
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
        assert len(await made.rows("Logical_Switch")) == 2
        shown = (await ctl("status")).out
        assert "PAUSED" in shown
        assert "paused: upgrade; go on with: weftctl resume" in shown
        assert (await ctl("resume")).lines == ["resumed"]
        await made.settled(controller)
        assert len(await made.rows("Logical_Switch")) == 6
        assert "PAUSED" not in (await ctl("status")).out


async def test_objects_are_not_written_where_nobody_reads_them(made: Fabric) -> None:
    """The controller of a fabric on Kubernetes says so in the fabric's row when it first starts."""
    ctl = Weftctl(made.ovn)
    async with made.controller():
        assert (await made.fabric_row())["external_ids"]["store"] == "fabric"
    mutations = [["external_ids", "delete", ["set", ["store"]]]]
    mutations.append(["external_ids", "insert", ["map", [["store", "kubernetes"]]]])
    await made.client.commit([{"op": "mutate", "table": "Fabric", "where": [], "mutations": mutations}])
    before = await made.records()
    for words in (
        ("apply", "-f", EXAMPLES),
        ("delete", "subnet", "ovn-default"),
        ("endpoint", "add", "a", "--host", "h1"),
    ):
        said = await ctl(*words)
        assert said.code == 1
        assert "this fabric has its objects from a Kubernetes API: write them with kubectl" in said.err
    assert await made.records() == before


async def test_approve_only_what_is_held(made: Fabric) -> None:
    """Sixty objects vanish while no controller looks; it holds their deletion until just that is approved."""
    ctl = Weftctl(made.ovn)
    names = [f"s{number}" for number in range(60)]
    subnets = "\n---\n".join(
        f"kind: Subnet\napiVersion: kubeovn.io/v1\nmetadata: {{name: {name}}}\nspec: {{cidrBlock: 10.200.{n}.0/24}}"
        for n, name in enumerate(names)
    )
    async with made.controller() as controller:
        assert (await ctl("apply", "-f", "-", stdin=subnets)).code == 0
        await made.settled(controller)
    await made.delete(*(f"Subnet/{name}" for name in names))
    async with made.controller("c2") as controller:
        said = await ctl("approve", "abc")
        assert said.code == 1
        assert "60 of" in said.err
        alarm = json.loads((await ctl("status", "-o", "json")).out)["alarms"]["held/Subnet"]
        digest = alarm.rsplit(" ", 1)[1]
        assert (await ctl("approve", digest)).code == 0
        await made.settled(controller)
        assert len(await made.rows("Logical_Switch")) == 2
        assert "nothing waits for approval" in (await ctl("approve", digest)).err


async def test_an_unreachable_database_is_named_with_every_remote_tried(made: Fabric) -> None:
    ctl = Weftctl(made.ovn, weft="tcp:127.0.0.1:1,unix:/nonexistent.sock")
    said = await ctl("--connect-timeout", "1", "get", "pods")
    assert said.code == 3
    assert said.err.splitlines() == [
        "error: database Weft: no usable member within 1 s; tried:",
        "  tcp:127.0.0.1:1: Connection refused",
        "  unix:/nonexistent.sock: No such file or directory",
    ]
    status = await ctl("--connect-timeout", "1", "status")
    assert status.code == 3
    assert "Connection refused" in status.out


async def test_a_member_that_says_nothing_does_not_hide_the_others(made: Fabric) -> None:
    """It accepts connections and never answers, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ctl = Weftctl(made.ovn, weft=f"tcp:127.0.0.1:{silent.getsockname()[1]},{made.ovn.weft}")
        started = time.monotonic()
        assert (await ctl("get", "namespaces")).code == 0
        assert time.monotonic() - started < 10
        assert "no answer within 2 s" in (await ctl("status")).out


async def test_a_database_that_serves_something_else_is_said_so(made: Fabric) -> None:
    ctl = Weftctl(made.ovn, weft=made.ovn.northbound)
    said = await ctl("--connect-timeout", "1", "get", "pods")
    assert said.code == 3
    assert "serves no database Weft" in said.err


async def test_a_broken_configuration_is_a_usage_error(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    ctl.config.write_text('[weft]\nremot = "unix:/x"\n')
    said = await ctl("get", "pods")
    assert said.code == 2
    assert "weft.remot: no such key; allowed are remote" in said.err


async def test_a_fabric_that_was_never_made(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    await made.client.commit([{"op": "delete", "table": "Fabric", "where": []}])
    said = await ctl("pause")
    assert said.code == 1
    assert "has no Fabric row" in said.err
