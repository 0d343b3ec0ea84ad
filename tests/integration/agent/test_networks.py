"""Several networks of a pod, with real Open vSwitch, OVN and the reference CNI plugins.

What the controller would write is inserted here. Networks: `blue` (each pod's own), `attachnet` and `layer2` (of our
plugin), and `macvlan` (another plugin's interfaces, our addresses), as the Kube-OVN 1.15 manual has them, section 7.1.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.agent import OTHER_PLUGINS, AgentHost, Pod, eventually

ATTACHNET = "attachnet.default.ovn"
MACVLAN = "macvlan.default"
NAD = {
    "cniVersion": "0.3.0", "type": "kube-ovn", "server_socket": "/run/openvswitch/kube-ovn-daemon.sock",
    "provider": ATTACHNET,
}  # fmt: skip
_numbers = iter(range(2, 250))


@pytest.fixture(scope="module", autouse=True)
def networks(agent: AgentHost) -> None:
    if not (OTHER_PLUGINS / "macvlan").exists():
        pytest.skip("needs the package containernetworking-plugins (tools/deps)")
    agent.sandbox.nbctl("ls-add", "attachnet", "--", "ls-add", "layer2")
    subnet = {"vpc": "ovn-cluster", "mtu": 1400, "host_routed": False}
    agent.rows.insert(
        "Subnet", name="attachnet", cidrs=["172.17.0.0/16", "fd00:172::/112"], gateways=["172.17.0.1", "fd00:172::1"],
        **subnet,
    )  # fmt: skip
    agent.rows.insert("Subnet", name="layer2", cidrs=[], gateways=[], **subnet)
    agent.rows.insert("Subnet", name="macvlan", cidrs=["172.18.0.0/16"], gateways=["172.18.0.1"], **subnet)


class Networks:
    """Makes pods and the rows of their networks."""

    def __init__(self, agent: AgentHost) -> None:
        self.agent = agent
        self.number = 0

    def pod(self, name: str, **changes: Any) -> Pod:
        """A pod with the row of its own network."""
        self.number = next(_numbers)
        pod = self.agent.pod(name)
        self._row(pod, "blue", f"10.16.1.{self.number}", f"fd00:10:16::1{self.number:02x}", **changes)
        return pod

    def attach(self, pod: Pod, subnet: str = "attachnet", **changes: Any) -> dict[str, Any]:
        """The row of a further network."""
        addresses = {
            "attachnet": (f"172.17.0.{self.number}", f"fd00:172::{self.number:x}"),
            "layer2": (),
            "macvlan": (f"172.18.0.{self.number}",),
        }[subnet]
        provider = f"{subnet}.default" if subnet == "macvlan" else f"{subnet}.default.ovn"
        return self._row(pod, subnet, *addresses, **{"provider": provider, **changes})

    def _row(self, pod: Pod, subnet: str, *addresses: str, **changes: Any) -> dict[str, Any]:
        mac = f"0a:01:00:{len(subnet):02x}:{changes.pop('nth', 0):02x}:{self.number:02x}"
        row = self.agent.port_row(pod, subnet, mac, *addresses, **changes)
        if row["device_type"] == "veth":
            self.agent.sandbox.nbctl(
                "lsp-add",
                subnet,
                row["name"],
                "--",
                "lsp-set-addresses",
                row["name"],
                " ".join([mac, *row["addresses"]]),
            )
        self.agent.rows.insert("Port", **row)
        return row


@pytest.fixture
def net(agent: AgentHost) -> Networks:
    return Networks(agent)


def routes(agent: AgentHost, pod: Pod, family: str = "-4") -> set[tuple[str, str, str]]:
    """(destination, gateway, interface) of the routes by a gateway."""
    found = json.loads(agent.inside(pod, "ip", family, "-j", "route"))
    return {(route["dst"], route["gateway"], route["dev"]) for route in found if "gateway" in route}


def interfaces(agent: AgentHost, pod: Pod) -> set[str]:
    return {link["ifname"] for link in json.loads(agent.inside(pod, "ip", "-j", "link"))} - {"lo"}


def ping(agent: AgentHost, pod: Pod, address: str, interface: str) -> None:
    """The first packet of a new path may be lost."""
    agent.inside(pod, "ping", "-c", "1", "-w", "5", "-I", interface, address)


@pytest.mark.parametrize("order", [("eth0", "net1"), ("net1", "eth0")])
def test_two_networks_of_our_plugin_carry_packets(agent: AgentHost, net: Networks, order: tuple[str, str]) -> None:
    pods, rows = [], []
    for name in ("one", "two"):
        pod = net.pod(f"{name}-{order[0]}")
        rows.append((agent.rows.select("Port", pod.port), net.attach(pod)))
        for ifname in order:
            agent.add(pod, ifname=ifname, **(NAD if ifname == "net1" else {}))
        pods.append(pod)
    assert interfaces(agent, pods[0]) == {"eth0", "net1"}
    assert agent.host.vsctl("--columns=name", "find", "Interface", f"external_ids:iface-id={rows[0][1]['name']}")
    own, further = rows[1]
    assert own
    ping(agent, pods[0], own["addresses"][0], "eth0")
    for address in further["addresses"]:
        ping(agent, pods[0], address, "net1")
    assert routes(agent, pods[0]) == {("default", "10.16.0.1", "eth0")}
    for ifname in order:
        assert agent.request("CHECK", pods[0], ifname=ifname, **(NAD if ifname == "net1" else {})) == (0, {})


def test_default_route_by_an_attachment_and_routes_of_both(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("routed", default_route=False, routes=["192.168.1.0/24 via 10.16.0.254"])
    net.attach(pod, default_route=True, routes=["192.168.0.0/24 via 172.17.0.254", "fd99::/64 via fd00:172::254"])
    agent.add(pod)
    answer = agent.add(pod, ifname="net1", **NAD)
    assert {"dst": "0.0.0.0/0", "gw": "172.17.0.1"} in answer["routes"]
    assert routes(agent, pod) == {
        ("default", "172.17.0.1", "net1"),
        ("192.168.0.0/24", "172.17.0.254", "net1"),
        ("192.168.1.0/24", "10.16.0.254", "eth0"),
    }
    assert routes(agent, pod, "-6") == {
        ("default", "fd00:172::1", "net1"), ("fd99::/64", "fd00:172::254", "net1"),
    }  # fmt: skip
    agent.inside(pod, "ip", "route", "del", "192.168.0.0/24")
    status, answer = agent.request("CHECK", pod, ifname="net1", **NAD)
    assert (status, answer["code"]) == (1, 101)
    assert answer["msg"] == "default/routed net1: routes missing: 192.168.0.0/24 via 172.17.0.254"


def test_default_route_by_a_gateway_that_the_pod_names(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("named", default_route=False)
    net.attach(pod, routes=["0.0.0.0/0 via 172.17.0.9"])
    agent.add(pod)
    agent.add(pod, ifname="net1", **NAD)
    assert routes(agent, pod) == {("default", "172.17.0.9", "net1")}


def test_route_that_cannot_be_set_undoes_the_interface(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("lost")
    net.attach(pod, routes=["192.168.0.0/24 via 10.99.0.1"])
    status, answer = agent.request("ADD", pod, ifname="net1", **NAD)
    assert (status, answer["code"]) == (1, 5)
    assert "route 192.168.0.0/24 via 10.99.0.1: Network is unreachable" in answer["msg"]
    assert interfaces(agent, pod) == set()


def test_each_interface_is_removed_alone(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("apart")
    net.attach(pod)
    agent.add(pod)
    agent.add(pod, ifname="net1", **NAD)
    assert agent.request("DEL", pod, ifname="net1", **NAD) == (0, {})
    assert interfaces(agent, pod) == {"eth0"}
    assert agent.request("CHECK", pod) == (0, {})
    assert agent.request("DEL", pod, ifname="net1", **NAD) == (0, {}), "DEL again is no error"
    agent.add(pod, ifname="net1", **NAD)
    assert agent.request("DEL", pod) == (0, {})
    assert interfaces(agent, pod) == {"net1"}


def test_one_network_attached_twice(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("twin")
    for nth, ifname in enumerate(("net1", "net2"), 1):
        address = f"172.17.1.{nth}"
        name = f"{pod.port}.{ATTACHNET}.{ifname}"
        changes = {"name": name, "interface": ifname, "addresses": [address], "nth": nth}
        net.attach(pod, **changes)
        assert agent.add(pod, ifname=ifname, **NAD)["ips"][0]["address"] == f"{address}/16"
    assert interfaces(agent, pod) == {"net1", "net2"}
    status, answer = agent.request("ADD", pod, ifname="net3", **NAD)
    assert (status, answer["code"]) == (1, 11)
    assert answer["msg"].startswith(f"Port/{pod.port}.{ATTACHNET}: not in the Weft database for host h1")
    assert f"a subnet has to have the provider {ATTACHNET}" in answer["details"]


def test_interface_without_addresses(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("plain")
    row = net.attach(pod, "layer2")
    answer = agent.add(pod, ifname="net1", type="kube-ovn", provider="layer2.default.ovn")
    assert (answer["ips"], answer["routes"]) == ([], [])
    link = json.loads(agent.inside(pod, "ip", "-j", "addr", "show", "net1"))[0]
    assert (link["address"], link["operstate"]) == (row["mac"], "UP")
    assert [item for item in link["addr_info"] if item["scope"] == "global"] == []
    assert agent.request("CHECK", pod, ifname="net1", type="kube-ovn", provider="layer2.default.ovn") == (0, {})


def test_attachments_outlive_the_agent_and_are_cleaned_alone(agent: AgentHost, net: Networks) -> None:
    pod = net.pod("outlives")
    row = net.attach(pod)
    agent.add(pod)
    host = agent.add(pod, ifname="net1", **NAD)["interfaces"][0]["name"]
    index = agent.inside(pod, "ip", "-o", "link", "show", "net1")
    eventually(lambda: row["name"] in (agent.state_dir / "view.json").read_text(), "view is on disk")
    agent.stop()
    agent.start()
    assert agent.request("CHECK", pod, ifname="net1", **NAD) == (0, {})
    assert agent.inside(pod, "ip", "-o", "link", "show", "net1") == index
    agent.inside(pod, "ip", "link", "del", "net1")
    eventually(lambda: host not in agent.host.vsctl("list-ports", "br-int").split(), "its port is removed")
    assert agent.request("CHECK", pod) == (0, {}), "the other interface stays"


def test_our_plugin_only_for_attachments(agent: AgentHost, net: Networks) -> None:
    """The default network is another plugin's (bridge, here), in whose result ours goes on."""
    net.number = next(_numbers)
    pod = agent.pod("secondary")
    bridge = {
        "type": "bridge", "bridge": "cni0", "isDefaultGateway": True,
        "ipam": {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": str(agent.rundir / "host-local")},
    }  # fmt: skip
    first = agent.add(pod, **bridge)
    net.attach(pod, routes=["192.168.0.0/24 via 172.17.0.254"])
    answer = agent.add(pod, ifname="net1", prevResult=first, **NAD)
    assert [item["name"] for item in answer["interfaces"]][:1] == ["cni0"]
    assert answer["interfaces"][answer["ips"][-1]["interface"]]["name"] == "net1"
    assert routes(agent, pod) == {("default", "10.88.0.1", "eth0"), ("192.168.0.0/24", "172.17.0.254", "net1")}
    assert agent.request("DEL", pod, ifname="net1", **NAD) == (0, {})
    assert interfaces(agent, pod) == {"eth0"}
    assert agent.request("DEL", pod, **bridge) == (0, {})


def test_gc_removes_what_is_not_valid_any_more_of_its_network(agent: AgentHost, net: Networks) -> None:
    pods = []
    for name in ("stays", "goes"):
        pod = net.pod(name)
        pods.append(pod)
        net.attach(pod)
        agent.add(pod, name="gc")
        agent.add(pod, ifname="net1", **NAD, name="other")
    stays, goes = pods
    valid = {"cni.dev/valid-attachments": [{"containerID": stays.container, "ifname": "eth0"}]}
    assert agent.request("GC", name="gc", **valid) == (0, {})
    assert interfaces(agent, stays) == {"eth0", "net1"}
    assert interfaces(agent, goes) == {"net1"}, "that of another network stays"
    status, answer = agent.request("GC", name="gc")
    assert (status, answer["code"]) == (1, 7)
    assert answer["msg"].startswith("cni.dev/valid-attachments: ")
    assert interfaces(agent, stays) == {"eth0", "net1"}


# --- addresses for other plugins ---


def other(agent: AgentHost, kind: str, **more: Any) -> dict[str, Any]:
    """A network configuration of another plugin with our addresses."""
    ipam = {
        "type": "kube-ovn", "server_socket": "/run/openvswitch/kube-ovn-daemon.sock", "provider": MACVLAN,
        "weft_socket": str(agent.socket),
    }  # fmt: skip
    return {"cniVersion": "0.4.0", "type": kind, "ipam": ipam, **more}


def test_macvlan_with_our_addresses(agent: AgentHost, net: Networks) -> None:
    config = other(agent, "macvlan", master="eth1", mode="bridge")
    pods, rows = [], []
    for name in ("mac1", "mac2"):
        pod = net.pod(name)
        rows.append(net.attach(pod, "macvlan", device_type="none", routes=["192.168.0.0/24 via 172.18.0.254"]))
        agent.add(pod)
        answer = agent.add(pod, ifname="net1", **config)
        assert answer["ips"][0]["address"] == f"{rows[-1]['addresses'][0]}/16"
        pods.append(pod)
    ping(agent, pods[0], rows[1]["addresses"][0], "net1")
    assert routes(agent, pods[0]) == {("default", "10.16.0.1", "eth0"), ("192.168.0.0/24", "172.18.0.254", "net1")}
    assert agent.request("CHECK", pods[1], ifname="net1", prevResult=answer, **config) == (0, {})
    agent.rows.update("Port", rows[1]["name"], addresses=["172.18.9.9"])
    status, refusal = agent.request("CHECK", pods[1], ifname="net1", prevResult=answer, **config)
    assert (status, refusal["code"]) == (1, 101)
    assert refusal["msg"].endswith(f"addresses: 172.18.9.9/16 are not on net1, which has {answer['ips'][0]['address']}")
    for _ in range(2):
        assert agent.request("DEL", pods[0], ifname="net1", **config) == (0, {})
    assert interfaces(agent, pods[0]) == {"eth0"}


def test_host_device_with_our_addresses_and_the_default_route(agent: AgentHost, net: Networks) -> None:
    agent.host.ip("link", "add", "spare0", "type", "veth", "peer", "name", "spare1")
    pod = net.pod("device", default_route=False)
    row = net.attach(pod, "macvlan", device_type="none", default_route=True)
    agent.add(pod)
    config = other(agent, "host-device", device="spare0")
    answer = agent.add(pod, ifname="net1", **config)
    assert answer["ips"][0]["address"] == f"{row['addresses'][0]}/16"
    assert routes(agent, pod) == {("default", "172.18.0.1", "net1")}
    assert agent.request("DEL", pod, ifname="net1", **config) == (0, {})
    agent.host.ip("link", "del", "spare0")


@pytest.mark.parametrize("device_type", ["veth", "none"])
def test_row_and_configuration_agree_on_who_makes_the_interface(
    agent: AgentHost, net: Networks, device_type: str
) -> None:
    pod = net.pod(f"who-{device_type}")
    row = net.attach(pod, "macvlan", device_type="none")
    agent.rows.update("Port", row["name"], device_type=device_type)
    config = other(agent, "macvlan", master="eth1") if device_type == "veth" else {"provider": MACVLAN}
    status, answer = agent.request("ADD", pod, ifname="net1", **config)
    assert (status, answer["code"]) == (1, 7)
    assert answer["msg"].startswith(f"Port/{row['name']}: device_type is {device_type}, but the plugin is called ")
