"""A pod is handed over when its gateway has answered, and its neighbours then know where it is."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import pytest

from tests.support.agent import AgentHost, Pod, eventually
from weft.agent import frames, netlink
from weft.agent.frames import Claim

GATEWAYS = ["10.17.0.1", "fd00:10:17::1"]
_numbers = iter(range(2, 250))


def router_port(agent: AgentHost, subnet: str, *networks: str) -> None:
    """The gateway of a subnet, as the controller has it made."""
    agent.sandbox.nbctl(
        "--may-exist", "lr-add", "vpc", "--", "lrp-add", "vpc", f"vpc-{subnet}", "0a:00:00:00:17:01", *networks, "--",
        "lsp-add", subnet, f"{subnet}-vpc", "--", "lsp-set-type", f"{subnet}-vpc", "router", "--",
        "lsp-set-addresses", f"{subnet}-vpc", "router", "--",
        "lsp-set-options", f"{subnet}-vpc", f"router-port=vpc-{subnet}",
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def subnets(agent: AgentHost) -> None:
    shape = {"cidrs": ["10.17.0.0/16", "fd00:10:17::/112"], "gateways": GATEWAYS, "mtu": 1400, "vpc": "ovn-cluster"}
    for name in ("green", "lonely"):
        agent.sandbox.nbctl("ls-add", name)
        agent.rows.insert("Subnet", name=name, host_routed=False, gateway_check=True, **shape)
    router_port(agent, "green", "10.17.0.1/16", "fd00:10:17::1/112")


def new_pod(agent: AgentHost, name: str, subnet: str = "green", **changes: Any) -> tuple[Pod, dict[str, Any]]:
    number = next(_numbers)
    pod = agent.pod(name)
    addresses = (f"10.17.0.{number}", f"fd00:10:17::{number:x}")
    row = agent.port_row(pod, subnet, f"0a:00:00:17:00:{number:02x}", *addresses, **changes)
    place = " ".join([row["mac"], *row["addresses"]])
    agent.sandbox.nbctl("lsp-add", subnet, pod.port, "--", "lsp-set-addresses", pod.port, place)
    agent.rows.insert("Port", **row)
    return pod, row


def is_wired(agent: AgentHost, pod: Pod) -> bool:
    return pod.port in agent.host.vsctl("--bare", "--columns=external_ids", "list", "Interface")


def test_a_pod_reaches_its_gateway_with_its_first_packet(agent: AgentHost) -> None:
    for number in range(5):
        pod, _ = new_pod(agent, f"first{number}")
        agent.add(pod)
        for gateway in GATEWAYS:
            agent.inside(pod, "ping", "-c", "1", "-W", "1", gateway)


def test_an_add_without_answer_says_who_was_asked_and_leaves_nothing(agent: AgentHost) -> None:
    pod, row = new_pod(agent, "unheard", "lonely")
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 11)
    assert "gateway 10.17.0.1 does not answer on eth0" in answer["msg"] or GATEWAYS[1] in answer["msg"]
    assert row["mac"] in answer["msg"]
    assert "disableGatewayCheck" in answer["details"]
    assert not is_wired(agent, pod)

    agent.rows.update("Subnet", "lonely", gateway_check=False)
    agent.add(pod)
    agent.rows.update("Subnet", "lonely", gateway_check=True)


def test_check_asks_the_gateway_where_an_add_does(agent: AgentHost) -> None:
    pod, row = new_pod(agent, "checked")
    agent.add(pod)
    assert agent.request("CHECK", pod) == (0, {})
    agent.sandbox.nbctl("--wait=hv", "lsp-set-options", "green-vpc", "router-port=nobody")
    status, answer = agent.request("CHECK", pod)
    agent.rows.update("Subnet", "green", gateway_check=False)
    unasked = eventually(lambda: agent.request("CHECK", pod)[0] == 0, "not asked any more")
    agent.rows.update("Subnet", "green", gateway_check=True)
    agent.sandbox.nbctl("--wait=hv", "lsp-set-options", "green-vpc", "router-port=vpc-green")
    assert (status, answer["code"], unasked) == (1, 101, True)
    assert "does not answer on eth0" in answer["msg"]
    assert row["mac"] in answer["msg"]
    eventually(lambda: agent.request("CHECK", pod) == (0, {}), "it answers again")


@pytest.mark.parametrize(
    ("spoil", "mend", "named"),
    [
        ("link set eth0 mtu 1300", "link set eth0 mtu 1400", "MTU is 1300, expected 1400"),
        ("route del default", "route add default via 10.17.0.1", "routes missing: 0.0.0.0/0 via 10.17.0.1"),
        ("route replace default via 10.17.0.9", "route replace default via 10.17.0.1", "0.0.0.0/0 via 10.17.0.1"),
    ],
)
def test_check_names_what_is_not_as_told(agent: AgentHost, spoil: str, mend: str, named: str) -> None:
    pod, _ = new_pod(agent, f"spoilt{next(_numbers)}")
    agent.add(pod)
    agent.inside(pod, "ip", *spoil.split())
    status, answer = agent.request("CHECK", pod)
    assert (status, answer["code"]) == (1, 101)
    assert named in answer["msg"]
    agent.inside(pod, "ip", *mend.split())
    assert agent.request("CHECK", pod) == (0, {})


def test_a_gateway_that_comes_late_is_waited_for(agent: AgentHost) -> None:
    agent.sandbox.nbctl("ls-add", "late")
    agent.rows.insert("Subnet", name="late", cidrs=["10.18.0.0/24"], gateways=["10.18.0.1"], mtu=1400,
                      vpc="ovn-cluster", host_routed=False, gateway_check=True)  # fmt: skip
    pod = agent.pod("patient")
    agent.sandbox.nbctl("lsp-add", "late", pod.port, "--", "lsp-set-addresses", pod.port, "0a:00:00:18:00:02 10.18.0.2")
    agent.rows.insert("Port", **agent.port_row(pod, "late", "0a:00:00:18:00:02", "10.18.0.2"))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(agent.add, pod)
        eventually(lambda: is_wired(agent, pod), "the interface is made")
        time.sleep(0.5)
        assert not answer.done()
        router_port(agent, "late", "10.18.0.1/24")
        assert answer.result()["ips"]


def test_a_machine_that_moves_here_is_not_asked_for_its_gateway(agent: AgentHost) -> None:
    pod, _ = new_pod(agent, "mover", "lonely", arriving=True)
    agent.add(pod)


@pytest.mark.parametrize(("family", "length"), [(0, 16), (1, 112)], ids=["IPv4", "IPv6"])
def test_an_address_that_somebody_else_has_is_refused(agent: AgentHost, family: int, length: int) -> None:
    """On a switch without gateway, so that the other one's answer is surely the first."""
    squatter, other = new_pod(agent, f"squatter{family}", "lonely", arriving=True)
    agent.add(squatter)
    pod, row = new_pod(agent, f"rightful{family}", "lonely")
    stolen = row["addresses"][family]
    agent.inside(squatter, "ip", "addr", "add", f"{stolen}/{length}", "dev", "eth0", *(["nodad"] if family else []))
    status, answer = agent.request("ADD", pod)
    assert (status, answer["code"]) == (1, 11)
    assert answer["msg"] == f"address {stolen} of eth0 ({row['mac']}) is in use by {other['mac']}"
    assert not is_wired(agent, pod)
    agent.inside(squatter, "ip", "addr", "del", f"{stolen}/{length}", "dev", "eth0")


@contextlib.contextmanager
def heard(pod: Pod) -> Iterator[set[Claim]]:
    """What a pod's neighbours say on its interface meanwhile."""
    found: set[Claim] = set()
    done = threading.Event()

    def listen() -> socket.socket:
        channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        channel.bind(("eth0", 3))
        channel.settimeout(0.05)
        return channel

    def read() -> None:
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                if told := frames.claim(channel.recv(2048)):
                    found.add(told)

    channel = netlink.in_namespace(pod.netns, listen)
    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        channel.close()


def test_neighbours_are_told_where_a_new_pod_is(agent: AgentHost) -> None:
    listener, _ = new_pod(agent, "listener")
    agent.add(listener)
    pod, row = new_pod(agent, "announced")
    with heard(listener) as claims:
        agent.add(pod)
        told = {Claim(ip_address(address), row["mac"]) for address in row["addresses"]}
        eventually(lambda: told <= claims, "announced in both families")
