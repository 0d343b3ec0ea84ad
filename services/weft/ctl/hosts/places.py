"""Where a host is, and the command line that runs a program there.

The machine that weftctl runs on is reached by nothing at all; other hosts by the system's OpenSSH client as the
operator, with the operator's keys and configuration: there is no daemon that would run what others ask it to. A command
is a list of words until it leaves this machine; SSH knows no words, so each is then quoted for the shell at the other
end. Addresses are the configuration's, which also holds when no database answers, else those that the host's agent
reported.
"""

from __future__ import annotations

import contextlib
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from weft.ctl.config import HOST_NAME, Config
from weft.ctl.errors import UsageError

SYSTEM_ID = Path("/etc/openvswitch/system-id.conf")
UNREACHED = 255
"""The exit code by which ssh says that it was not the program that failed (ssh(1), section "EXIT STATUS")."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What an agent says of where its host is."""

    hostname: str = ""
    addresses: tuple[str, ...] = ()
    encap_ip: str = ""


def own_names() -> frozenset[str]:
    """Names of this machine: the fabric's, and the kernel's."""
    names = {platform.node(), platform.node().partition(".")[0]}
    with contextlib.suppress(OSError, ValueError):
        names.add(SYSTEM_ID.read_text(encoding="utf-8").strip())
    return frozenset(names - {""})


@dataclass(frozen=True)
class Places:
    """All hosts that are known."""

    config: Config
    reported: Mapping[str, Reported] = field(default_factory=dict)
    own: frozenset[str] = field(default_factory=own_names)

    @property
    def names(self) -> list[str]:
        return sorted({*self.config.hosts, *self.reported})

    def check(self, host: str) -> str:
        """The host's name. Raises UsageError when it is none that is known."""
        if not HOST_NAME.fullmatch(host):
            raise UsageError(f"{host!r} is not the name of a host; known are {', '.join(self.names) or 'none'}")
        if host not in self.names and host not in self.own:
            raise UsageError(f"host {host} is not known; known are {', '.join(self.names) or 'none'}")
        return host

    def is_here(self, host: str) -> bool:
        return host in self.own and not self._command(host)

    def command(self, host: str, words: Sequence[str], *, terminal: bool = False) -> list[str]:
        """The words that run a command on a host. Raises UsageError when nobody knows where it is."""
        self.check(host)
        if before := self._command(host):
            return [*before, *words]
        if self.is_here(host):
            return list(words)
        ssh = self.config.ssh
        options = [f"ConnectTimeout={ssh.connect_timeout}", *ssh.options]
        if not terminal:
            options.insert(0, "BatchMode=yes")
        line = ["ssh", "-tt" if terminal else "-T", *(word for option in options for word in ("-o", option))]
        if ssh.identity_file is not None:
            line += ["-i", str(ssh.identity_file)]
        if ssh.user:
            line += ["-l", ssh.user]
        return [*line, "--", self.address(host), shlex.join(words)]

    def address(self, host: str) -> str:
        """Where its SSH server is: as configured, else an address that is not its tunnels', else any, else its name."""
        configured = self.config.hosts.get(host)
        if configured is not None and configured.address:
            return configured.address
        known = self.reported.get(host, Reported())
        outside = [address for address in known.addresses if address != known.encap_ip]
        return next(iter((*outside, *known.addresses, known.hostname, host)), host) or host

    def by_address(self, address: str) -> str:
        """The host that has this address; "" when none is known to."""
        for name in self.names:
            if address == self.address(name) or address in self.reported.get(name, Reported()).addresses:
                return name
        return ""

    def _command(self, host: str) -> list[str]:
        configured = self.config.hosts.get(host)
        return configured.command if configured is not None else []
