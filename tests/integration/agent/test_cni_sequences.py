"""Sequences of CNI commands as runtimes make them, in the spirit of the reference plugins' own tests."""

from __future__ import annotations

import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.support.agent import AgentHost, Pod, eventually
from tests.support.ovn import ROOT

NOBODY = 65534


def wired(agent: AgentHost) -> tuple[set[str], set[str]]:
    return agent.veths(), agent.ovs_ports()


# --- one container ---


@pytest.mark.parametrize("version", ["0.4.0", "1.0.0", "1.1.0"])
def test_life_of_a_container(agent: AgentHost, version: str) -> None:
    pod, _ = agent.new_pod(f"life{version.replace('.', '')}")
    before = wired(agent)
    result = agent.add(pod, version)
    assert agent.request("CHECK", pod, version, prevResult=result) == (0, {})
    assert agent.request("CHECK", pod, version, prevResult=result) == (0, {})
    valid = [{"containerID": pod.container, "ifname": "eth0"}]
    if version == "1.1.0":
        assert agent.request("GC", None, version, **{"cni.dev/valid-attachments": valid})[0] == 0
        assert agent.request("CHECK", pod, version, prevResult=result) == (0, {})
    for _ in range(3):
        assert agent.request("DEL", pod, version, prevResult=result) == (0, {})
    assert wired(agent) == before
    status, answer = agent.request("CHECK", pod, version, prevResult=result)
    assert (status, answer["code"]) == (1, 101)
    assert agent.add(pod, version)["interfaces"], "a container may be attached again"
    agent.request("DEL", pod, version)


def test_del_of_what_never_was(agent: AgentHost) -> None:
    pod = agent.pod("never")
    assert agent.request("DEL", pod) == (0, {})
    assert agent.request("DEL", replace(pod, netns="")) == (0, {}), "runtimes send no namespace when it is gone"


def test_gc_removes_what_its_runtime_forgot(agent: AgentHost) -> None:
    kept, _ = agent.new_pod("kept")
    forgotten, _ = agent.new_pod("forgotten")
    agent.add(kept)
    gone = agent.add(forgotten)["interfaces"][0]["name"]
    valid = [{"containerID": kept.container, "ifname": "eth0"}]
    assert agent.request("GC", **{"cni.dev/valid-attachments": valid}) == (0, {})
    assert gone not in agent.veths() | agent.ovs_ports()
    assert agent.request("CHECK", kept) == (0, {})
    assert agent.request("DEL", forgotten) == (0, {})


@pytest.mark.parametrize(
    ("netns", "code"), [("/run/netns/nowhere", 3), ("/etc/hostname", 5), ("relative", 3), ("/run/netns/$(reboot)", 3)]
)
def test_wrong_namespace(agent: AgentHost, netns: str, code: int) -> None:
    pod, _ = agent.new_pod(f"wrong{len(netns)}")
    before = wired(agent)
    status, answer = agent.request("ADD", replace(pod, netns=netns))
    assert (status, answer["code"]) == (1, code), answer
    assert netns in answer["msg"]
    assert answer["details"]
    assert wired(agent) == before


def test_interface_that_the_pod_has_already(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("taken")
    agent.inside(pod, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "other")
    before = wired(agent)
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 5)
    assert "File exists" in answer["msg"]
    assert wired(agent) == before
    assert "other@eth0" in agent.inside(pod, "ip", "link"), "what is not ours stays"


@pytest.mark.parametrize(
    ("config", "code", "field"),
    [
        ({"runtimeConfig": {"ips": ["192.0.2.9/24"]}}, 2, "runtimeConfig.ips"),
        ({"runtimeConfig": {"mac": "02:02:02:02:02:02"}}, 2, "runtimeConfig.mac"),
        ({"runtimeConfig": {"bandwidth": {"ingressRate": 1}}}, 2, "runtimeConfig.bandwidth"),
        ({"runtimeConfig": {"deviceID": "0000:03:00.2"}}, 7, "runtimeConfig.deviceID"),
    ],
)
def test_what_cannot_be_had_is_refused(agent: AgentHost, config: dict[str, Any], code: int, field: str) -> None:
    pod, _ = agent.new_pod(f"asks{field.rpartition('.')[2].lower()}")
    before = wired(agent)
    status, answer = agent.request("ADD", pod, **config)
    assert (status, answer["code"]) == (1, code), answer
    assert answer["msg"].startswith(field)
    assert answer["details"]
    assert wired(agent) == before


# --- many at once ---


def test_fifty_pods_at_once(agent: AgentHost) -> None:
    pods = [agent.new_pod(f"crowd{number}")[0] for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(agent.add, pods))
        assert len({answer["interfaces"][0]["name"] for answer in answers}) == 50
        assert all(status == 0 for status, _ in pool.map(lambda pod: agent.request("CHECK", pod), pods))
        assert all(status == 0 for status, _ in pool.map(lambda pod: agent.request("DEL", pod), pods))
    assert not {answer["interfaces"][0]["name"] for answer in answers} & (agent.veths() | agent.ovs_ports())


def test_ten_adds_and_ten_dels_of_one_pod(agent: AgentHost) -> None:
    pod, _ = agent.new_pod("same")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: agent.add(pod), range(10)))
        assert all(answer == answers[0] for answer in answers)
        assert agent.request("CHECK", pod) == (0, {})
        assert {status for status, _ in pool.map(lambda _: agent.request("DEL", pod), range(10))} == {0}
    assert answers[0]["interfaces"][0]["name"] not in agent.veths() | agent.ovs_ports()


def test_del_during_add_comes_after_it(agent: AgentHost) -> None:
    pod, row = agent.new_pod("hasty", port=False)
    before = wired(agent)
    with ThreadPoolExecutor() as pool:
        adding = pool.submit(agent.request, "ADD", pod)
        eventually(lambda: agent.ovs_ports() != before[1], "ADD waits for ovn-controller")
        deleting = pool.submit(agent.request, "DEL", pod)
        addresses = " ".join([row["mac"], *row["addresses"]])
        agent.sandbox.nbctl("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, addresses)
        assert adding.result()[0] == 0
        assert deleting.result() == (0, {})
    assert wired(agent) == before


# --- an agent that dies ---


@pytest.mark.parametrize("phase", ["link", "ovn"])
def test_add_after_an_agent_that_died_in_between(agent: AgentHost, phase: str) -> None:
    pod, _ = agent.new_pod(f"dies-{phase}")
    veths, ports = wired(agent)
    hanging = agent.host.daemons["ovsdb-server" if phase == "link" else "ovn-controller"]
    with ThreadPoolExecutor() as pool:
        with hanging.stopped():
            adding = pool.submit(agent.request, "ADD", pod)
            eventually(lambda: agent.veths() != veths, "the link is made")
            if phase == "ovn":
                eventually(lambda: agent.ovs_ports() != ports, "the port is made")
            agent.stop(signal.SIGKILL)
        status, answer = adding.result()
    assert (status, answer["code"]) == (1, 11)
    agent.start()
    assert agent.add(pod)["ips"]
    assert agent.request("CHECK", pod) == (0, {})
    assert agent.request("DEL", pod) == (0, {})
    assert wired(agent) == (veths, ports)


# --- lists of plugins ---


def run_list(agent: AgentHost, command: str, pod: Pod, plugins: list[dict[str, Any]]) -> dict[str, Any]:
    """As libcni runs a list: each plugin is given the result of the one before."""
    result: dict[str, Any] = {}
    for plugin in plugins if command != "DEL" else reversed(plugins):
        more = {**plugin, **({"prevResult": result} if result else {})}
        status, answer = agent.request(command, pod, "0.4.0", **more)
        assert status == 0, (plugin, answer)
        result = answer or result
    return result


def test_first_of_a_list_with_portmap_and_a_plugin_that_needs_a_veth(agent: AgentHost) -> None:
    shutil.copy(ROOT / "tests/support/needs_veth.py", agent.rundir / "bin/needs-veth")
    (agent.rundir / "bin/needs-veth").chmod(0o755)
    own = {"ipam": {"type": "kube-ovn", "server_socket": "/run/openvswitch/kube-ovn-daemon.sock"}}
    plugins = [
        {"type": "kube-ovn", "name": "generic-veth", "server_socket": "/run/openvswitch/kube-ovn-daemon.sock", **own},
        {"type": "portmap", "name": "generic-veth", "snat": True, "capabilities": {"portMappings": True}},
        {"type": "needs-veth", "name": "generic-veth"},
    ]
    pod, row = agent.new_pod("chained")
    result = run_list(agent, "ADD", pod, plugins)
    assert [ip["address"].partition("/")[0] for ip in result["ips"]] == row["addresses"]
    plugins[0] |= {"prevResult": result}
    run_list(agent, "CHECK", pod, [plugins[0], plugins[2] | {"prevResult": result}])
    run_list(agent, "DEL", pod, plugins)


# --- who may ask ---


@pytest.mark.parametrize(
    ("mode", "message"), [(0o600, "Permission denied"), (0o666, "is for root only: got user 65534")]
)
def test_other_users_get_nothing(agent: AgentHost, mode: int, message: str) -> None:
    pod, _ = agent.new_pod(f"nobody{mode}")
    before = wired(agent)
    agent.rundir.parent.chmod(0o755)
    agent.rundir.chmod(0o755)
    agent.socket.chmod(mode)
    try:
        done = subprocess.run(
            [str(agent.rundir / "bin/weft")], env=agent.environment("ADD", pod),
            input=agent.conf().encode(), capture_output=True, check=False, user=NOBODY, group=NOBODY, extra_groups=[],
        )  # fmt: skip
    finally:
        agent.socket.chmod(0o600)
    assert done.returncode == 1
    assert message in done.stdout.decode()
    assert wired(agent) == before


def test_nothing_of_a_request_reaches_a_shell(agent: AgentHost) -> None:
    mark = agent.rundir / "touched"
    nasty = f"$(touch {mark});`touch {mark}`"
    pod = Pod("web", "default", "u", "/run/netns/x")
    for change in ({"name": nasty}, {"namespace": nasty}, {"uid": nasty}, {"netns": nasty}, {"container": nasty}):
        status, answer = agent.request("ADD", replace(pod, **change), ifname="eth0", provider=nasty)
        assert (status, bool(answer["msg"])) == (1, True)
    assert not mark.exists()
