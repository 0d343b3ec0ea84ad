"""`/etc/weft/webhook.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from weft.net.addresses import Network
from weft.service import LogConfig
from weft.topology.settings import Settings
from weft.topology.view import SERVICE_CIDRS, parse_services


@dataclass(frozen=True)
class Kubernetes:
    """The Kubernetes API whose objects the rules look at."""

    kubeconfig: str


@dataclass(frozen=True)
class Certificate:
    """What API servers verify. Both files are read again when they change."""

    certificate: Path
    private_key: Path


@dataclass(frozen=True)
class Metrics:
    """Where Prometheus finds the metrics; empty for nowhere."""

    listen: str = "127.0.0.1:10671"


@dataclass(frozen=True)
class Config:
    """`listen` is where API servers reach it, wherever they are. `service_cidrs` and
    `network` are as the controller has them.
    """

    kubernetes: Kubernetes
    tls: Certificate
    listen: str = "0.0.0.0:10670"
    service_cidrs: list[str] = field(default_factory=lambda: list(SERVICE_CIDRS))
    network: Settings = field(default_factory=Settings)
    metrics: Metrics = field(default_factory=Metrics)
    log: LogConfig = field(default_factory=LogConfig)

    def __post_init__(self) -> None:
        parse_services(self.service_cidrs)
        if not self.listen.rpartition(":")[2].isdigit():
            raise ValueError(f"listen: got {self.listen!r}, expected ADDRESS:PORT")

    @property
    def services(self) -> tuple[Network, ...]:
        """CIDRs of Kubernetes' services."""
        return parse_services(self.service_cidrs)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)
