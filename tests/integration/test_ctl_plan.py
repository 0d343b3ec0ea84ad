"""plan: says what would happen, and nothing happens; then it happens just so."""

from __future__ import annotations

from typing import Any

from tests.support.ctl import ROOT, Weftctl
from tests.support.fabric import CONTENT, Fabric

EXAMPLES = str(ROOT / "docs/examples")


async def test_plan_comes_true_and_writes_nothing(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        before = await made.content()
        planned = await ctl("plan", "-f", EXAMPLES, "-o", "json")
        assert planned.code == 0
        assert await made.content() == before
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
    inserted = {(c["table"], c["uuid"]) for c in planned.document["changes"] if c["op"] == "insert"}
    for table in (*CONTENT, "Subnet", "Port"):
        rows = {(table, str(row["_uuid"])) for row in await made.rows(table)}
        assert {item for item in inserted if item[0] == table} <= rows
    reserved = {item["for"] for item in planned.document["reservations"]}
    assert {"Pod/ns1/nginx", "Pod/vpc1/vpc1-pod"} <= reserved
    done = await ctl("plan", "--exit-code")
    assert (done.code, done.lines) == (0, ["no changes: the databases have what the objects ask for"])


async def test_plan_shows_drift_with_before_and_after(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        pass
    made.ovn.nbctl("set", "Logical_Switch", "ovn-default", "name=spoiled")
    said = await ctl("plan", "--exit-code")
    assert said.code == 1
    assert "Subnet/ovn-default" in said.lines
    assert "      name: spoiled -> ovn-default" in said.lines
    assert "0 rows to insert, 1 to update, 0 to delete" in said.lines[-1]


async def test_plan_shows_rows_whose_object_is_gone(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
    await made.delete("Pod/ns1/nginx")
    document = (await ctl("plan", "-o", "json")).document
    assert {(c["op"], c["table"], c["name"]) for c in document["changes"]} == {
        ("delete", "Logical_Switch_Port", "nginx.ns1"),
        ("delete", "Port", "nginx.ns1"),
    }
    assert [item["for"] for item in document["releases"]] == ["Pod/ns1/nginx"]


async def test_plan_of_a_change_shows_only_what_follows_from_it(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
        changed = (
            (ROOT / "docs/examples/dual-stack.yml").read_text().replace("gateway: 10.17.0.1", "gateway: 10.17.0.9")
        )
        document: dict[str, Any] = (await ctl("plan", "-f", "-", "-o", "json", stdin=changed)).document
    assert document["objects"] == [{"object": "Subnet/ovn-test", "action": "configured"}]
    assert {change["owner"] for change in document["changes"]} == {"Subnet/ovn-test"}
    (networks,) = [c["columns"]["networks"] for c in document["changes"] if c["table"] == "Logical_Router_Port"]
    assert "10.17.0.9/16" in networks["after"]


async def test_plan_refuses_as_apply_does(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        overlapping = "kind: Subnet\napiVersion: kubeovn.io/v1\nmetadata: {name: x}\nspec: {cidrBlock: 10.16.0.0/24}"
        said = await ctl("plan", "-f", "-", stdin=overlapping)
    assert said.code == 1
    assert "stdin:1: Subnet/x: spec.cidrBlock: 10.16.0.0/24 overlaps" in said.err


async def test_plan_on_another_fabrics_northbound(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    made.ovn.nbctl("init")
    made.ovn.nbctl("set", "NB_Global", ".", "external_ids:weft-fabric=11111111-2222-3333-4444-555555555555")
    said = await ctl("plan")
    assert said.code == 1
    assert "belongs to the fabric 11111111-2222-3333-4444-555555555555" in said.err
