"""endpoint: asked for, waited for by events, refused with the reason that the controller or the host gives."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tests.integration.controller.trace import port, reaches
from tests.support.ctl import Weftctl
from tests.support.fabric import Fabric


async def bind(made: Fabric, port: str) -> None:
    """What ovn-controller and northd do when the host has wired it."""
    while not any(row["name"] == port for row in await made.rows("Logical_Switch_Port")):
        await asyncio.sleep(0.02)
    made.ovn.nbctl("set", "Logical_Switch_Port", port, "up=true")


async def test_add_waits_until_ovn_has_bound_the_port(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        asked = asyncio.create_task(ctl("endpoint", "add", "web", "--host", "lab1", "--timeout", "20"))
        await bind(made, "web.default")
        said = await asked
        assert said.code == 0
        assert said.lines == [
            "endpoint/default/web created ready on lab1 subnet ovn-default 10.16.0.2 netns web.default"
        ]
        (port,) = await made.rows("Port")
        assert (port["netns"], port["host"]) == ("web.default", "lab1")
        again = await ctl("endpoint", "add", "web", "--host", "lab1")
        assert again.code == 0
        assert "unchanged ready" in again.out


async def test_timeout_says_what_the_host_says(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        problems = ["map", [["port/web.default", "br-int is missing"]]]
        await made.add_host("lab1", last_seen=int(time.time()), problems=problems)
        said = await ctl("endpoint", "add", "web", "--host", "lab1", "--timeout", "1")
        assert said.code == 1
        assert "not ready after 1s: logical switch port web.default is not bound" in said.err
        assert "host lab1 says: br-int is missing" in said.err
        said = await ctl("endpoint", "add", "lost", "--host", "lab9", "--timeout", "1")
        assert "host lab9 has never reported" in said.err


async def test_without_a_controller_it_says_so(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        pass
    said = await ctl("endpoint", "add", "web", "--host", "lab1", "--timeout", "0.5")
    assert said.code == 1
    assert "the controller has not looked at it (last leader: c1" in said.err


async def test_a_full_subnet_is_said_at_once(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        small = "kind: Subnet\napiVersion: kubeovn.io/v1\nmetadata: {name: small}\nspec: {cidrBlock: 10.9.0.0/30}"
        await ctl("apply", "-f", "-", stdin=small)
        await ctl("endpoint", "add", "one", "--host", "lab1", "--subnet", "small", "--no-wait")
        said = await ctl("endpoint", "add", "two", "--host", "lab1", "--subnet", "small", "--timeout", "30")
        assert said.code == 1
        assert "NoAddressAvailable: Subnet/small: IPv4 10.9.0.0/30 is full" in said.err


async def test_what_is_fixed_cannot_be_changed(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("endpoint", "add", "web", "--host", "lab1", "--no-wait")
        await made.settled(controller)
        for option, value, word in (
            ("--ip", "10.16.0.9", "ip: '10.16.0.9': cannot change from '10.16.0.2'"),
            ("--subnet", "join", "subnet: 'join': cannot change from 'ovn-default'"),
            ("--netns", "other", "netns: 'other': cannot change from 'web.default'"),
        ):
            said = await ctl("endpoint", "add", "web", "--host", "lab1", option, value, "--no-wait")
            assert said.code == 1
            assert word in said.err


async def test_another_host_takes_an_endpoint_over(translated: Fabric) -> None:
    """It is awaited there, with the address that it had, and packets go on coming out at its port."""
    ctl = Weftctl(translated.ovn, southbound=translated.ovn.southbound)
    for number in (1, 2):
        translated.ovn.sbctl("chassis-add", f"lab{number}", "geneve", f"192.0.2.{number}")
    both = json.dumps([{"name": "web", "host": "lab1", "ip": "10.16.0.7"}, {"name": "db", "host": "lab1"}])
    async with translated.controller() as controller:
        assert (await ctl("endpoint", "apply", "-f", "-", "--no-wait", stdin=both)).code == 0
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        translated.ovn.sbctl("lsp-bind", "web.default", "lab1")
        before = await port(translated, "web.default")

        said = await ctl("endpoint", "move", "web", "nobody", "--host", "lab9", "--timeout", "0.5")
        assert said.lines == ["endpoint/default/web moved"]
        assert "Pod/default/web: not moved in time: port web.default is still bound on lab1; host lab9 has" in said.err
        assert "Pod/default/nobody: does not exist" in said.err

        moving = asyncio.create_task(ctl("endpoint", "move", "web", "--host", "lab2", "--timeout", "20"))
        while not [row for row in await translated.rows("Port") if row["host"] == "lab2"]:
            await asyncio.sleep(0.02)
        translated.ovn.sbctl("lsp-unbind", "web.default", "--", "lsp-bind", "web.default", "lab2")
        said = await moving
        assert (said.code, said.lines) == (
            0,
            ["endpoint/default/web moved ready on lab2 subnet ovn-default 10.16.0.7 netns web.default"],
        )
        await translated.settled(controller)
        assert await port(translated, "web.default") == before
        assert (await translated.records())["IP/web.default"].document()["spec"]["nodeName"] == "lab2"
        assert await reaches(translated, "db.default", "web.default")


async def test_apply_may_wait_too(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    pods = "\n---\n".join(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, annotations: {{weft.ovn/netns: {name}}}}}\n"
        "spec: {nodeName: lab1}"
        for name in ("a", "b")
    )
    async with made.controller():
        said = await ctl("apply", "-f", "-", "--wait", "--timeout", "1", stdin=pods)
        assert said.code == 1
        assert said.lines == ["pod/default/a created", "pod/default/b created"]
        assert "Pod/default/b: not ready after 1s" in said.err
        await bind(made, "a.default")
        await bind(made, "b.default")
        assert (await ctl("apply", "-f", "-", "--wait", stdin=pods)).code == 0


async def test_delete_waits_until_the_address_is_free(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("endpoint", "add", "web", "--host", "lab1", "--no-wait")
        await made.settled(controller)
        said = await ctl("endpoint", "delete", "web")
        assert (said.code, said.lines) == (0, ["endpoint/default/web deleted"])
        assert "IP/web.default" not in await made.records()
        assert (await ctl("endpoint", "delete", "web")).code == 1
        assert (await ctl("endpoint", "delete", "web", "--ignore-not-found")).code == 0


def many(state: str) -> str:
    endpoints: list[dict[str, Any]] = [{"name": f"e{n}", "host": "lab1", "state": state} for n in range(12)]
    return json.dumps([*endpoints, {"name": "bad", "namespace": "nowhere", "host": "lab1", "state": state}])


async def test_many_at_once_each_for_itself(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        said = await ctl("endpoint", "apply", "-f", "-", "--no-wait", "-o", "json", stdin=many("present"))
        assert said.code == 1
        actions = {item["name"]: item["action"] for item in said.document["endpoints"]}
        assert actions == {**{f"e{n}": "created" for n in range(12)}, "bad": "refused"}
        assert "Namespace/nowhere does not exist" in said.document["endpoints"][-1]["error"]
        await made.settled(controller)
        listed = (await ctl("endpoint", "list", "-o", "json")).document
        assert len({item["addresses"][0] for item in listed}) == 12
        gone = await ctl("endpoint", "apply", "-f", "-", "-o", "json", stdin=many("absent"))
        assert gone.code == 0
        assert (await ctl("endpoint", "list")).lines == ["no endpoints found"]


async def test_an_unknown_field_is_named(made: Fabric) -> None:
    said = await Weftctl(made.ovn)("endpoint", "apply", "-f", "-", stdin="[{name: a, hots: lab1}]")
    assert said.code == 2
    assert "entry 1: hots: no such field; allowed: name, namespace, host" in said.err
