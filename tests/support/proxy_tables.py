"""Tables such as kube-proxy makes, with its names, hooks, priorities and marks: for what stands beside ours on a host.

Services are redirections of a destination to one workload; the mark 0x4000 asks for the host's address as the source.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.support.ovn import namespace_command, run

MODES = ("nftables", "iptables-nft", "iptables-legacy")
NODE_PORT = 30080


@dataclass(frozen=True)
class Service:
    """`address` None is a node port, which keeps the source as with `externalTrafficPolicy: Local`."""

    address: str | None
    port: int
    target: str
    target_port: int
    marked: bool = False

    @property
    def version(self) -> int:
        return 6 if ":" in self.target else 4

    @property
    def endpoint(self) -> str:
        return f"[{self.target}]:{self.target_port}" if self.version == 6 else f"{self.target}:{self.target_port}"


def nft_text(services: list[Service], version: int) -> str:
    """As `kube-proxy --proxy-mode=nftables`."""
    family = "ip6" if version == 6 else "ip"
    rules = []
    for service in services:
        match = f"{family} daddr {service.address}" if service.address else "fib daddr type local"
        mark = "meta mark set meta mark | 0x4000 " if service.marked else ""
        rules.append(f"{match} tcp dport {service.port} {mark}dnat to {service.endpoint}")
    body = "\n".join(rules)
    return f"""
table {family} kube-proxy {{
  chain services {{ {body}
  }}
  chain filter-forward {{ type filter hook forward priority -110; policy accept
    ct state invalid drop
  }}
  chain nat-prerouting {{ type nat hook prerouting priority dstnat; policy accept; jump services; }}
  chain nat-output {{ type nat hook output priority -100; policy accept; jump services; }}
  chain nat-postrouting {{ type nat hook postrouting priority srcnat; policy accept
    meta mark & 0x4000 == 0 return
    meta mark set meta mark ^ 0x4000
    masquerade fully-random
  }}
}}
"""


def iptables_text(services: list[Service]) -> str:
    """As `kube-proxy --proxy-mode=iptables`."""
    rules = []
    for service in services:
        match = f"-d {service.address}" if service.address else "-m addrtype --dst-type LOCAL"
        match += f" -p tcp -m tcp --dport {service.port}"
        if service.marked:
            rules.append(f"-A KUBE-SERVICES {match} -j MARK --set-xmark 0x4000/0x4000")
        rules.append(f"-A KUBE-SERVICES {match} -j DNAT --to-destination {service.endpoint}")
    return "\n".join([
        "*filter", ":KUBE-FORWARD - [0:0]", "-A FORWARD -j KUBE-FORWARD",
        "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
        "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT", "COMMIT",
        "*nat", ":KUBE-SERVICES - [0:0]", ":KUBE-POSTROUTING - [0:0]",
        "-A PREROUTING -j KUBE-SERVICES", "-A OUTPUT -j KUBE-SERVICES", "-A POSTROUTING -j KUBE-POSTROUTING",
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
        "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
        "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
        *rules, "COMMIT", "",
    ])  # fmt: skip


class ProxyTables:
    """The tables of one mode in one namespace."""

    def __init__(self, ns: str, mode: str) -> None:
        self.ns = ns
        self.mode = mode

    def _run(self, *command: str, text: str = "") -> None:
        argv = [*namespace_command(self.ns), *command]
        subprocess.run(argv, input=text.encode(), check=True, capture_output=True)

    def _tools(self) -> dict[int, str]:
        kind = self.mode.partition("-")[2]
        return {4: f"iptables-{kind}", 6: f"ip6tables-{kind}"}

    def install(self, services: list[Service]) -> None:
        for version in (4, 6):
            own = [service for service in services if service.version == version]
            if self.mode == "nftables":
                self._run("nft", "-f", "-", text=nft_text(own, version))
            else:
                self._run(f"{self._tools()[version]}-restore", "--noflush", text=iptables_text(own))

    def listing(self) -> list[str]:
        """All of it, without counters."""
        if self.mode == "nftables":
            return [
                run(*namespace_command(self.ns), "nft", "list", "table", family, "kube-proxy")
                for family in ("ip", "ip6")
            ]
        saved = [run(*namespace_command(self.ns), f"{tool}-save") for tool in self._tools().values()]
        return [line for text in saved for line in text.splitlines() if line.startswith("-A")]

    def remove(self) -> None:
        if self.mode == "nftables":
            for family in ("ip", "ip6"):
                self._run("nft", "delete", "table", family, "kube-proxy")
            return
        for tool in self._tools().values():
            for table in ("nat", "filter"):
                self._run(tool, "-t", table, "-F")
                self._run(tool, "-t", table, "-X")
