"""`/etc/weft/controller.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.net.addresses import Network
from weft.ovsdb.database import Tls
from weft.service import LogConfig, Remote
from weft.topology.first import Defaults
from weft.topology.settings import Settings
from weft.topology.view import SERVICE_CIDRS, parse_services


@dataclass(frozen=True)
class Kubernetes:
    """The Kubernetes API, when it is the store. `namespace` holds the lease that elects."""

    kubeconfig: str
    namespace: str = "kube-system"


@dataclass(frozen=True)
class Metrics:
    """Where Prometheus finds the metrics; empty for nowhere."""

    listen: str = "127.0.0.1:10660"


@dataclass(frozen=True)
class Config:
    """`name` is this controller's own, by convention its host's. Without `kubernetes` the store is the fabric's own.

    `service_cidrs` are those of Kubernetes' services, which no subnet of the default VPC may overlap.
    """

    name: str
    weft: Remote
    northbound: Remote
    kubernetes: Kubernetes | None = None
    tls: Tls | None = None
    service_cidrs: list[str] = field(default_factory=lambda: list(SERVICE_CIDRS))
    defaults: Defaults = field(default_factory=Defaults)
    network: Settings = field(default_factory=Settings)
    metrics: Metrics = field(default_factory=Metrics)
    log: LogConfig = field(default_factory=LogConfig)

    def __post_init__(self) -> None:
        parse_services(self.service_cidrs)

    @property
    def services(self) -> tuple[Network, ...]:
        """CIDRs of Kubernetes' services."""
        return parse_services(self.service_cidrs)
