"""A host with workloads on the fabric and two networks beyond it: where gateways are tried by packets.

`blue` and `red` are subnets of the default VPC, each with a workload; the host is 192.168.1.101 and 192.168.2.101
outside and 100.64.0.2 on the fabric; the network of `FAR` is behind both outside networks, the default route leads to
the first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.support.agent import AgentHost, Pod, eventually
from tests.support.outside import answering, ask, make_outside
from tests.support.ovn import namespace_command, run

FAR = ("203.0.113.1", "2001:db8::1")
JOIN = ("100.64.0.2", "fd00:100:64::2")
ELSEWHERE = ("100.64.0.3", "fd00:100:64::3")
POD = {"blue": ("10.16.0.7", "fd00:10:16::7"), "red": ("10.17.0.7", "fd00:10:17::7")}
FURTHER = ("10.16.0.2", "10.16.0.130", "10.16.0.254")
DEFAULTS: dict[str, Any] = {
    "nat_outgoing": True, "egress_gateways": [], "policy_table": [], "policy_priority": [], "gateway_hosts": [],
    "gateway_addresses": {},
}  # fmt: skip


class Site:
    """A host with two workloads and two networks beyond it."""

    def __init__(self, agent: AgentHost) -> None:
        self.agent = agent
        self.host = str(agent.host.ns)
        self.outside = [make_outside(agent.host, number, f"{FAR[0]}/28", f"{FAR[1]}/128") for number in (1, 2)]
        self.pods: dict[str, Pod] = {}

    def build(self) -> None:
        agent, nb = self.agent, self.agent.sandbox.nbctl
        for family, near in (("-4", 0), ("-6", 1)):
            agent.host.ip(family, "route", "add", "default", "via", self.outside[0].own[near])
            for outside in self.outside:
                outside.ip(family, "route", "add", "default", "via", outside.host[near])
        agent.rows.insert(
            "Subnet", name="red", vpc="ovn-cluster", cidrs=["10.17.0.0/16", "fd00:10:17::/112"],
            gateways=["10.17.0.1", "fd00:10:17::1"], mtu=1400, host_routed=True, nat_outgoing=True,
        )  # fmt: skip
        agent.rows.insert(
            "Subnet", name="join", vpc="ovn-cluster", cidrs=["100.64.0.0/16", "fd00:100:64::/112"],
            gateways=["100.64.0.1", "fd00:100:64::1"], mtu=1400, host_routed=False,
        )  # fmt: skip
        agent.rows.insert("Subnet", name="marker", vpc="ovn-cluster", cidrs=[], gateways=[], mtu=1400, host_routed=True)
        agent.rows.insert(
            "Host", name="h1", port="node-h1", mac="0a:00:00:00:64:02", mtu=1400,
            addresses=["100.64.0.2/16", "fd00:100:64::2/112"], gateways=["100.64.0.1", "fd00:100:64::1"],
        )  # fmt: skip
        nb("ls-add", "red", "--", "ls-add", "join", "--", "lr-add", "vpc", "--", "lsp-add", "join", "node-h1", "--",
           "lsp-set-addresses", "node-h1", f"0a:00:00:00:64:02 {' '.join(JOIN)}")  # fmt: skip
        routers = {"join": "100.64.0.1/16 fd00:100:64::1/112", "blue": "10.16.0.1/16 fd00:10:16::1/112",
                   "red": "10.17.0.1/16 fd00:10:17::1/112"}  # fmt: skip
        for number, (switch, networks) in enumerate(routers.items(), 1):
            nb("lrp-add", "vpc", f"vpc-{switch}", f"0a:00:00:00:ff:{number:02x}", *networks.split(), "--",
               "lsp-add", switch, f"{switch}-vpc", "--", "lsp-set-type", f"{switch}-vpc", "router", "--",
               "lsp-set-addresses", f"{switch}-vpc", "router", "--",
               "lsp-set-options", f"{switch}-vpc", f"router-port=vpc-{switch}")  # fmt: skip
        nb("lr-route-add", "vpc", "0.0.0.0/0", JOIN[0], "--", "lr-route-add", "vpc", "::/0", JOIN[1])
        for subnet in POD:
            self._add_pod(subnet)

    def _add_pod(self, subnet: str) -> None:
        pod = self.agent.pod(subnet)
        row = self.agent.port_row(pod, subnet, f"0a:00:00:00:0{len(subnet)}:07", *POD[subnet])
        further = FURTHER if subnet == "blue" else ()
        self.agent.sandbox.nbctl(
            "lsp-add", subnet, pod.port, "--", "lsp-set-addresses", pod.port,
            " ".join([row["mac"], *POD[subnet], *further]),
        )  # fmt: skip
        self.agent.rows.insert("Port", **row)
        self.agent.add(pod)
        for address in further:
            self.agent.inside(pod, "ip", "addr", "add", f"{address}/16", "dev", "eth0")
        self.pods[subnet] = pod

    def ns(self, subnet: str) -> str:
        return self.pods[subnet].netns.rpartition("/")[2]

    def set(self, subnet: str = "blue", **columns: Any) -> None:
        """Give a subnet these columns, and those of `DEFAULTS` else; done when the kernel has it."""
        with self.written():
            self.agent.rows.update("Subnet", subnet, **DEFAULTS | columns)

    @contextlib.contextmanager
    def written(self) -> Iterator[None]:
        """Wait until the agent has seen what was changed meanwhile: a row of its own goes through all of it."""
        yield
        marker = f"198.18.{next(_markers)}.0/24"
        self.agent.rows.update("Subnet", "marker", cidrs=[marker])
        eventually(lambda: marker in self.nft("list", "set", "inet", "weft", "fabric4"), "packet filter is written")

    @contextlib.contextmanager
    def other_host(self, addresses: tuple[str, str]) -> Iterator[None]:
        """A host of the fabric, h2, has these addresses: what is for them goes to its `ovn0`, where nobody answers."""
        nb = self.agent.sandbox.nbctl
        for family, address, place in zip((4, 6), addresses, ELSEWHERE, strict=True):
            nb("lr-policy-add", "vpc", "30000", f"ip{family}.dst == {address}", "reroute", place)
        row = {"name": "h2", "port": "node-h2", "mac": "0a:00:00:00:64:03", "mtu": 1400, "gateways": []}
        with self.written():
            self.agent.rows.insert("Host", **row, addresses=list(ELSEWHERE), own_addresses=list(addresses))
        yield
        nb("lr-policy-del", "vpc", "30000")
        with self.written():
            self.agent.rows.delete("Host", "h2")

    def nft(self, *arguments: str) -> str:
        try:
            return run(*namespace_command(self.host), "nft", *arguments)
        except RuntimeError as error:
            return str(error)

    def problems(self) -> dict[str, str]:
        """What the host says is wrong."""
        return dict((self.agent.rows.select("Host_Status", "h1") or {}).get("problems", {}))

    def on_host(self, *command: str) -> str:
        return run(*namespace_command(self.host), *command)


_markers = iter(range(1, 255))


@contextlib.contextmanager
def gateway_site(agent: AgentHost) -> Iterator[Site]:
    """A site whose workloads reach the outside, with servers everywhere."""
    made = Site(agent)
    made.build()
    with contextlib.ExitStack() as stack:
        for number, outside in enumerate(made.outside, 1):
            stack.enter_context(answering(outside.ns, f"out{number}"))
        for subnet in POD:
            stack.enter_context(answering(made.ns(subnet), subnet))
        stack.enter_context(answering(made.host, "host"))
        made.set("blue")
        eventually(lambda: ask(made.ns("blue"), FAR[0]), "the way out is there")
        yield made
