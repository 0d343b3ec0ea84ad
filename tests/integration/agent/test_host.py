"""The host's own link, kept namespaces and status, against real Open vSwitch and OVN."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.support.agent import AgentHost, eventually
from tests.support.ovn import run

HOST = {
    "name": "h1", "port": "node-h1", "mac": "0a:00:00:00:64:02", "mtu": 0,
    "addresses": ["100.64.0.2/16", "fd00:100:64::2/112"], "gateways": ["100.64.0.1", "fd00:100:64::1"],
}  # fmt: skip
JOIN = {
    "name": "join", "vpc": "ovn-cluster", "cidrs": ["100.64.0.0/16", "fd00:100:64::/112"],
    "gateways": ["100.64.0.1", "fd00:100:64::1"], "mtu": 0, "host_routed": True,
}  # fmt: skip


def link(agent: AgentHost) -> dict[str, Any]:
    found = json.loads(agent.host.ip("-j", "addr"))
    return next((item for item in found if item["ifname"] == "ovn0"), {})


def addresses(agent: AgentHost) -> set[str]:
    items = link(agent).get("addr_info", [])
    return {f"{item['local']}/{item['prefixlen']}" for item in items if item["scope"] == "global"}


def routes(agent: AgentHost) -> set[tuple[str, str]]:
    found = json.loads(agent.host.ip("-j", "route")) + json.loads(agent.host.ip("-6", "-j", "route"))
    return {(item["dst"], item["gateway"]) for item in found if item.get("dev") == "ovn0" and "gateway" in item}


ROUTES = {("10.16.0.0/16", "100.64.0.1"), ("fd00:10:16::/112", "fd00:100:64::1")}


def test_host_link_comes_stays_and_goes_with_its_row(agent: AgentHost) -> None:
    agent.rows.insert("Subnet", **JOIN)
    agent.rows.insert("Host", **HOST)
    eventually(lambda: routes(agent) == ROUTES, "routes to the subnet")
    assert addresses(agent) == set(HOST["addresses"])  # type: ignore[call-overload]
    assert (link(agent)["address"], link(agent)["mtu"]) == (HOST["mac"], 1500)
    assert agent.host.vsctl("get", "Interface", "ovn0-ovs", "external_ids:iface-id") == "node-h1"

    agent.host.ip("route", "del", "10.16.0.0/16")
    agent.host.ip("addr", "del", "fd00:100:64::2/112", "dev", "ovn0")
    eventually(lambda: routes(agent) == ROUTES and addresses(agent) == set(HOST["addresses"]), "repaired", 3)  # type: ignore[call-overload]
    agent.host.ip("link", "set", "ovn0", "down")
    eventually(lambda: link(agent)["operstate"] == "UP" and routes(agent) == ROUTES, "raised again", 3)
    agent.host.ip("link", "del", "ovn0")
    eventually(lambda: routes(agent) == ROUTES, "made again", 3)
    agent.host.vsctl("del-port", "ovn0-ovs")
    agent.host.ip("route", "add", "192.0.2.0/24", "via", "100.64.0.1")
    agent.rows.update("Subnet", "blue", host_routed=False)
    eventually(lambda: routes(agent) == {("192.0.2.0/24", "100.64.0.1")}, "only the operator's own route", 3)
    eventually(lambda: "ovn0-ovs" in agent.host.vsctl("list-ports", "br-int").split(), "on the bridge again", 3)
    agent.rows.update("Subnet", "blue", host_routed=True)
    eventually(lambda: routes(agent) >= ROUTES, "routed again")
    index = link(agent)["ifindex"]
    agent.stop()
    agent.start()
    agent.host.daemons["ovs-vswitchd"].kill()
    agent.host.start_vswitchd()
    time.sleep(0.5)
    assert link(agent)["ifindex"] == index, "restarts of agent and vswitchd leave it"
    agent.rows.delete("Host", "h1")
    eventually(lambda: not link(agent) and "ovn0-ovs" not in agent.host.vsctl("list-ports", "br-int"), "removed")


def test_host_reaches_a_workload_through_the_router(agent: AgentHost) -> None:
    nb = agent.sandbox.nbctl
    nb("ls-add", "join", "--", "lr-add", "vpc", "--", "lsp-add", "join", "node-h1", "--",
       "lsp-set-addresses", "node-h1", f"{HOST['mac']} 100.64.0.2 fd00:100:64::2")  # fmt: skip
    nb("lrp-add", "vpc", "vpc-join", "0a:00:00:00:00:01", "100.64.0.1/16", "fd00:100:64::1/112", "--",
       "lrp-add", "vpc", "vpc-blue", "0a:00:00:00:01:01", "10.16.0.1/16", "fd00:10:16::1/112")  # fmt: skip
    for switch in ("join", "blue"):
        nb("lsp-add", switch, f"{switch}-vpc", "--", "lsp-set-type", f"{switch}-vpc", "router", "--",
           "lsp-set-addresses", f"{switch}-vpc", "router", "--",
           "lsp-set-options", f"{switch}-vpc", f"router-port=vpc-{switch}")  # fmt: skip
    agent.rows.insert("Host", **HOST)
    pod = agent.pod("target")
    row = agent.port_row(pod, "blue", "0a:00:00:00:02:07", "10.16.2.7", "fd00:10:16::27")
    nb("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, f"{row['mac']} 10.16.2.7 fd00:10:16::27")
    agent.rows.insert("Port", **row)
    agent.add(pod)
    eventually(lambda: routes(agent) >= ROUTES, "routes")
    for address in row["addresses"]:
        eventually(lambda address=address: _pings(agent, address), f"host reaches {address}", 5)
    # TCP too: needs the checksums that veth leaves out
    server = "import socket; s=socket.create_server(('10.16.2.7', 80)); c,_=s.accept(); c.sendall(b'hello'); c.close()"
    import subprocess
    import sys

    with subprocess.Popen(["nsenter", f"--net={pod.netns}", sys.executable, "-c", server]):
        time.sleep(0.3)
        client = "import socket; print(socket.create_connection(('10.16.2.7', 80), 3).recv(9).decode())"
        assert run("nsenter", f"--net=/run/netns/{agent.host.ns}", sys.executable, "-c", client) == "hello"


def _pings(agent: AgentHost, address: str) -> bool:
    try:
        run("nsenter", f"--net=/run/netns/{agent.host.ns}", "ping", "-c", "1", "-W", "1", address)
    except RuntimeError:
        return False
    return True


def kept_row(agent: AgentHost, name: str, number: int, uid: str = "u1") -> dict[str, Any]:
    address = f"10.16.3.{number}"
    agent.sandbox.nbctl("--may-exist", "lsp-add", "blue", f"{name}.fabric", "--",
                        "lsp-set-addresses", f"{name}.fabric", f"0a:00:00:00:03:{number:02x} {address}")  # fmt: skip
    return {
        "name": f"{name}.fabric", "host": "h1", "pod_namespace": "fabric", "pod_name": name, "pod_uid": uid,
        "interface": "eth0", "subnet": "blue", "mac": f"0a:00:00:00:03:{number:02x}", "addresses": [address],
        "device_type": "veth", "netns": f"{agent.sandbox.folder.name}-{name}",
    }  # fmt: skip


def has_address(netns: str, address: str) -> bool:
    try:
        return address in run("ip", "-n", netns, "-4", "-o", "addr", "show", "eth0")
    except RuntimeError:
        return False


def test_a_port_with_a_kept_namespace_is_refused_to_a_runtime(agent: AgentHost) -> None:
    pod, row = agent.new_pod("both", rows=False)
    kept = f"{agent.sandbox.folder.name}-both"
    agent.rows.insert("Port", **{**row, "netns": kept})
    eventually(lambda: has_address(kept, row["addresses"][0]), f"{kept} attached")
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 11)
    assert f"the agent keeps the namespace {kept} for it" in answer["msg"]
    assert has_address(kept, row["addresses"][0])
    agent.rows.delete("Port", pod.port)
    eventually(lambda: not Path("/run/netns", kept).exists(), f"{kept} removed")


def test_a_kept_namespace_follows_its_ports_address(agent: AgentHost) -> None:
    """What runs in it goes on; only the interface is made anew."""
    row = kept_row(agent, "moving", 20)
    agent.rows.insert("Port", **row)
    eventually(lambda: has_address(row["netns"], "10.16.3.20"), "attached")
    before = os.stat(f"/run/netns/{row['netns']}").st_ino
    agent.sandbox.nbctl("lsp-set-addresses", row["name"], f"{row['mac']} 10.16.3.21")
    agent.rows.update("Port", row["name"], addresses=["10.16.3.21"])
    eventually(lambda: has_address(row["netns"], "10.16.3.21"), "the new address")
    assert not has_address(row["netns"], "10.16.3.20")
    assert os.stat(f"/run/netns/{row['netns']}").st_ino == before
    agent.rows.delete("Port", row["name"])


def test_kept_namespaces_follow_their_ports(agent: AgentHost) -> None:
    rows = [kept_row(agent, f"vm{number}", number) for number in range(1, 6)]
    agent.rows.insert_many([("Port", row) for row in rows])
    for row in rows:
        eventually(lambda row=row: has_address(row["netns"], row["addresses"][0]), f"{row['netns']} attached")
    assert "LOOPBACK,UP" in run("ip", "-n", rows[0]["netns"], "link", "show", "lo")
    run("ip", "netns", "exec", rows[0]["netns"], "ping", "-c", "1", "-W", "2", rows[1]["addresses"][0])

    # a row that goes while the agent is stopped
    agent.stop(signal.SIGKILL)
    agent.rows.delete("Port", rows[4]["name"])
    index = run("ip", "-n", rows[0]["netns"], "-o", "link", "show", "eth0")
    agent.start()
    eventually(lambda: not Path("/run/netns", rows[4]["netns"]).exists(), "removed after the restart")
    assert run("ip", "-n", rows[0]["netns"], "-o", "link", "show", "eth0") == index

    # as after a reboot: no namespace, no link, records in Open vSwitch and on disk
    agent.stop()
    for row in rows[:4]:
        run("ip", "netns", "del", row["netns"])
    agent.start()
    for row in rows[:4]:
        eventually(lambda row=row: has_address(row["netns"], row["addresses"][0]), f"{row['netns']} is back")

    # another pod of the same name
    agent.rows.update("Port", rows[0]["name"], pod_uid="u2")
    eventually(
        lambda: agent.host.vsctl("--bare", "--columns=name", "find", "Interface", "external_ids:pod_uid=u2"), "replaced"
    )
    for row in rows[:4]:
        agent.rows.delete("Port", row["name"])
    for row in rows[:4]:
        eventually(lambda row=row: not Path("/run/netns", row["netns"]).exists(), f"{row['netns']} removed")
    # a note goes after its namespace, for an agent that dies in between
    eventually(lambda: not list((agent.state_dir / "netns").glob("*.json")), "no note is left")


def test_status_tells_what_the_host_is(agent: AgentHost) -> None:
    row = eventually(lambda: (r := status(agent)) and r["ready"] and r, "ready")
    assert row["encap_ip"] == agent.host.encap_ip
    assert (row["encap_type"], row["mtu"], row["datapath_type"], row["hostname"]) == ("geneve", 1600, "netdev", "h1")
    assert (row["versions"]["ovn"], row["versions"]["kernel"]) == ("25.03.0", os.uname().release)
    assert agent.host.encap_ip in ([row["addresses"]] if isinstance(row["addresses"], str) else row["addresses"])
    assert abs(row["last_seen"] - time.time()) < 60
    assert 0 < row["ready_since"] <= row["last_seen"]
    time.sleep(1)  # seconds are what the row counts
    agent.stop()
    agent.start()
    again = eventually(lambda: (r := status(agent)) and r["last_seen"] > row["last_seen"] and r, "written by the next")
    assert again["ready_since"] == row["ready_since"], "an agent's restart does not make the host ready anew"
    agent.host.vsctl("remove", "Open_vSwitch", ".", "external_ids", "ovn-encap-ip")
    row = eventually(lambda: (r := status(agent)) and not r["ready"] and r, "not ready without tunnel address")
    assert "ovn-encap-ip is not set" in row["problems"]["encap"]
    assert row["ready_since"] > again["ready_since"]
    agent.host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-encap-ip={agent.host.encap_ip}")
    eventually(lambda: (r := status(agent)) and r["ready"], "ready again")


def status(agent: AgentHost) -> dict[str, Any] | None:
    return agent.rows.select("Host_Status", "h1")


def test_a_gateway_says_more_often_that_it_is_alive(agent: AgentHost) -> None:
    eventually(lambda: (row := status(agent)) and row["heartbeat"] == 30, "the usual pace")
    agent.rows.insert("Subnet", name="gate", vpc="ovn-cluster", cidrs=["10.70.0.0/16"], gateway_hosts=["h1", "h2"])
    try:
        first = eventually(lambda: (row := status(agent)) and row["heartbeat"] == 3 and row, "the pace of a gateway")
        eventually(lambda: status(agent)["last_seen"] > first["last_seen"] + 1, "a heartbeat", timeout=6)
    finally:
        agent.rows.delete("Subnet", "gate")
    eventually(lambda: status(agent)["heartbeat"] == 30, "the usual pace again")


def test_emptied_database_removes_nothing(agent: AgentHost) -> None:
    before = link(agent)["ifindex"]
    operations = [{"op": "delete", "table": table, "where": []} for table in ("Port", "Subnet", "Host")]
    agent.sandbox.transact(agent.sandbox.weft, json.dumps(["Weft", *operations]))
    row = eventually(lambda: (r := status(agent)) and "fabric" in dict(r["problems"]) and r, "problem is shown")
    assert not row["ready"]
    assert link(agent)["ifindex"] == before
    assert routes(agent) >= ROUTES
