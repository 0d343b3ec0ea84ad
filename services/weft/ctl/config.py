"""`/etc/weft/weftctl.toml`."""

from __future__ import annotations

from dataclasses import dataclass

from weft.ovsdb.database import Tls
from weft.service import Remote

DEFAULT_PATH = "/etc/weft/weftctl.toml"
VARIABLE = "WEFTCTL_CONFIG"


@dataclass(frozen=True)
class Config:
    """Where the databases are. `southbound` is looked at by `weftctl status` only."""

    weft: Remote
    northbound: Remote
    southbound: Remote | None = None
    tls: Tls | None = None
