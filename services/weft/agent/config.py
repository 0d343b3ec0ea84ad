"""The agent's configuration file, `/etc/weft/agent.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from weft.api.shaping import parse_collector
from weft.net.addresses import parse_address
from weft.net.tunnels import parse_interface
from weft.ovsdb.database import Tls
from weft.service import LogConfig, Remote


@dataclass(frozen=True)
class OvsConfig:
    """The host's own Open vSwitch and ovn-controller."""

    remote: str = "unix:/run/openvswitch/db.sock"
    integration_bridge: str = "br-int"
    ovn_rundir: Path = Path("/run/ovn")

    @property
    def rundir(self) -> Path:
        """Where ovs-vswitchd's pid file and control socket are: beside the database's socket."""
        return Path(self.remote.removeprefix("unix:")).parent


@dataclass(frozen=True)
class AgentSection:
    """The agent itself. Times are seconds."""

    socket: Path = Path("/run/weft/cni.sock")
    state_dir: Path = Path("/var/lib/weft/agent")
    cni_bin: Path = Path("/opt/cni/bin/weft")
    metrics: str = "127.0.0.1:10665"
    netns_dir: Path = Path("/run/netns")
    add_timeout: float = 30.0
    connect_grace: float = 3.0
    heartbeat: float = 30.0
    check_period: float = 60.0
    leftover_grace: float = 10.0
    egress_probe: float = 2.0
    sysfs: Path = Path("/sys")
    kubelet_dir: Path = Path("/var/lib/kubelet")
    vhost_dir: Path = Path("/run/weft/vhost")


@dataclass(frozen=True)
class TunnelConfig:
    """Where tunnels begin, beyond what Open vSwitch's `ovn-encap-ip` says (docs/tunnels.md).

    `interfaces` are names, regular expressions and CIDRs, of which the first with an address decides; `cidrs` and
    `family` narrow what is looked at. `networks` are the host's addresses in networks of nodes.
    """

    interfaces: list[str] = field(default_factory=list)
    cidrs: list[str] = field(default_factory=list)
    family: Literal["any", "ipv4", "ipv6"] = "any"
    networks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for text in self.interfaces:
            parse_interface(text)
        for cidr in self.cidrs:
            ip_network(cidr)
        for address in self.networks.values():
            parse_address(address)


@dataclass(frozen=True)
class MirrorSection:
    """Copies of packets: `all` of the integration bridge go to the host's own device, and to a `collector`."""

    all: bool = False
    interface: str = "mirror0"
    collector: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.interface) < 16:
            raise ValueError(f"interface: got {self.interface!r}, expected a name of 1 to 15 characters")
        if self.collector:
            parse_collector(self.collector)


@dataclass(frozen=True)
class AgentConfig:
    """The whole file. `name` is the node's name, which is also the system-id and the certificate's CN."""

    name: str
    weft: Remote
    ovs: OvsConfig = field(default_factory=OvsConfig)
    tls: Tls | None = None
    agent: AgentSection = field(default_factory=AgentSection)
    tunnels: TunnelConfig = field(default_factory=TunnelConfig)
    mirror: MirrorSection = field(default_factory=MirrorSection)
    log: LogConfig = field(default_factory=LogConfig)
