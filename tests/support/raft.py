"""A clustered database in a sandbox: RAFT members on loopback, of which tests kill the leader."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.ovn import Daemon, OvnSandbox, free_ports, program, run


@dataclass
class RaftCluster:
    """See the module's text. The first member made the database, the others joined."""

    ovn: OvnSandbox
    database: str
    members: list[Daemon]

    @classmethod
    def start(cls, ovn: OvnSandbox, database: str, schema_file: Path, count: int = 3) -> RaftCluster:
        """With OVN's own election timer, one second."""
        cluster = cls(ovn, database, [])
        addresses = [f"tcp:127.0.0.1:{port}" for port in free_ports(count)]
        for number, address in enumerate(addresses):
            folder = ovn.folder / f"{database[:4].lower()}{number}"
            folder.mkdir()
            if number == 0:
                run(program("ovsdb-tool"), "create-cluster", str(folder / "db"), str(schema_file), address)
            else:
                run(program("ovsdb-tool"), "join-cluster", str(folder / "db"), database, address, addresses[0])
            cluster.members.append(cluster._serve(folder))
        return cluster

    def _serve(self, folder: Path) -> Daemon:
        listen = f"--remote=punix:{folder}/db.sock"
        daemon = self.ovn.daemon("ovsdb-server", folder, listen, f"--unixctl={folder}/db.ctl", str(folder / "db"))
        run(program("ovsdb-client"), "--timeout=20", "wait", f"unix:{folder}/db.sock", self.database, "connected")
        return daemon

    @property
    def remotes(self) -> list[str]:
        return [f"unix:{member.rundir}/db.sock" for member in self.members]

    @property
    def remote(self) -> str:
        """All members, as clients take them."""
        return ",".join(self.remotes)

    def role(self, number: int) -> str:
        """`leader`, `follower`, `candidate`; nothing of a member that does not run."""
        if not self.members[number].running():
            return ""
        target = str(self.members[number].rundir / "db.ctl")
        said = run(program("ovs-appctl"), "-t", target, "cluster/status", self.database)
        found = re.search(r"^Role: (\S+)$", said, re.MULTILINE)
        return found[1] if found else ""

    def leader(self, timeout: float = 20) -> int:
        """The number of the member that leads, once there is one."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for number in range(len(self.members)):
                if self.role(number) == "leader":
                    return number
            time.sleep(0.05)
        raise TimeoutError(f"{self.database}: no member leads after {timeout:g} s")

    def kill(self, number: int) -> None:
        """As a power failure would."""
        self.members[number].kill(signal.SIGKILL)

    def restart(self, number: int) -> None:
        """It joins again with what it had."""
        self.members[number] = self._serve(self.members[number].rundir)
