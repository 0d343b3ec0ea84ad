"""A sandbox of real OVN daemons in a scratch folder: databases, northd, and hosts in network namespaces.

Nothing here touches the machine's own Open vSwitch: every daemon has its sockets, files and pid in the sandbox, and
`stop()` ends exactly those processes. A host is an ovsdb-server, an ovs-vswitchd on the userspace datapath (no kernel
module) and an ovn-controller, all in one network namespace that the sandbox makes, so several hosts fit on one machine.

    with OvnSandbox() as ovn:
        ovn.start_northbound(); ovn.start_southbound(); ovn.start_weft(); ovn.start_northd()
        host = ovn.start_ovs("h1")
        ovn.nbctl("ls-add", "blue")

The binaries are those of the reference OVN: `$WEFT_OVN_BIN`, else the unpacked packages in the cache, else `$PATH`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("WEFT_CACHE", str(Path.home() / ".cache/weft")))
WEFT_SCHEMA = ROOT / "services/weft/ovsdb/weft.ovsschema"


def find_binaries() -> Path | None:
    """The folder with OVN's and OVS' programs under their plain names, or None for those of `$PATH`."""
    for candidate in (os.environ.get("WEFT_OVN_BIN"), str(CACHE / "ovn-25.03/bin")):
        if candidate and (Path(candidate) / "ovsdb-server").exists():
            return Path(candidate)
    return None


BINARIES = find_binaries()


def available() -> bool:
    """Whether tests that need real daemons can run: use it in `pytest.mark.skipif`."""
    return os.geteuid() == 0 and (BINARIES is not None or shutil.which("ovsdb-server") is not None)


def program(name: str) -> str:
    if BINARIES is not None:
        return str(BINARIES / name)
    if found := shutil.which(name, path=path_of_programs()):
        return found
    raise FileNotFoundError(f"{name}: not in {path_of_programs()}")


def path_of_programs() -> str:
    """`$PATH` for those who call OVN's programs by their names."""
    folders = [] if BINARIES is None else [str(BINARIES)]
    return os.pathsep.join([*folders, os.environ["PATH"], "/usr/sbin", "/usr/lib/openvswitch-switch"])


def schema(name: str) -> Path:
    """The schema file, as in `schema("ovn-nb")`, that came with the binaries."""
    share = BINARIES.parent / "usr/share" if BINARIES is not None else Path("/usr/share")
    return share / ("ovn" if name.startswith("ovn") else "openvswitch") / f"{name}.ovsschema"


def run(*command: str, env: dict[str, str] | None = None, timeout: float = 30) -> str:
    """Run a program to its end and give its output; the error names what it said."""
    done = subprocess.run(
        command,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout.strip()


def namespace_command(ns: str | None) -> list[str]:
    """The words that run a program in a network namespace. Not `ip netns exec`: mounts made inside must be seen."""
    return ["nsenter", f"--net=/run/netns/{ns}"] if ns else []


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def _alive(pid: int) -> bool:
    """A zombie is gone: PID 1 of a container may take its time to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@dataclass
class Daemon:
    """A process of the sandbox; `rundir` is what it takes for /run/openvswitch and /run/ovn."""

    name: str
    pidfile: Path
    rundir: Path

    @property
    def pid(self) -> int | None:
        try:
            return int(self.pidfile.read_text())
        except (OSError, ValueError):
            return None

    def running(self) -> bool:
        return self.pid is not None and _alive(self.pid)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """The process hangs meanwhile."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def kill(self, number: int = signal.SIGTERM, wait: float = 5) -> None:
        """Send a signal and wait until the process is gone."""
        if (pid := self.pid) is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + wait
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        if _alive(pid) and number != signal.SIGKILL:
            self.kill(signal.SIGKILL, wait)


@dataclass
class OvsHost:
    """One host of the sandbox: its namespace, its OVS database and its daemons."""

    name: str
    ns: str | None
    rundir: Path
    encap_ip: str
    sandbox: OvnSandbox
    daemons: dict[str, Daemon] = field(default_factory=dict)

    @property
    def remote(self) -> str:
        return f"unix:{self.rundir}/db.sock"

    def vsctl(self, *arguments: str) -> str:
        return run(program("ovs-vsctl"), f"--db={self.remote}", "--timeout=20", *arguments)

    def appctl(self, daemon: str, *arguments: str) -> str:
        target = self.rundir / f"{daemon}.{self.daemons[daemon].pid}.ctl"
        return run(program("ovs-appctl"), "-t", str(target), *arguments)

    def ip(self, *arguments: str) -> str:
        return run(*namespace_command(self.ns), "ip", *arguments)

    def start_vswitchd(self) -> None:
        self.daemons["ovs-vswitchd"] = self.sandbox.daemon(
            "ovs-vswitchd", self.rundir, self.remote, "--disable-system", ns=self.ns
        )

    def restart_database(self) -> Daemon:
        """Serve the same data again after its daemon was killed."""
        return self.sandbox._database(self.name, schema("vswitch"))

    def start_controller(self) -> None:
        self.daemons["ovn-controller"] = self.sandbox.daemon("ovn-controller", self.rundir, self.remote, ns=self.ns)


class OvnSandbox:
    """Daemons in a scratch folder that go away with it. `logs` keeps the folder, to read what they said."""

    def __init__(self, logs: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="weft-"))  # short: a unix socket's path holds 107 bytes
        self.keep = logs or bool(os.environ.get("WEFT_KEEP_SANDBOX"))
        self.hosts: dict[str, OvsHost] = {}
        self.daemons: list[Daemon] = []
        self._namespaces: list[str] = []
        self.northbound_cluster = ""
        """The remote of a Northbound that is not the sandbox's usual one."""

    # -- databases ------------------------------------------------------------------------------------------------

    @property
    def northbound(self) -> str:
        return self.northbound_cluster or f"unix:{self.folder}/nb/db.sock"

    @property
    def southbound(self) -> str:
        return f"unix:{self.folder}/sb/db.sock"

    @property
    def weft(self) -> str:
        return f"unix:{self.folder}/weft/db.sock"

    def start_northbound(self) -> Daemon:
        return self._database("nb", schema("ovn-nb"))

    def start_southbound(self) -> Daemon:
        return self._database("sb", schema("ovn-sb"))

    def start_weft(self, schema_file: Path = WEFT_SCHEMA) -> Daemon:
        return self._database("weft", schema_file)

    def _database(self, name: str, schema_file: Path) -> Daemon:
        """Start a standalone database; after its daemon was killed, the same data is served again."""
        rundir = self.folder / name
        rundir.mkdir(exist_ok=True)
        if not (rundir / "db").exists():
            run(program("ovsdb-tool"), "create", str(rundir / "db"), str(schema_file))
        arguments = [f"--remote=punix:{rundir}/db.sock", f"--unixctl={rundir}/db.ctl"]
        return self.daemon("ovsdb-server", rundir, *arguments, str(rundir / "db"))

    # -- daemons --------------------------------------------------------------------------------------------------

    def start_northd(self) -> Daemon:
        remotes = (f"--ovnnb-db={self.northbound}", f"--ovnsb-db={self.southbound}")
        rundir = self.folder / "northd"
        rundir.mkdir(exist_ok=True)
        return self.daemon("ovn-northd", rundir, *remotes, f"--unixctl={rundir}/northd.ctl")

    def start_central(self) -> None:
        """All databases, and northd."""
        self.start_northbound()
        self.start_southbound()
        self.start_weft()
        self.start_northd()

    def start_ovs(
        self, name: str = "h1", ns: str | None = None, *, controller: bool = True, encap_ip: str = ""
    ) -> OvsHost:
        """Start a host. `ns` names a namespace that exists; without it one is made and later removed.

        Its tunnel address is on a dummy-like veth end `eth1`, so that hosts of one sandbox do not reach each other
        unless the test links them. `controller` starts ovn-controller, which needs the Southbound database.
        """
        number = len(self.hosts) + 1
        if ns is None:
            ns = self.add_namespace(f"{self.folder.name}-{name}")
            run(
                *namespace_command(ns),
                "ip",
                "link",
                "add",
                "eth1",
                "type",
                "veth",
                "peer",
                "name",
                "eth1-far",
            )
            for link in ("eth1", "eth1-far"):
                run(*namespace_command(ns), "ip", "link", "set", link, "mtu", "1600", "up")
            encap_ip = encap_ip or f"172.31.0.{10 + number}"
            run(*namespace_command(ns), "ip", "addr", "add", f"{encap_ip}/32", "dev", "eth1")
        host = OvsHost(name, ns, self.folder / name, encap_ip or f"172.31.0.{10 + number}", self)
        host.rundir.mkdir()
        run(program("ovsdb-tool"), "create", str(host.rundir / "db"), str(schema("vswitch")))
        host.daemons["ovsdb-server"] = self._database(name, schema("vswitch"))
        host.vsctl("--no-wait", "init")
        ids = {
            "system-id": name, "hostname": name, "ovn-remote": self.southbound, "ovn-encap-type": "geneve",
            "ovn-encap-ip": host.encap_ip, "ovn-bridge-datapath-type": "netdev", "ovn-monitor-all": "true",
        }  # fmt: skip
        settings = [f"external_ids:{key}={_quoted(value)}" for key, value in ids.items()]
        threads = ["other_config:n-revalidator-threads=1", "other_config:n-handler-threads=1"]
        host.vsctl("--no-wait", "set", "Open_vSwitch", ".", *settings, *threads)
        bridge = ("br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev", "fail_mode=secure")
        host.vsctl("--no-wait", "add-br", *bridge)
        host.start_vswitchd()
        if controller:
            host.start_controller()
        self.hosts[name] = host
        return host

    def daemon(self, name: str, rundir: Path, *arguments: str, ns: str | None = None) -> Daemon:
        """Start a daemon in the background; it has said yes (its own --detach protocol) when this returns."""
        variables = ("RUNDIR", "DBDIR", "LOGDIR", "SYSCONFDIR")
        env = {f"{project}_{variable}": str(rundir) for project in ("OVS", "OVN") for variable in variables}
        common = [
            f"--pidfile={rundir}/{name}.pid",
            f"--log-file={rundir}/{name}.log",
            "--detach",
            "--no-chdir",
        ]
        run(*namespace_command(ns), program(name), *arguments, *common, "-vconsole:off", env=env, timeout=60)
        daemon = Daemon(name, rundir / f"{name}.pid", rundir)
        self.daemons.append(daemon)
        return daemon

    # -- clients --------------------------------------------------------------------------------------------------

    def nbctl(self, *arguments: str) -> str:
        return run(program("ovn-nbctl"), f"--db={self.northbound}", "--timeout=20", *arguments)

    def sbctl(self, *arguments: str) -> str:
        return run(program("ovn-sbctl"), f"--db={self.southbound}", "--timeout=20", *arguments)

    def trace(self, datapath: str, microflow: str, *options: str) -> str:
        """What a packet would do: ovn-trace(8)."""
        return run(program("ovn-trace"), f"--db={self.southbound}", *options, datapath, microflow)

    def transact(self, remote: str, operations: str) -> str:
        """Run raw operations: `operations` is the JSON text `["Weft", {"op": "insert", ...}]`."""
        return run(program("ovsdb-client"), "--timeout=20", "transact", remote, operations)

    # -- namespaces and the end -----------------------------------------------------------------------------------

    def add_namespace(self, name: str) -> str:
        run("ip", "netns", "add", name)
        run(*namespace_command(name), "ip", "link", "set", "lo", "up")
        self._namespaces.append(name)
        return name

    def stop(self) -> None:
        """End every daemon started here, remove the namespaces and the folder."""
        for daemon in reversed(self.daemons):
            daemon.kill()
        for name in self._namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> OvnSandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '\\"') + '"'
