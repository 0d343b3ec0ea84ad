"""Zones of one interconnection on this machine: each a sandbox of its own, joined by OVN-IC's two databases.

with Interconnection() as joined:
    az1 = joined.zone(); az2 = joined.zone()
    run_module("interconnects", **joined.remotes(az1), ...)
"""

from __future__ import annotations

import contextlib
from types import TracebackType

from tests.support.ovn import Daemon, OvnSandbox, program, run, schema


class Interconnection:
    """The databases, and the zones that know them. Zones have their name from the module under test."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.shared = self._stack.enter_context(OvnSandbox())
        for name in ("ic-nb", "ic-sb"):
            self.shared._database(name, schema(f"ovn-{name}"))

    @property
    def northbound(self) -> str:
        return f"unix:{self.shared.folder}/ic-nb/db.sock"

    @property
    def southbound(self) -> str:
        return f"unix:{self.shared.folder}/ic-sb/db.sock"

    def zone(self) -> OvnSandbox:
        """A zone with its own databases, northd and ovn-ic."""
        ovn = self._stack.enter_context(OvnSandbox())
        ovn.start_northbound()
        ovn.start_southbound()
        ovn.start_northd()
        ovn.nbctl("init")
        self.start_ic(ovn)
        return ovn

    def start_ic(self, ovn: OvnSandbox) -> Daemon:
        rundir = ovn.folder / "ic"
        rundir.mkdir(exist_ok=True)
        remotes = (
            f"--ovnnb-db={ovn.northbound}", f"--ovnsb-db={ovn.southbound}", f"--ic-nb-db={self.northbound}",
            f"--ic-sb-db={self.southbound}",
        )  # fmt: skip
        return ovn.daemon("ovn-ic", rundir, *remotes, f"--unixctl={rundir}/ic.ctl")

    def remotes(self, ovn: OvnSandbox) -> dict[str, str]:
        """The module's options that say where a zone and the interconnection are."""
        return {"northbound": ovn.northbound, "ic_northbound": self.northbound, "ic_southbound": self.southbound}

    def nbctl(self, *arguments: str) -> str:
        return run(program("ovn-ic-nbctl"), f"--db={self.northbound}", "--timeout=20", *arguments)

    def sbctl(self, *arguments: str) -> str:
        return run(program("ovn-ic-sbctl"), f"--db={self.southbound}", "--timeout=20", *arguments)

    def __enter__(self) -> Interconnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
