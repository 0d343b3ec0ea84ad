"""weftctl node: a host's health on one screen, from real databases and northd."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import replace

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.agent import AgentHost
from tests.support.ctl import Said, Weftctl
from tests.support.fabric import Fabric


def ago(seconds: float) -> int:
    return int(time.time() - seconds)


HOST = {
    "encap_type": "geneve", "encap_ip": "192.0.2.1", "mtu": 1500, "datapath_type": "netdev",
    "addresses": ["set", ["192.0.2.1", "fd00::1"]],
    "versions": ["map", [["agent", "0.1.0"], ["ovs", "3.5.0"], ["ovn", "25.03.0"], ["kernel", "6.1.0-1"]]],
}  # fmt: skip

CENTRALIZED = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: out}
spec: {cidrBlock: 10.77.0.0/16, gatewayType: centralized, gatewayNode: "h1,h2"}
"""
LOST = pod("nowhere", **{"ovn.kubernetes.io__logical_switch": "absent"})


def register(made: Fabric, name: str, encap_ip: str = "192.0.2.1") -> None:
    """What ovn-controller does when it first connects."""
    made.ovn.sbctl("chassis-add", name, "geneve", encap_ip)


def claim(made: Fabric, port: str, chassis: str) -> None:
    """What ovn-controller does with a port that it finds on its bridge."""
    made.ovn.sbctl("lsp-bind", port, chassis)
    made.ovn.sbctl("set", "Port_Binding", port, "up=true")
    made.ovn.nbctl("wait-until", "Logical_Switch_Port", port, "up=true")


async def test_a_host_that_is_well_on_one_screen(translated: Fabric) -> None:
    made = translated
    ctl = Weftctl(made.ovn, southbound=made.ovn.southbound)
    times = {"ready": True, "ready_since": ago(3700), "last_seen": ago(2), "certificate_expires": ago(-90 * 86400)}
    async with made.controller() as controller:
        await made.add_host("h1", **HOST, **times)
        await made.apply(join(NAMESPACES, SUBNET, pod("web")))
        await made.settled(controller)
        register(made, "h1")
        made.ovn.nbctl("wait-until", "Logical_Switch_Port", "node-h1")
        made.ovn.nbctl("--wait=sb", "sync")
        for port in ("web.ns1", "node-h1"):
            claim(made, port, "h1")
        said = await ctl("node", "h1")
        assert said.code == 0, said.out
        assert said.lines[0].startswith("h1: ready for 61m, seen ")
        facts = {line.split()[0]: " ".join(line.split()[1:]) for line in said.lines[1:]}
        assert facts["versions"] == "agent 0.1.0 kernel 6.1.0-1 ovn 25.03.0 ovs 3.5.0"
        assert facts["tunnels"] == "geneve 192.0.2.1, MTU 1500"
        assert (facts["datapath"], facts["ports"], facts["gateways"]) == ("netdev", "1", "none")
        assert facts["join"].startswith("100.64.0.")
        assert facts["chassis"] == "registered, ports bound: 2"
        assert facts["certificate"].endswith("89d left")
        assert "what to do" not in said.out
        document = (await ctl("node", "h1", "-o", "json")).document
        assert (document["state"], document["well"], document["chassis"]["bound"]) == ("ready", True, 2)
        lines = (await ctl("node")).lines
        assert lines[1].split()[:3] == ["h1", "ready", "61m"]
        assert lines[1].split()[-3:] == ["1", "none", "none"]
        assert len(lines) == 2


async def test_what_is_wrong_comes_first_and_says_what_to_do(translated: Fabric) -> None:
    made = translated
    ctl = Weftctl(made.ovn, southbound=made.ovn.southbound)
    problems = {
        "ovn-controller": "ovn-controller is not connected to the Southbound database",
        "port/web.ns1": "no such bridge: br-int",
    }
    wrong = {"problems": ["map", [list(item) for item in problems.items()]], "ready": False, "last_seen": ago(3)}
    async with made.controller() as controller:
        await made.add_host("h1", **HOST, **wrong, ready_since=ago(3 * 3600 + 60), certificate_expires=ago(-5 * 86400))
        await made.add_host("h2", **HOST, ready=True, last_seen=ago(2))
        await made.apply(join(NAMESPACES, SUBNET, pod("web"), pod("moved"), LOST, CENTRALIZED))
        await made.settled(controller)
        register(made, "h1", "192.0.2.9")
        register(made, "h2", "192.0.2.2")
        made.ovn.nbctl("--wait=sb", "sync")
        made.ovn.sbctl("lsp-bind", "moved.ns1", "h2")
        made.ovn.nbctl("lr-add", "r", "--", "lrp-add", "r", "out", "0a:00:00:00:00:01", "198.51.100.1/24")
        made.ovn.nbctl("lrp-set-gateway-chassis", "out", "h1", "20")
        said = await ctl("node", "h1")
        assert said.code == 1
        assert said.lines[0].startswith("h1: not ready for 3h, seen ")
        for text in (
            "- tunnels: Open vSwitch is told geneve 192.0.2.1, but its chassis in the Southbound has geneve 192.0.2.9",
            "- ovn-controller: ovn-controller is not connected to the Southbound database",
            "what to do: systemctl status ovn-controller there",
            "- port/web.ns1: no such bridge: br-int",
            "waiting web.ns1 is not bound: no chassis has claimed it",
            "waiting moved.ns1 is not bound here: claimed by h2",
            "waiting Pod/ns1/nowhere has no port yet: ",
            "Subnet/out with h2, standing by; router port out-h1, priority 20",
        ):
            assert text in said.out
        [line] = [line for line in (await ctl("node")).lines if line.startswith("h1")]
        assert line.split()[-4:] == ["3", "tunnels,", "ovn-controller,", "port/web.ns1"]
        said = await ctl("node", "h2")
        assert said.code == 0
        assert "Subnet/out with h1, active" in said.out
        assert (await ctl("node")).code == 1, "one of them is not ready"


async def test_a_host_with_tunnels_in_several_networks(translated: Fabric) -> None:
    made = translated
    ctl = Weftctl(made.ovn, southbound=made.ovn.southbound)
    more = {"networks": ["map", [["storage", "198.51.100.1"]]], "encap_type": "geneve,vxlan"}
    await made.add_host("h1", **HOST | more, ready=True, last_seen=ago(1))
    register(made, "h1")
    lacking = (
        "- tunnels: Open vSwitch is told vxlan 192.0.2.1, geneve 198.51.100.1, vxlan 198.51.100.1, but its chassis"
    )
    said = await ctl("node", "h1")
    assert lacking in said.out
    assert "  networks     storage 198.51.100.1" in said.lines
    assert "  tunnels      geneve 192.0.2.1, vxlan 192.0.2.1, geneve 198.51.100.1" in said.out
    made.ovn.sbctl("chassis-del", "h1", "--", "chassis-add", "h1", "geneve,vxlan", "192.0.2.1")
    assert "is told geneve 198.51.100.1, vxlan 198.51.100.1, but" in (await ctl("node", "h1")).out


async def test_a_silent_host_and_one_that_is_no_chassis(translated: Fabric) -> None:
    made = translated
    ctl = Weftctl(made.ovn, southbound=made.ovn.southbound)
    await made.add_host("h1", ready=True, last_seen=ago(600))
    await made.add_host("h2", ready=True, last_seen=ago(1))
    said = await ctl("node", "h1")
    assert (said.code, said.lines[0]) == (1, "h1: silent for 10m, seen 10m ago")
    assert "- silent: nothing heard of it for 10m: is the host up, does weft-agent run there" in said.out
    said = await ctl("node", "h2")
    assert (said.code, said.lines[0].split(",")[0]) == (1, "h2: not ready")
    assert (
        "- chassis: the Southbound has no chassis h2: has ovn-controller ever run there, with that system-id?"
        in said.out
    )
    assert "- join: no address on the subnet join: does weft-controller run?" in said.out
    documents = json.loads((await ctl("node", "-o", "json")).out)
    assert [(item["name"], item["state"]) for item in documents] == [("h1", "silent"), ("h2", "not ready")]


async def said_in_time(ctl: Weftctl, text: str) -> Said:
    """What `node h1` says once it says that, or last."""
    for _ in range(60):
        said = await ctl("node", "h1")
        if text in said.out:
            break
        await asyncio.sleep(0.2)
    return said


async def test_a_real_host_with_a_pod_and_then_without_ovn_controller(translated: Fabric) -> None:
    made = translated
    ctl = Weftctl(made.ovn, southbound=made.ovn.southbound)
    agent = AgentHost(made.ovn, made.ovn.start_ovs("h1"), heartbeat=0.5)
    try:
        async with made.controller() as controller:
            await asyncio.to_thread(agent.start)
            await made.apply(join(NAMESPACES, SUBNET, pod("web")))
            await made.settled(controller)
            item = replace(agent.pod("web", "ns1"), uid="")
            await asyncio.to_thread(agent.add, item)
            said = await said_in_time(ctl, "ports bound: 2")
            assert said.code == 0, said.out
            assert said.lines[0].startswith("h1: ready for ")
            assert f"kernel {os.uname().release}  ovn 25.03.0" in said.out
            assert "waiting" not in said.out
            agent.host.daemons["ovn-controller"].kill()
            said = await said_in_time(ctl, "h1: not ready")
            assert said.code == 1
            assert "- ovn-controller: ovn-controller is not running: no " in said.out
            assert "what to do: systemctl status ovn-controller there" in said.out
    finally:
        agent.close()


async def test_without_the_other_databases_the_rest_is_shown(made: Fabric) -> None:
    ctl = Weftctl(made.ovn, northbound="unix:/nonexistent.sock")
    said = await ctl("node")
    assert (said.code, said.lines) == (0, ["no host has reported yet: does weft-agent run anywhere?"])
    await made.add_host("h1", ready=True, last_seen=ago(1))
    said = await ctl("node", "h1")
    assert said.code == 0
    assert "not known: database OVN_Northbound: no usable member" in said.out
    assert "not known: database OVN_Southbound: weftctl.toml has no remote for it" in said.out
    said = await ctl("node", "h9")
    assert (said.code, said.err) == (1, "error: host h9 has never reported: does weft-agent run there? Known are: h1\n")
    said = await Weftctl(made.ovn, weft="unix:/nonexistent.sock")("--connect-timeout", "1", "node")
    assert said.code == 3
