"""Which databases there are, under the words that operators say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.ctl.ask import remotes_of
from weft.ctl.config import Config
from weft.ctl.errors import CtlError


@dataclass(frozen=True, slots=True)
class Central:
    """A database: its name, and the stem of its files and sockets on the members' hosts."""

    name: str
    stem: str
    unit: str

    @property
    def control(self) -> str:
        """Where its server listens to `ovs-appctl`."""
        return f"/run/ovn/{self.stem}.ctl"


NORTHBOUND = Central("OVN_Northbound", "ovnnb_db", "ovn-ovsdb-server-nb.service")
SOUTHBOUND = Central("OVN_Southbound", "ovnsb_db", "ovn-ovsdb-server-sb.service")
WEFT = Central("Weft", "weft_db", "weft-ovsdb.service")
IC_NORTHBOUND = Central("OVN_IC_Northbound", "ovn_ic_nb_db", "ovn-ic-ovsdb-server-nb.service")
IC_SOUTHBOUND = Central("OVN_IC_Southbound", "ovn_ic_sb_db", "ovn-ic-ovsdb-server-sb.service")
WORDS: dict[str, Sequence[Central]] = {
    "nb": (NORTHBOUND,), "sb": (SOUTHBOUND,), "weft": (WEFT,), "ic": (IC_NORTHBOUND, IC_SOUTHBOUND),
}  # fmt: skip


def remotes(config: Config, database: Central) -> list[str]:
    """Its remotes. Raises CtlError when the configuration has none."""
    remote = remotes_of(config)[database.name]
    if remote is None:
        lacking = "no interconnect here" if database in WORDS["ic"] else "weftctl does not know where it is"
        raise CtlError(f"database {database.name}: {lacking}: weftctl.toml has no remote for it")
    return [item.strip() for item in remote.remote.split(",")]


def address_of(remote: str) -> str:
    """The address in `ssl:192.0.2.1:6641`; "" for a socket of this machine."""
    kind, _, rest = remote.partition(":")
    return "" if kind == "unix" else rest.rpartition(":")[0].strip("[]")


def control_of(remote: str, database: Central) -> str:
    """The control socket of the server behind a remote: of a socket of this machine the one beside it."""
    kind, _, path = remote.partition(":")
    return path.removesuffix(".sock") + ".ctl" if kind == "unix" else database.control
