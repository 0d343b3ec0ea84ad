"""`/etc/weft/controller.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.ovsdb.database import Tls
from weft.service import LogConfig, Remote


@dataclass(frozen=True)
class SubnetDefaults:
    """A subnet made when the fabric is first brought up. `cidr` is one CIDR, or one of each family."""

    cidr: str
    gateway: str = ""
    exclude_ips: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Defaults:
    """What a new fabric is born with; afterwards these subnets are objects like any other."""

    default_subnet: SubnetDefaults = field(default_factory=lambda: SubnetDefaults("10.16.0.0/16"))
    join_subnet: SubnetDefaults = field(default_factory=lambda: SubnetDefaults("100.64.0.0/16"))


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
    """`name` is this controller's own, by convention its host's. Without `kubernetes` the store is the fabric's own."""

    name: str
    weft: Remote
    northbound: Remote
    kubernetes: Kubernetes | None = None
    tls: Tls | None = None
    defaults: Defaults = field(default_factory=Defaults)
    metrics: Metrics = field(default_factory=Metrics)
    log: LogConfig = field(default_factory=LogConfig)
