"""The agent's configuration file, `/etc/weft/agent.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from weft.ovsdb.database import Tls
from weft.service import LogConfig, Remote


@dataclass(frozen=True)
class OvsConfig:
    """The host's own Open vSwitch and ovn-controller."""

    remote: str = "unix:/run/openvswitch/db.sock"
    integration_bridge: str = "br-int"
    ovn_rundir: Path = Path("/run/ovn")


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


@dataclass(frozen=True)
class AgentConfig:
    """The whole file. `name` is the node's name, which is also the system-id and the certificate's CN."""

    name: str
    weft: Remote
    ovs: OvsConfig = field(default_factory=OvsConfig)
    tls: Tls | None = None
    agent: AgentSection = field(default_factory=AgentSection)
    log: LogConfig = field(default_factory=LogConfig)
