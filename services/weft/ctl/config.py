"""`/etc/weft/weftctl.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.net.addresses import Network
from weft.ovsdb.database import Tls
from weft.service import Remote
from weft.topology.view import SERVICE_CIDRS, parse_services

DEFAULT_PATH = "/etc/weft/weftctl.toml"
VARIABLE = "WEFTCTL_CONFIG"


@dataclass(frozen=True)
class Config:
    """Where the databases are. `southbound` is looked at by `weftctl status` only.

    `service_cidrs` are the controller's: what overlaps Kubernetes' services is refused here too.
    """

    weft: Remote
    northbound: Remote
    southbound: Remote | None = None
    tls: Tls | None = None
    service_cidrs: list[str] = field(default_factory=lambda: list(SERVICE_CIDRS))

    def __post_init__(self) -> None:
        parse_services(self.service_cidrs)

    @property
    def services(self) -> tuple[Network, ...]:
        """CIDRs of Kubernetes' services."""
        return parse_services(self.service_cidrs)
