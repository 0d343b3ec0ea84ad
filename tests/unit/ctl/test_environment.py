"""What of a machine is in the way of being a host."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from weft.ctl.diagnose.environment import check_alike, check_environment
from weft.ctl.diagnose.look import PROGRAM, Seen

GOOD: dict[str, Any] = {
    "modules": {"openvswitch": "available", "nf_conntrack": "loaded", "nf_tables": "built in"},
    "listeners": [["tcp", 6641, "ovsdb-server"], ["udp", 6081, ""], ["tcp", 22, "sshd"]],
    "links": {"eth1": {"mtu": 1500, "up": True, "addresses": ["192.0.2.1"], "kind": ""}},
    "hugepages": {"2048": [0, 0]},
    "cni": [["01-weft.conflist", ["weft"]]],
    "dns": {"servers": ["192.0.2.53"], "seconds": 0.01, "error": ""},
    "units": {"weft-agent": "active"},
    "switch": {"external_ids": {"ovn-encap-ip": "192.0.2.1"}, "other_config": {}, "interfaces": []},
    "versions": {"kernel": "6.12", "ovn": "25.03.0", "ovs": "3.5.0", "python": "3.11.2"},
    "tables": [["inet", "weft"]],
    "sysctls": {"net.ipv4.conf.all.rp_filter": "0"},
    "disk_free": 1 << 34,
}


def wrong(change: dict[str, Any], skew: float = 0.0) -> list[tuple[str, str, str]]:
    findings = check_environment(Seen("h1", {**GOOD, **change}, skew))
    return [(str(f.state), f.check, f.found) for f in findings if f.state != "ok"]


CASES: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({}, []),
    ({"modules": {**GOOD["modules"], "openvswitch": "absent"}}, [("failed", "module openvswitch", "absent")]),
    ({"listeners": [["tcp", 6641, "nginx"]]}, [("failed", "ports", "tcp 6641 is nginx's")]),
    (
        {"links": {**GOOD["links"], "gnv0": {"mtu": 1500, "up": True, "addresses": [], "kind": "geneve"}}},
        [("failed", "ports", "link gnv0 is a geneve device")],
    ),
    (
        {"links": {"eth1": {"mtu": 1500, "up": False, "addresses": ["192.0.2.1"], "kind": ""}}},
        [("failed", "tunnel link", "eth1 is down")],
    ),
    (
        {"links": {"eth1": {"mtu": 1280, "up": True, "addresses": ["192.0.2.1"], "kind": ""}}},
        [("warning", "tunnel link", "eth1 has MTU 1280")],
    ),
    ({"links": {}}, [("failed", "tunnel link", "no link has 192.0.2.1")]),
    ({"dns": {"servers": [], "seconds": 0.1, "error": "unknown"}}, [("warning", "names", "no server")]),
    ({"dns": {"servers": [], "seconds": 5.0, "error": ""}}, [("warning", "names", "5.0 s for its own name")]),
    (
        {"switch": {**GOOD["switch"], "other_config": {"dpdk-init": "true"}}},
        [("failed", "hugepages", "none")],
    ),
    ({"cni": [["10-flannel.conflist", ["flannel"]]]}, [("warning", "CNI", "10-flannel.conflist")]),
    (
        {"cni": [["00-calico.conflist", ["calico"]], ["01-weft.conflist", ["weft"]]]},
        [("failed", "CNI", "00-calico.conflist")],
    ),
    ({"cni": [["01-weft.conflist", ["weft", "portmap"]], ["10-x.conf", ["bridge"]]]}, []),
    ({"versions": {**GOOD["versions"], "ovn": "23.03.1"}}, [("failed", "versions", "ovn 23.03.1")]),
    ({"units": {"firewalld": "active"}}, [("warning", "firewall", "firewalld runs")]),
    ({"sysctls": {"net.ipv4.conf.all.rp_filter": "1"}}, [("warning", "rp_filter", "strict")]),
    ({"disk_free": 1 << 20}, [("warning", "disk", "1 MiB free in /var")]),
    ({"switch": None, "units": {}, "cni": [], "listeners": []}, []),
]


@pytest.mark.parametrize(("change", "expected"), CASES)
def test_a_machine(change: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert wrong(change) == expected


@pytest.mark.parametrize(("skew", "state"), [(0.5, []), (-3.0, ["warning"]), (60.0, ["failed"])])
def test_a_clock(skew: float, state: list[str]) -> None:
    assert [found[0] for found in wrong({}, skew)] == state


def test_a_host_that_does_not_answer_and_hosts_that_differ() -> None:
    [lost] = check_environment(Seen("h2", error="no route to host"))
    assert (lost.state, lost.reason) == ("unknown", "no route to host")
    other = {**GOOD, "versions": {**GOOD["versions"], "ovn": "24.03.2"}}
    [found] = check_alike([Seen("h1", GOOD), Seen("h2", other), Seen("h3", error="x")])
    assert found.found == "24.03.2: h2; 25.03.0: h1"


def test_this_machine_tells_its_facts() -> None:
    tries = {
        "pings": [{"to": "127.0.0.1", "size": 56}],
        "connects": [{"protocol": "tcp", "to": "127.0.0.1", "port": 1}],
    }
    text = PROGRAM.read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-", json.dumps(tries)], input=text, capture_output=True, text=True, check=True
    )
    facts = json.loads(done.stdout)
    assert set(GOOD) <= set(facts)
    assert facts["pings"][0]["received"] in (0, 3)  # a sandbox may forbid pings
    assert facts["connects"][0]["answer"] in ("refused", "unknown")
    assert check_environment(Seen("here", facts))
