"""weftctl on a host of the lab: what it says of packets, links, services and databases is what really is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.conftest import Host, Lab, Result

NAMESPACE = "ctl"
DOCUMENTS = """
apiVersion: v1
kind: Namespace
metadata: {name: ctl}
---
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: ctl-other}
spec: {namespaces: [ctl]}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: ctl-open}
spec: {cidrBlock: "10.71.0.0/24,fd00:10:71::/112"}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: ctl-shut}
spec: {cidrBlock: 10.72.0.0/24, private: true}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: ctl-far}
spec: {cidrBlock: 10.73.0.0/24, vpc: ctl-other}
"""
WORKLOADS = {  # name: host, subnet, address
    "near": ("lab1", "ctl-open", "10.71.0.11,fd00:10:71::11"),
    "peer": ("lab2", "ctl-open", "10.71.0.12,fd00:10:71::12"),
    "shut": ("lab3", "ctl-shut", "10.72.0.13"),
    "far": ("lab2", "ctl-far", "10.73.0.14"),
}


class Ctl:
    """weftctl on lab1."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def __call__(self, *words: str, stdin: str = "", code: int | None = 0) -> Result:
        done = self.host.run(["env", "COLUMNS=200", "weftctl", *words], check=False, stdin=stdin, timeout=120)
        assert code is None or done.code == code, f"{words}: {done.code}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, code: int | None = 0) -> Any:
        return json.loads(self(*words, "-o", "json", code=code).stdout)


@pytest.fixture(scope="module")
def ctl(lab: Lab) -> Iterator[Ctl]:
    made = Ctl(lab["lab1"])
    made("apply", "-f", "-", stdin=DOCUMENTS)
    for name, (host, subnet, ip) in WORKLOADS.items():
        made("endpoint", "add", name, "-n", NAMESPACE, "--host", host, "--subnet", subnet, "--ip", ip)
    yield made
    for name in WORKLOADS:
        made("endpoint", "remove", name, "-n", NAMESPACE, code=None)
    made("delete", "-f", "-", stdin=DOCUMENTS, code=None)


def inside(lab: Lab, name: str, *command: str) -> Result:
    host = lab[WORKLOADS[name][0]]
    return host.run(["ip", "netns", "exec", f"{name}.{NAMESPACE}", *command], check=False)


def answers(lab: Lab, source: str, address: str) -> bool:
    """The first packet on a new path may be lost."""
    return inside(lab, source, "ping", "-c", "4", "-i", "0.3", "-W", "1", address).ok


@pytest.mark.parametrize(
    ("address", "verdict", "object_"),
    [
        ("fd00:10:71::12", "delivered", "Pod/ctl/peer"),
        ("10.72.0.13", "dropped", "Subnet/ctl-shut"),
        ("10.73.0.14", "leaves", "Host/lab1"),
    ],
)
def test_a_trace_says_what_a_ping_finds(lab: Lab, ctl: Ctl, address: str, verdict: str, object_: str) -> None:
    good = verdict in ("delivered", "answered", "leaves")
    [story] = ctl.json("trace", f"{NAMESPACE}/near", address, code=0 if good else 1)
    assert (story["verdict"], story["object"], story["disagreement"]) == (verdict, object_, ""), story
    assert answers(lab, "near", address) == (verdict in ("delivered", "answered"))
    assert not any(leg["unknown"] for leg in story["openflow"]), story["openflow"]


def test_a_trace_follows_the_tunnel_in_both_families(ctl: Ctl) -> None:
    stories = ctl.json("trace", f"{NAMESPACE}/near", f"pod/{NAMESPACE}/peer", "tcp", "80")
    assert [story["destination"] for story in stories] == ["10.71.0.12", "fd00:10:71::12"]
    for story in stories:
        assert [leg["host"] for leg in story["openflow"]] == ["lab1", "lab2"]
        assert story["openflow"][1]["ports"] == [f"peer.{NAMESPACE}"]


def test_another_vpc_has_no_route(lab: Lab, ctl: Ctl) -> None:
    [story] = ctl.json("trace", f"{NAMESPACE}/far", "10.71.0.11", code=1)
    assert (story["verdict"], story["object"]) == ("no route", "Vpc/ctl-other")
    assert not answers(lab, "far", "10.71.0.11")


@pytest.mark.parametrize("target", [f"{NAMESPACE}/peer", "host/lab2"])
def test_a_capture_sees_packets_on_the_other_host(lab: Lab, ctl: Ctl, target: str) -> None:
    source = lab["lab1"]
    address = "10.71.0.12" if target.startswith(NAMESPACE) else _own_address(lab["lab2"])
    ping = source.start(["ip", "netns", "exec", f"near.{NAMESPACE}", "ping", "-w", "60", "-i", "0.25", address])
    try:
        said = ctl("tcpdump", target, "-c", "2", "icmp")
    finally:
        ping.kill()
    assert "10.71.0.11 > " in said.stdout, said


def _own_address(host: Host) -> str:
    links = json.loads(host.run(["ip", "-j", "-4", "addr", "show", "ovn0"]).stdout)
    return str(links[0]["addr_info"][0]["local"])


def findings(ctl: Ctl, *words: str) -> dict[str, str]:
    """What is not well: check -> what was found."""
    found = json.loads(ctl("diagnose", *words, "-o", "json", code=None).stdout)
    return {item["check"]: item["found"] for item in found if item["state"] not in ("ok", "warning")}


def test_nothing_is_wrong_with_hosts_and_subnets(ctl: Ctl, eventually: Callable[..., None]) -> None:
    eventually(lambda: findings(ctl, "node") == {}, within=60, what="hosts are well")
    assert findings(ctl, "subnet", "ctl-open") == {}
    assert "members" not in findings(ctl, "all"), "the databases are well"


@contextlib.contextmanager
def stopped(host: Host, *units: str) -> Iterator[None]:
    host.run(["systemctl", "stop", *units])
    try:
        yield
    finally:
        host.run(["systemctl", "start", *units])


def test_a_stopped_ovn_controller_is_found(lab: Lab, ctl: Ctl, eventually: Callable[..., None]) -> None:
    with stopped(lab["lab2"], "ovn-controller"):
        found = findings(ctl, "node", "lab2")
        assert found["service"] == "ovn-controller is inactive"
        assert found["ovn-controller"] == "no answer"
    eventually(lambda: findings(ctl, "node", "lab2") == {}, within=60, what="lab2 is well again")


def test_a_missing_packet_filter_is_found(lab: Lab, ctl: Ctl, eventually: Callable[..., None]) -> None:
    with stopped(lab["lab3"], "weft-agent"):
        lab["lab3"].run(["nft", "delete", "table", "inet", "weft"])
        found = findings(ctl, "node", "lab3")
        assert found["service"] == "weft-agent is inactive"
        assert found["packet filter"] == "no table inet weft"
    eventually(lambda: findings(ctl, "node", "lab3") == {}, within=60, what="lab3 is well again")


def test_a_downed_link_below_the_tunnels_is_found(lab: Lab, ctl: Ctl, eventually: Callable[..., None]) -> None:
    lab["lab2"].run(["ip", "link", "set", "br-phys", "down"])
    try:
        found = findings(ctl, "node", "lab2")
        assert found["tunnel link"] == "br-phys is down"
        assert "answers none of 3" in found["tunnel path to lab1"]
        [pinged] = [text for check, text in findings(ctl, "subnet", "ctl-open").items() if "Pod/ctl/near" in check]
        assert "answers none of 3" in pinged
    finally:
        lab["lab2"].run(["ip", "link", "set", "br-phys", "up"])
    eventually(lambda: findings(ctl, "node", "lab2") == {}, within=60, what="lab2 is well again")


def test_the_environment_of_all_hosts(ctl: Ctl) -> None:
    found = ctl.json("env-check")
    assert {item["subject"] for item in found} >= {"lab1", "lab2", "lab3"}
    assert [item for item in found if item["state"] == "failed"] == []


def test_figures_are_plausible(ctl: Ctl) -> None:
    measured = ctl.json(
        "perf", "between", f"{NAMESPACE}/near", f"{NAMESPACE}/peer", "--size", "512", "--seconds", "0.5"
    )
    [figures] = measured["figures"]
    assert 10 < figures["tcp_us"] < 1e6
    assert figures["tcp_mbit"] > 1
    assert figures["udp_mbit"] > 0.5
    assert 0 <= figures["udp_lost"] < 0.5


def test_logs_of_a_host_are_printed_and_kept(ctl: Ctl) -> None:
    lines = ctl("log", "lab2", "--layer", "ovn", "--layer", "weft", "--lines", "3").stdout.splitlines()
    assert {line.split()[1] for line in lines} == {"ovn", "weft"}
    kept = ctl.json("log", "lab3", "--save", "/tmp/ctl-log")
    assert {"/tmp/ctl-log/lab3/linux-nftables.log", "/tmp/ctl-log/lab3/databases.log"} <= set(kept)
    ctl.host.run(["rm", "-r", "/tmp/ctl-log"])


def test_the_databases_and_the_plugin_of_kubectl(lab: Lab, ctl: Ctl) -> None:
    assert {member["host"] for member in ctl.json("nb", "status")["members"]} == {"lab1", "lab2", "lab3"}
    assert lab["lab1"].run(["kubectl-weft", "vsctl", "lab2", "list-br"]).stdout.split() == ["br-int", "br-phys"]
    assert "nobody is there to be asked" in ctl("perf", "leaders", "nb", code=2).stderr
