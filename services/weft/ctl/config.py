"""`/etc/weft/weftctl.toml`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from weft.net.addresses import Network
from weft.ovsdb.database import Tls
from weft.service import Remote
from weft.topology.view import SERVICE_CIDRS, parse_services

DEFAULT_PATH = "/etc/weft/weftctl.toml"
VARIABLE = "WEFTCTL_CONFIG"
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
"""What a host may be called: a name that no program takes for an option and no shell for anything else."""
_ADDRESS = re.compile(r"[A-Za-z0-9:](?:[A-Za-z0-9._:%-]*[A-Za-z0-9])?")
_USER = re.compile(r"[a-z_][a-z0-9_.-]*")


@dataclass(frozen=True)
class Ssh:
    """How hosts are reached that are not this machine: by OpenSSH's client, with its own configuration and this.

    `options` are its `-o` options, as `ProxyJump=bastion`.
    """

    user: str = ""
    identity_file: Path | None = None
    options: list[str] = field(default_factory=list)
    connect_timeout: int = 5

    def __post_init__(self) -> None:
        if self.user and not _USER.fullmatch(self.user):
            raise ValueError(f"user: got {self.user!r}, expected the name of a user")
        for option in self.options:
            if not re.match(r"[A-Za-z]+[ =]", option):
                raise ValueError(f"options: got {option!r}, expected KEY=VALUE as ssh_config(5) has them")


@dataclass(frozen=True)
class Place:
    """A host: the address that SSH goes to, or what stands before its commands when it is not reached by SSH."""

    address: str = ""
    command: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.address and not _ADDRESS.fullmatch(self.address):
            raise ValueError(f"address: got {self.address!r}, expected an IP address or a DNS name")


@dataclass(frozen=True)
class Relays:
    """Remotes at which hosts reach the databases, where these are not the members' own."""

    southbound: str = ""
    weft: str = ""


@dataclass(frozen=True)
class Config:
    """Where the databases and the hosts are.

    `service_cidrs` are the controller's: what overlaps Kubernetes' services is refused here too.
    """

    weft: Remote
    northbound: Remote
    southbound: Remote | None = None
    ic_northbound: Remote | None = None
    ic_southbound: Remote | None = None
    relays: Relays = field(default_factory=Relays)
    tls: Tls | None = None
    service_cidrs: list[str] = field(default_factory=lambda: list(SERVICE_CIDRS))
    ssh: Ssh = field(default_factory=Ssh)
    hosts: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parse_services(self.service_cidrs)
        for name in self.hosts:
            if not HOST_NAME.fullmatch(name):
                raise ValueError(f"hosts: got {name!r}, expected the name of a host: letters, digits, . _ -")

    @property
    def services(self) -> tuple[Network, ...]:
        """CIDRs of Kubernetes' services."""
        return parse_services(self.service_cidrs)
