"""CNI against real Open vSwitch and OVN: what a runtime asks for, what it is answered, and what is then there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.agent import AgentHost, eventually
from tests.support.ovn import run
from weft.agent import netlink


def test_add_makes_the_interface_and_del_removes_it(agent: AgentHost) -> None:
    pod, row = agent.new_pod("web")
    answer = agent.add(pod)
    host = answer["interfaces"][0]["name"]
    assert answer["interfaces"][1] == {"name": "eth0", "mac": row["mac"], "sandbox": pod.netns}
    assert {"interface": 1, "address": f"{row['addresses'][0]}/16", "gateway": "10.16.0.1"} in answer["ips"]
    assert {"dst": "::/0", "gw": "fd00:10:16::1"} in answer["routes"]

    link = json.loads(agent.inside(pod, "ip", "-j", "-d", "addr", "show", "eth0"))[0]
    assert (link["address"], link["mtu"], link["operstate"]) == (row["mac"], 1400, "UP")
    found = [item for item in link["addr_info"] if item["scope"] == "global"]
    held = {(item["local"], item["prefixlen"], item.get("nodad")) for item in found}
    assert held == {(row["addresses"][0], 16, None), (row["addresses"][1], 112, True)}
    assert "default via 10.16.0.1 dev eth0" in agent.inside(pod, "ip", "route")
    assert "default via fd00:10:16::1 dev eth0" in agent.inside(pod, "ip", "-6", "route")
    assert "LOOPBACK,UP" in agent.inside(pod, "ip", "link", "show", "lo")
    assert agent.host.vsctl("get", "Interface", host, "external_ids:iface-id") == "web.default"
    assert agent.host.vsctl("get", "Interface", host, "external_ids:ovn-installed") == '"true"'
    assert agent.request("CHECK", pod) == (0, {})

    assert agent.request("DEL", pod) == (0, {})
    assert host not in agent.veths() | agent.ovs_ports()
    assert agent.request("DEL", pod) == (0, {}), "DEL again is no error"


def test_transmit_checksums_are_made_in_software_on_the_userspace_datapath(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("sum")
    agent.add(pod)
    assert netlink.in_namespace(pod.netns, netlink.tx_checksum, "eth0") is False


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_result_has_the_shape_of_the_version_asked_for(agent: AgentHost, version: str) -> None:
    pod, _ = agent.new_pod(f"v{version.replace('.', '')}")
    answer = agent.add(pod, version)
    assert answer["cniVersion"] == version
    assert all(("version" in ip) == version.startswith("0.") for ip in answer["ips"])


def test_pods_reach_each_other(agent: AgentHost) -> None:
    one, _ = agent.new_pod("one")
    two, row = agent.new_pod("two")
    agent.add(one)
    agent.add(two)
    agent.inside(one, "ping", "-c", "1", "-W", "2", row["addresses"][0])


def test_add_waits_for_the_port_to_be_written(agent: AgentHost) -> None:
    pod, row = agent.new_pod("late", rows=False)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(agent.add, pod)
        time.sleep(0.5)
        assert not answer.done()
        agent.rows.insert("Port", **row)
        assert answer.result()["ips"]


def test_add_refuses_a_port_of_an_earlier_pod_of_that_name(agent: AgentHost) -> None:
    pod, row = agent.new_pod("again", rows=False)
    agent.rows.insert("Port", **{**row, "pod_uid": "that-of-before"})
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 11)
    assert answer["msg"] == f"Port/again.default: pod_uid: got that-of-before, expected {pod.uid}, after 5 s"
    assert not agent.veths() & {link for link in agent.veths() if "again" in link}
    status_row = eventually(lambda: problems(agent).get("port/again.default"), "problem is shown")
    assert "that-of-before" in status_row
    agent.rows.update("Port", pod.port, pod_uid=pod.uid)
    agent.add(pod)
    eventually(lambda: "port/again.default" not in problems(agent), "problem is over")


def problems(agent: AgentHost) -> dict[str, str]:
    row = agent.rows.select("Host_Status", "h1")
    return dict(row["problems"]) if row and row["problems"] else {}


def test_add_that_cannot_be_finished_leaves_nothing(agent: AgentHost) -> None:
    pod = agent.pod("orphan")
    agent.rows.insert("Port", **agent.port_row(pod, "blue", "0a:00:00:00:ff:01", "10.16.9.9"))
    before = (agent.veths(), agent.ovs_ports())
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 11)
    assert "ovn-controller has not installed its flows within 5 s" in answer["msg"]
    assert (agent.veths(), agent.ovs_ports()) == before


def test_runtime_that_is_killed_undoes_its_add(agent: AgentHost) -> None:
    pod = agent.pod("killed")
    agent.rows.insert("Port", **agent.port_row(pod, "blue", "0a:00:00:00:ff:02", "10.16.9.10"))
    before = (agent.veths(), agent.ovs_ports())
    plugin = subprocess.Popen(
        [str(agent.rundir / "bin/weft")], env=agent.environment("ADD", pod), stdin=subprocess.PIPE,
    )  # fmt: skip
    assert plugin.stdin
    plugin.stdin.write(agent.conf().encode())
    plugin.stdin.close()
    eventually(lambda: agent.veths() != before[0], "veth is made")
    plugin.kill()
    plugin.wait()
    eventually(lambda: (agent.veths(), agent.ovs_ports()) == before, "all is undone", 3)


def test_add_repeated_is_the_same_and_touches_nothing(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("twice")
    first = agent.add(pod)
    index = agent.inside(pod, "ip", "-o", "link", "show", "eth0")
    assert agent.add(pod) == first
    assert agent.inside(pod, "ip", "-o", "link", "show", "eth0") == index


def test_concurrent_adds_of_one_pod_agree(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("rush")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: agent.add(pod), range(5)))
    assert all(answer == answers[0] for answer in answers)


def test_new_container_takes_over_and_the_old_ones_del_harms_nothing(agent: AgentHost) -> None:
    old, row = agent.new_pod("moved")
    agent.add(old)
    fresh = agent.pod("moved-2")
    fresh.name, fresh.uid = old.name, old.uid
    agent.add(fresh)
    assert agent.request("DEL", old) == (0, {})
    assert agent.request("CHECK", fresh) == (0, {})
    assert row["mac"] in agent.inside(fresh, "ip", "link", "show", "eth0")


def test_del_of_a_container_whose_namespace_vanished(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("crashed")
    host = agent.add(pod)["interfaces"][0]["name"]
    run("ip", "netns", "del", os.path.basename(pod.netns))
    assert agent.request("DEL", pod) == (0, {})
    assert host not in agent.ovs_ports()


def test_orphan_of_a_vanished_namespace_is_removed_without_del(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("gone")
    host = agent.add(pod)["interfaces"][0]["name"]
    run("ip", "netns", "del", os.path.basename(pod.netns))
    eventually(lambda: host not in agent.ovs_ports(), "Open vSwitch port is removed")


def test_del_when_open_vswitch_lost_the_port(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("half")
    host = agent.add(pod)["interfaces"][0]["name"]
    agent.host.vsctl("del-port", "br-int", host)
    assert agent.request("DEL", pod) == (0, {})
    assert host not in agent.veths()


def test_check_names_what_is_wrong(agent: AgentHost) -> None:
    pod, row = agent.new_pod("bent")
    agent.add(pod)
    agent.inside(pod, "ip", "addr", "del", f"{row['addresses'][0]}/16", "dev", "eth0")
    status, answer = agent.request("CHECK", pod)
    assert status == 1
    assert f"addresses missing: {row['addresses'][0]}/16" in answer["msg"]
    assert "routes missing: 0.0.0.0/0 via 10.16.0.1" in answer["msg"]


def test_agent_restart_touches_nothing(agent: AgentHost) -> None:
    one, _ = agent.new_pod("stay1")
    two, row = agent.new_pod("stay2")
    agent.add(one)
    agent.add(two)
    agent.inside(one, "ping", "-c", "2", "-i", "0.2", row["addresses"][0])
    lost: list[str] = []
    ping = threading.Thread(
        target=lambda: lost.append(agent.inside(one, "ping", "-q", "-c", "150", "-i", "0.02", row["addresses"][0]))
    )
    ping.start()
    agent.stop()
    agent.start()
    agent.stop(signal.SIGKILL)
    agent.start()
    ping.join()
    assert " 0% packet loss" in lost[0]
    assert agent.request("CHECK", two) == (0, {})


def test_without_the_database_del_works_and_add_is_to_be_tried_again(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("before")
    other, _ = agent.new_pod("during")
    agent.add(pod)
    eventually(lambda: "during.default" in (agent.state_dir / "view.json").read_text(), "view is on disk")
    database = next(d for d in agent.sandbox.daemons if d.rundir.name == "weft")
    database.kill()
    for restarted in (False, True):
        status, answer = agent.request("ADD", other)
        assert (status, answer["code"]) == (1, 11), restarted
        assert "Weft database is not connected" in answer["msg"]
        if not restarted:
            agent.stop()
            agent.start(wait=False)
            eventually(agent.socket.exists, "socket is there")
            eventually(lambda: agent.request("CHECK", pod) == (0, {}), "view came from disk")
    assert agent.request("DEL", pod) == (0, {})
    agent.sandbox.start_weft()
    eventually(lambda: agent.request("STATUS")[0] == 0, "connected again")
    agent.add(other)


@pytest.mark.parametrize(
    ("environment", "config", "code", "text"),
    [
        ({"CNI_COMMAND": "ADD"}, None, 4, "CNI_CONTAINERID: is missing; ADD needs it"),
        ({"CNI_COMMAND": "SING"}, None, 4, "CNI_COMMAND: got 'SING'"),
        ({"CNI_COMMAND": "DEL"}, '{"weft_socket": ', 6, "not JSON"),
        ({"CNI_COMMAND": "DEL"}, {"cniVersion": "9.0"}, 1, "cniVersion: got '9.0', allowed are 0.3.0"),
    ],
)  # fmt: skip
def test_mistakes_of_the_runtime_are_named(
    agent: AgentHost, environment: dict[str, str], config: Any, code: int, text: str
) -> None:
    if not isinstance(config, str):
        config = json.dumps({"cniVersion": "1.0.0", "weft_socket": str(agent.socket), **(config or {})})
    done = subprocess.run(
        [str(agent.rundir / "bin/weft")], env=environment, input=config, capture_output=True, text=True, check=False
    )
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["code"]) == (1, code)
    assert text in answer["msg"]


def test_plugin_without_agent_says_what_to_look_at(agent: AgentHost) -> None:
    config = '{"cniVersion": "0.4.0", "weft_socket": "/nonexistent/cni.sock"}'
    done = subprocess.run(
        [str(agent.rundir / "bin/weft")], env={"CNI_COMMAND": "DEL"}, input=config, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "cniVersion": "0.4.0", "code": 11,
        "msg": "weft-agent does not answer on /nonexistent/cni.sock: No such file or directory",
        "details": "is the agent running? systemctl status weft-agent; journalctl -u weft-agent",
    }  # fmt: skip


def test_version_is_answered_by_the_plugin_alone(agent: AgentHost) -> None:
    done = subprocess.run(
        [str(agent.rundir / "bin/weft")], env={"CNI_COMMAND": "VERSION"}, input='{"cniVersion": "0.4.0"}',
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["cniVersion"] == "0.4.0"
    assert {"0.3.1", "0.4.0", "1.0.0"} <= set(answer["supportedVersions"])


def test_agent_that_is_stopped_undoes_what_is_on_its_way(agent: AgentHost) -> None:
    pod = agent.pod("halfway")
    agent.rows.insert("Port", **agent.port_row(pod, "blue", "0a:00:00:00:ff:03", "10.16.9.11"))
    before = (agent.veths(), agent.ovs_ports())
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(agent.request, "ADD", pod)
        eventually(lambda: agent.ovs_ports() != before[1], "port is on the bridge")
        started = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - started < 3
        status, document = answer.result()
    assert (status, document["code"]) == (1, 11)
    assert "closed" in document["msg"]
    assert (agent.veths(), agent.ovs_ports()) == before
    agent.start()
