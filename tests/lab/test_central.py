"""The databases on real hosts: who may write and reach what, a member lost, certificates renewed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.lab.conftest import SWITCH, Host, Lab
from tests.lab.test_roles import role_play
from tests.support.play import play

pytestmark = pytest.mark.lab
Eventually = Callable[..., None]
PKI = "/etc/weft/pki"
MEMBERS = ("172.30.0.11", "172.30.0.12", "172.30.0.13")
UNITS = ("ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "weft-ovsdb")


def remote(port: int) -> str:
    return ",".join(f"ssl:{address}:{port}" for address in MEMBERS)


def tls(role: str) -> list[str]:
    return [f"--private-key={PKI}/{role}.key", f"--certificate={PKI}/{role}.crt", f"--ca-cert={PKI}/ca.crt"]


def transact(host: Host, role: str, port: int, *operations: object) -> list[dict[str, object]]:
    """What the Weft database answers to a certificate of the host."""
    request = json.dumps(["Weft", *operations])
    options = ["--timeout=20", "--no-leader-only", *tls(role)]  # a relay leads nothing
    done = host.run(["ovsdb-client", *options, "transact", remote(port), request])
    return list(json.loads(done.stdout))


def of(name: str) -> list[list[str]]:
    return [["name", "==", name]]


# --- access ---


def test_a_host_may_write_its_own_status(lab: Lab) -> None:
    row = {"hostname": "lab2"}
    operation = {"op": "update", "table": "Host_Status", "where": of("lab2"), "row": row}
    assert transact(lab["lab2"], "host", 6645, operation) == [{"count": 1}]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "update", "table": "Host_Status", "where": of("lab3"), "row": {"ready": False}},
        {"op": "delete", "table": "Host_Status", "where": of("lab3")},
        {"op": "insert", "table": "Host_Status", "row": {"name": "lab9"}},
        {"op": "insert", "table": "Object", "row": {"kind": "Pod", "name": "x"}},
        {"op": "update", "table": "Fabric", "where": [], "row": {"epoch": 99}},
        {"op": "mutate", "table": "Host", "where": [], "mutations": [["mtu", "+=", 1]]},
        {"op": "delete", "table": "Port", "where": []},
        {"op": "update", "table": "RBAC_Permission", "where": [], "row": {"insert_delete": False}},
    ],
    ids=lambda operation: f"{operation['op']} {operation['table']}",
)
def test_a_host_may_write_nothing_else(lab: Lab, operation: dict[str, object]) -> None:
    (answer,) = transact(lab["lab2"], "host", 6645, operation)
    assert answer["error"] == "permission error"


def knock(lab: Lab, port: int) -> str:
    """What somebody who is neither member nor controller gets: the lab's switch has an address of its own."""
    script = (
        "import socket, sys\n"
        "try:\n"
        f"    socket.create_connection(('{MEMBERS[0]}', {port}), 5).close()\n"
        "    print('open')\n"
        "except ConnectionRefusedError:\n"
        "    print('refused')\n"
    )
    command = ["ip", "netns", "exec", SWITCH, sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()


@pytest.mark.parametrize("port", [6641, 6643, 6644, 6646, 16642, 16645])
def test_listeners_without_access_role_are_closed_to_hosts(lab: Lab, port: int) -> None:
    assert knock(lab, port) == "refused"


@pytest.mark.parametrize("port", [6642, 6645])
def test_listeners_for_hosts_are_open(lab: Lab, port: int) -> None:
    assert knock(lab, port) == "open"


def test_the_packet_filter_leaves_other_tables_alone(lab: Lab) -> None:
    host = lab["lab1"]
    host.run("nft add table inet somebody_else")
    try:
        host.run("systemctl restart weft-central-firewall")
        tables = host.run("nft list tables").stdout
        assert "inet somebody_else" in tables
        assert "inet weft_central" in tables
    finally:
        host.run("nft delete table inet somebody_else")


# --- a member lost ---


@pytest.fixture
def stopped(lab: Lab) -> Iterator[Host]:
    """The member that leads the Northbound, stopped with all its databases."""
    leader = next(host for host in lab if "Role: leader" in status(host))
    leader.run(["systemctl", "stop", *UNITS])
    yield leader
    leader.run(["systemctl", "start", *UNITS])


def status(host: Host) -> str:
    return host.run("ovs-appctl -t /run/ovn/ovnnb_db.ctl cluster/status OVN_Northbound", check=False).stdout


def writes(host: Host) -> bool:
    """Whether all three databases take a write, asked from a host by TLS like any other client."""
    northbound = [
        "ovn-nbctl",
        "--timeout=5",
        *tls("controller"),
        f"--db={remote(6641)}",
        "set",
        "NB_Global",
        ".",
        "external_ids:lab-test=1",
    ]
    southbound = [
        "ovn-sbctl",
        "--timeout=5",
        *tls("controller"),
        f"--db={remote(16642)}",
        "set",
        "SB_Global",
        ".",
        "external_ids:lab-test=1",
    ]
    if not all(host.run(command, check=False).ok for command in (northbound, southbound)):
        return False
    row = {"external_ids": ["map", [["lab-test", "1"]]]}
    request = json.dumps(["Weft", {"op": "update", "table": "Fabric", "where": [], "row": row}])
    answer = host.run(
        ["ovsdb-client", "--timeout=5", *tls("controller"), "transact", remote(16645), request], check=False
    )
    return answer.ok and "count" in answer.stdout


def test_writes_go_on_without_the_leader(lab: Lab, stopped: Host, eventually: Eventually) -> None:
    other = next(host for host in lab if host != stopped)
    eventually(lambda: writes(other), within=30, what="writes without the member that led")


def test_the_member_is_back(lab: Lab, eventually: Eventually) -> None:
    """After the test before: its start ended only when it was part of its clusters again."""
    for host in lab:
        assert "Status: cluster member" in status(host)
        assert all(host.active(unit) for unit in UNITS)


# --- certificates ---


def serial(host: Host, role: str) -> str:
    return host.run(["openssl", "x509", "-noout", "-serial", "-in", f"{PKI}/{role}.crt"]).stdout


def served(host: Host, port: int) -> str:
    """Serial number of the certificate that a listener shows to a new client."""
    client = f"-cert {PKI}/admin.crt -key {PKI}/admin.key </dev/null 2>/dev/null"
    command = f"openssl s_client -connect {MEMBERS[0]}:{port} {client} | openssl x509 -noout -serial"
    return host.run(command, check=False).stdout


def test_renewal_reaches_running_servers(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, eventually: Eventually
) -> None:
    """Certificates with fewer days left than asked are replaced; running servers show the new ones."""
    host = lab["lab1"]
    path = role_play(tmp_path_factory.mktemp("pki"), "pki")
    roles = ("ovn-central", "ovn-relay", "host", "controller", "admin")
    keys = host.run(f"sha256sum {PKI}/*.key").stdout
    before = {role: serial(host, role) for role in roles}
    pids = host.run("cat /run/ovn/*.pid").stdout

    play(path, variables={"pki_renew_before_days": 2000}).succeeded()

    after = {role: serial(host, role) for role in roles}
    assert all(before[role] != after[role] for role in roles)
    assert host.run(f"sha256sum {PKI}/*.key").stdout == keys, "renewal keeps the keys"
    for port, role in ((6641, "ovn-central"), (16642, "ovn-central"), (6642, "ovn-relay"), (6645, "ovn-relay")):
        eventually(
            lambda port=port, role=role: served(host, port) == after[role],
            within=10,
            what=f"port {port} shows the new one",
        )
    assert host.run("cat /run/ovn/*.pid").stdout == pids, "daemons of OVN read new certificates without a restart"
    assert play(path).succeeded().changed == {"lab1": 0, "lab2": 0, "lab3": 0}


def test_each_host_has_a_key_of_its_own_that_only_root_reads(lab: Lab) -> None:
    keys = {name: host.run(f"cat {PKI}/host.key").stdout for name, host in lab.hosts.items()}
    assert len(set(keys.values())) == len(keys)
    modes = lab["lab1"].run(f"stat -c %a {PKI}/*.key").stdout.split()
    assert set(modes) == {"640"}
