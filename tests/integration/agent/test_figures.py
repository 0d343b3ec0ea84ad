"""The agent's page of metrics, scraped after real packets and while daemons are away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.agent import AgentHost, Pod, eventually, lone_host
from tests.support.ovn import available, schema
from tests.support.page import WHERE, Page, labels, scrape, value


@pytest.fixture(scope="module")
def agent() -> Iterator[AgentHost]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    blue = {"cidrs": ["10.16.0.0/16"], "gateways": ["10.16.0.1"]}
    with lone_host(blue, metrics=WHERE, add_timeout=5) as host:
        host.start()
        yield host


def wired(agent: AgentHost, name: str, number: int) -> Pod:
    mac, address = f"0a:00:00:00:00:{number:02x}", f"10.16.0.{number}"
    pod = agent.pod(name)
    agent.sandbox.nbctl("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, f"{mac} {address}")
    agent.rows.insert("Port", **agent.port_row(pod, "blue", mac, address))
    agent.add(pod)
    return pod


def test_packets_of_a_pod_are_counted_under_its_name(agent: AgentHost) -> None:
    pod, other = wired(agent, "web", 7), wired(agent, "db", 8)
    eventually(lambda: "1 received" in agent.inside(pod, "ping", "-c", "1", "-W", "1", "10.16.0.8"), "a path")
    agent.inside(pod, "ping", "-c", "50", "-i", "0.01", "-s", "1000", "10.16.0.8")

    def counted() -> Page | None:
        page = scrape(agent)
        return page if (value(page, "kube_ovn_interface_rx_packets", pod_name="web") or 0) >= 50 else None

    page = eventually(counted, "vswitchd has written what it counted", 15)
    assert (value(page, "kube_ovn_interface_rx_bytes", pod_name="web", pod_namespace="default") or 0) >= 50 * 1000
    assert (value(page, "kube_ovn_interface_tx_packets", pod_name="db") or 0) >= 50
    assert value(page, "kube_ovn_interface_rx_dropped", pod_name="web") == 0
    name = next(item["interfaceName"] for item in labels(page, "kube_ovn_interface_rx_packets")
                if item["pod_name"] == "web")  # fmt: skip
    assert value(page, "kube_ovn_interface_mtu", interfaceName=name) == 1400
    assert value(page, "kube_ovn_interface_link_state", interfaceName=name, hostname="h1") == 1
    assert (value(page, "kube_ovn_interface_of_port", interfaceName=name) or 0) > 0
    seen = sum(
        value(page, f"kube_ovn_dp_flows_lookup_{what}", datapath="ovs-netdev") or 0 for what in ("hit", "missed")
    )
    assert seen >= 100
    assert value(page, "kube_ovn_dp_if", port=name) == 1
    assert value(page, "kube_ovn_dp_if_total", datapath="ovs-netdev") == len(labels(page, "kube_ovn_dp_if"))
    assert value(page, "weft_agent_attachments") == value(page, "weft_agent_ports") == 2
    for item in (pod, other):
        assert agent.request("DEL", item)[0] == 0
        agent.rows.delete("Port", item.port)
    page = scrape(agent)
    assert not any(item["pod_name"] for item in labels(page, "kube_ovn_interface_rx_packets")), "gone with the pod"


def test_failures_are_counted_by_what_was_missing(agent: AgentHost) -> None:
    pod = agent.pod("lost")
    agent.rows.insert("Port", **agent.port_row(pod, "blue", "0a:00:00:00:00:09", "10.16.0.9", pod_uid="another"))
    assert agent.request("ADD", pod)[0] == 1
    agent.rows.delete("Port", pod.port)
    assert agent.request("CHECK", pod)[0] == 1
    assert agent.request("ADD", pod, version="9.9")[0] == 1
    page = scrape(agent)
    for command, reason in (("ADD", "other-pod"), ("CHECK", "differs"), ("ADD", "version")):
        assert value(page, "weft_agent_cni_failures_total", command=command, reason=reason) == 1
    assert value(page, "weft_agent_cni_requests_total", command="ADD", code="11") == 1


def test_what_the_daemons_and_the_kernel_say_of_themselves(agent: AgentHost) -> None:
    page = scrape(agent)
    [about] = labels(page, "kube_ovn_ovs_info")
    assert (about["system_id"], about["hostname"]) == ("h1", "h1")
    assert value(page, "kube_ovn_datapath", type="netdev", datapath="ovs-netdev", hostname="h1") == 1
    assert {item["component"] for item in labels(page, "kube_ovn_log_file_size_bytes")} == {
        "ovsdb-server", "ovs-vswitchd", "ovn-controller",
    }  # fmt: skip
    assert (
        value(page, "kube_ovn_db_file_size_bytes", db_name=str(agent.rundir / "db"))
        == (agent.rundir / "db").stat().st_size
    )
    assert value(page, "checksum_err_count", hostname="h1") is not None
    assert labels(page, "ip_local_port_range")
    assert value(page, "weft_agent_southbound_connected") == value(page, "pinger_ovn_controller_up") == 1


def up(agent: AgentHost) -> tuple[float | None, ...]:
    """Of ovsdb-server, ovs-vswitchd, ovn-controller."""
    page = scrape(agent)
    status = (value(page, "kube_ovn_ovs_status", component=name) for name in ("ovsdb-server", "ovs-vswitchd"))
    return (*status, value(page, "pinger_ovn_controller_up", nodeName="h1"))


def test_what_is_away_costs_its_own_figures(agent: AgentHost) -> None:
    host, daemons = agent.host, agent.host.daemons
    assert up(agent) == (1, 1, 1)
    daemons["ovn-controller"].kill()
    assert up(agent) == (1, 1, 0)
    host.start_controller()
    daemons["ovsdb-server"].kill()
    page = scrape(agent)
    assert value(page, "kube_ovn_ovs_status", component="ovsdb-server") == 0
    assert not labels(page, "kube_ovn_interface")
    assert labels(page, "kube_ovn_datapath")
    assert (value(page, "kube_ovn_failed_req_count") or 0) >= 2
    daemons["ovsdb-server"] = agent.sandbox._database("h1", schema("vswitch"))
    daemons["ovs-vswitchd"].kill(signal.SIGKILL)
    assert up(agent)[:2] == (1, 0)
    host.start_vswitchd()
    eventually(lambda: up(agent) == (1, 1, 1), "all are back")


def test_a_daemon_that_hangs_keeps_neither_the_page_nor_the_agent(agent: AgentHost) -> None:
    pid = agent.host.daemons["ovs-vswitchd"].pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        page = scrape(agent)
        assert time.monotonic() - started < 8
        assert value(page, "kube_ovn_ovs_status", component="ovs-vswitchd") == 0
        assert labels(page, "kube_ovn_interface_mtu"), "the database still knows"
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: up(agent) == (1, 1, 1), "it goes on")
