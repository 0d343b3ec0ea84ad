"""Do the host's daemons answer, which versions are they, how large have their files grown."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from weft.agent.figures.family import Figure, Sample
from weft.agent.rpc import process_id

STATUS = Figure("kube_ovn_ovs_status", "1 while a daemon of Open vSwitch answers", ("component",))
INFO = Figure(
    "kube_ovn_ovs_info", "Always 1: what Open vSwitch says of itself",
    ("system_id", "rundir", "system_type", "system_version", "ovs_version", "db_version"),
)  # fmt: skip
LOG_SIZE = Figure("kube_ovn_log_file_size_bytes", "Size of a daemon's log", ("component", "filename"))
DB_SIZE = Figure("kube_ovn_db_file_size_bytes", "Size of the file of a database of this host", ("db_name",))
OVS_UP = Figure("pinger_ovs_up", "1 while both daemons of Open vSwitch answer", host="nodeName")
OVS_DOWN = Figure("pinger_ovs_down", "The opposite of pinger_ovs_up", host="nodeName")
OVN_UP = Figure("pinger_ovn_controller_up", "1 while ovn-controller answers", host="nodeName")
OVN_DOWN = Figure("pinger_ovn_controller_down", "The opposite of pinger_ovn_controller_up", host="nodeName")
SOUTHBOUND = Figure("weft_agent_southbound_connected", "1 while ovn-controller is connected to the Southbound database")
FIGURES: Final = (STATUS, INFO, LOG_SIZE, DB_SIZE, OVS_UP, OVS_DOWN, OVN_UP, OVN_DOWN, SOUTHBOUND)

COLUMNS: Final = ["external_ids", "system_type", "system_version", "ovs_version", "db_version"]
"""Of the table Open_vSwitch."""
_MAGIC: Final = b"OVSDB "
"""What a file of OVSDB begins with (ovsdb(5), section "Database File Format" of the two models)."""


def status(database: bool, vswitchd: bool) -> Iterator[Sample]:
    """Which daemons of Open vSwitch answered."""
    yield Sample(STATUS, database, ("ovsdb-server",))
    yield Sample(STATUS, vswitchd, ("ovs-vswitchd",))
    yield Sample(OVS_UP, database and vswitchd)
    yield Sample(OVS_DOWN, not (database and vswitchd))


def controller(answers: bool, connected: bool) -> Iterator[Sample]:
    """What ovn-controller said."""
    yield Sample(OVN_UP, answers)
    yield Sample(OVN_DOWN, not answers)
    yield Sample(SOUTHBOUND, connected)


def info(row: Mapping[str, Any], rundir: Path) -> Iterator[Sample]:
    """From the row of Open_vSwitch, as RFC 7047 writes it: what is not set is an empty set."""
    ids = dict(row["external_ids"][1])
    texts = (value if isinstance(value := row[name], str) else "" for name in COLUMNS[1:])
    yield Sample(INFO, 1, (ids.get("system-id", ""), str(rundir), *texts))


def files(places: Iterable[tuple[Path, str]]) -> Iterator[Sample]:
    """Logs and databases of (run directory, daemon): those that the process has open, wherever they are."""
    for rundir, daemon in places:
        with contextlib.suppress(LookupError, OSError):  # it does not run; its status says so
            for descriptor in Path(f"/proc/{process_id(rundir, daemon)}/fd").iterdir():
                with contextlib.suppress(OSError):  # closed meanwhile
                    yield from _file(descriptor, daemon)


def _file(descriptor: Path, daemon: str) -> Iterator[Sample]:
    found = descriptor.stat()
    if not stat.S_ISREG(found.st_mode):
        return
    name = str(descriptor.readlink())
    if name.endswith(".log"):
        yield Sample(LOG_SIZE, found.st_size, (daemon, name))
    elif daemon == "ovsdb-server" and _is_database(descriptor):
        yield Sample(DB_SIZE, found.st_size, (name,))


def _is_database(descriptor: Path) -> bool:
    with descriptor.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC
