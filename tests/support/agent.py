"""A host of the sandbox with a running weft-agent, and what a container runtime would do to it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.ovn import ROOT, OvnSandbox, OvsHost, namespace_command, run

T = TypeVar("T")
PLUGIN = ROOT / "services/weft/cni/plugin.py"
OTHER_PLUGINS = Path("/usr/lib/cni")
"""The reference plugins, of Debian's containernetworking-plugins."""
CONFIG = """
name = "{name}"
[weft]
remote = "{weft}"
[ovs]
remote = "{ovs}"
ovn_rundir = "{rundir}"
[agent]
socket = "{rundir}/cni.sock"
state_dir = "{rundir}/state"
cni_bin = "{rundir}/bin/weft"
metrics = "{metrics}"
netns_dir = "/run/netns"
{settings}
[log]
level = "info"
"""


def eventually(look: Callable[[], T | None], what: str, timeout: float = 10) -> T:
    """The first true result of `look`, which is asked again and again; the error says what was waited for."""
    deadline = time.monotonic() + timeout
    while not (result := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.02)
    return result


@dataclass
class Pod:
    """A container as its runtime sees it: an identifier and a network namespace."""

    name: str
    namespace: str
    uid: str
    netns: str
    container: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def port(self) -> str:
        return f"{self.name}.{self.namespace}"


class WeftRows:
    """Writes rows of the Weft database, as the controller does."""

    def __init__(self, sandbox: OvnSandbox) -> None:
        self.sandbox = sandbox

    def insert(self, table: str, **row: Any) -> None:
        self._transact({"op": "insert", "table": table, "row": _values(row)})

    def insert_many(self, rows: list[tuple[str, dict[str, Any]]]) -> None:
        self._transact(*({"op": "insert", "table": table, "row": _values(row)} for table, row in rows))

    def delete(self, table: str, name: str, column: str = "name") -> None:
        self._transact({"op": "delete", "table": table, "where": [[column, "==", name]]})

    def update(self, table: str, name: str, **row: Any) -> None:
        self._transact({"op": "update", "table": table, "where": [["name", "==", name]], "row": _values(row)})

    def select(self, table: str, name: str) -> dict[str, Any] | None:
        rows = self._transact({"op": "select", "table": table, "where": [["name", "==", name]]})[0]["rows"]
        return {key: _plain(value) for key, value in rows[0].items()} if rows else None

    def _transact(self, *operations: dict[str, Any]) -> Any:
        results = json.loads(self.sandbox.transact(self.sandbox.weft, json.dumps(["Weft", *operations])))
        if errors := [result for result in results if result and "error" in result]:
            raise RuntimeError(errors)
        return results


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    def value(item: Any) -> Any:
        if isinstance(item, (list, tuple)):
            return ["set", list(item)]
        if isinstance(item, dict):
            return ["map", [[key, item[key]] for key in item]]
        return item

    return {name: value(item) for name, item in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list) and value and value[0] == "set":
        return value[1]
    if isinstance(value, list) and value and value[0] == "map":
        return dict(value[1])
    return value


class AgentHost:
    """An agent on a sandbox's host. Its state folder outlives the process, so that restarts can be tested."""

    def __init__(self, sandbox: OvnSandbox, host: OvsHost, metrics: str = "", **settings: object) -> None:
        self.sandbox = sandbox
        self.host = host
        self.rows = WeftRows(sandbox)
        self.rundir = host.rundir
        self.state_dir = host.rundir / "state"
        self.socket = host.rundir / "cni.sock"
        self.config = host.rundir / "agent.toml"
        self.process: subprocess.Popen[bytes] | None = None
        self.namespaces: set[str] = set()
        self.numbers = itertools.count(2)
        (host.rundir / "bin").mkdir()
        for name in ("weft", "kube-ovn"):
            shutil.copy(PLUGIN, host.rundir / "bin" / name)
        text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
        self.config.write_text(
            CONFIG.format(
                name=host.name, weft=sandbox.weft, ovs=host.remote, rundir=host.rundir, settings=text, metrics=metrics
            )
        )

    # -- the process ----------------------------------------------------------------------------------------------

    def start(self, wait: bool = True) -> None:
        """Start the agent; with `wait` it serves and both databases have answered when this returns."""
        log = (self.rundir / "agent.log").open("ab")
        mark = self.log_size()
        self.process = subprocess.Popen(
            [*namespace_command(self.host.ns), sys.executable, "-m", "weft.agent.main", "--config", str(self.config)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "services")},
            stderr=log,
        )
        log.close()
        if wait:
            eventually(lambda: self.request("STATUS")[0] == 0, f"agent is ready; see {self.log(mark)[-2000:]}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        process, self.process = self.process, None
        try:
            return process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def close(self) -> None:
        """Stop, and remove the namespaces of pods and those that the agent kept."""
        try:
            self.stop()
        finally:
            kept = {path.stem for path in (self.state_dir / "netns").glob("*.json")}
            for name in self.namespaces | kept:
                subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def log_size(self) -> int:
        path = self.rundir / "agent.log"
        return path.stat().st_size if path.exists() else 0

    def log(self, offset: int = 0) -> str:
        return (self.rundir / "agent.log").read_text()[offset:]

    # -- pods -----------------------------------------------------------------------------------------------------

    def pod(self, name: str, namespace: str = "default") -> Pod:
        """A container's namespace, with nothing in it."""
        netns = f"{self.sandbox.folder.name}-{name}"
        run("ip", "netns", "add", netns)
        self.namespaces.add(netns)
        return Pod(name, namespace, str(uuid.uuid4()), f"/run/netns/{netns}")

    def port_row(self, pod: Pod, subnet: str, mac: str, *addresses: str, **changes: Any) -> dict[str, Any]:
        """The row of a pod's default network; with `provider=` of another one."""
        row = {
            "name": pod.port, "host": self.host.name, "pod_namespace": pod.namespace, "pod_name": pod.name,
            "pod_uid": pod.uid, "interface": "eth0", "subnet": subnet, "mac": mac, "addresses": list(addresses),
            "device_type": "veth", "provider": "ovn", "default_route": True,
        }  # fmt: skip
        if "provider" in changes:
            row |= {"name": f"{pod.port}.{changes['provider']}", "interface": "", "default_route": False}
        return row | changes

    def new_pod(self, name: str, rows: bool = True, port: bool = True) -> tuple[Pod, dict[str, Any]]:
        """A container on subnet "blue", with its logical switch port (`port`) and its Port row (`rows`)."""
        number = next(self.numbers)
        pod = self.pod(name)
        high, low = divmod(number, 250)
        row = self.port_row(
            pod, "blue", f"0a:00:00:00:{high:02x}:{low:02x}", f"10.16.{high}.{low}", f"fd00:10:16::{number:x}"
        )
        if port:
            addresses = " ".join([row["mac"], *row["addresses"]])
            self.sandbox.nbctl("lsp-add", "blue", pod.port, "--", "lsp-set-addresses", pod.port, addresses)
        if rows:
            self.rows.insert("Port", **row)
        return pod, row

    def veths(self) -> set[str]:
        """The host's ends of pods' links."""
        names = {link["ifname"] for link in json.loads(self.host.ip("-j", "link"))}
        return {name for name in names if name.startswith("w")}

    def ovs_ports(self) -> set[str]:
        """The pods' ports on the integration bridge."""
        return {name for name in self.host.vsctl("list-ports", "br-int").split() if name.startswith("w")}

    def environment(self, command: str, pod: Pod | None, ifname: str = "eth0") -> dict[str, str]:
        environment = {
            "CNI_COMMAND": command,
            "CNI_PATH": f"{self.rundir}/bin:{OTHER_PLUGINS}",
            "PATH": os.environ["PATH"],
        }
        if pod is not None:
            arguments = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={pod.namespace};K8S_POD_NAME={pod.name}"
            environment |= {
                "CNI_CONTAINERID": pod.container, "CNI_NETNS": pod.netns, "CNI_IFNAME": ifname,
                "CNI_ARGS": arguments + (f";K8S_POD_UID={pod.uid}" if pod.uid else ""),
            }  # fmt: skip
        return environment

    def conf(self, version: str = "1.0.0", **more: Any) -> str:
        config = {"cniVersion": version, "name": "weft", "type": "weft", "weft_socket": str(self.socket)}
        return json.dumps(config | more)

    def request(
        self, command: str, pod: Pod | None = None, version: str = "", ifname: str = "eth0", **config: Any
    ) -> tuple[int, dict[str, Any]]:
        """Run the plugin, or what `type=` names, to its end: its exit status and what it printed."""
        version = version or ("1.1.0" if command in ("STATUS", "GC") else "1.0.0")
        if command == "CHECK" and config.get("cniVersion", "1.0.0") < "0.4.0":
            config["cniVersion"] = "0.4.0"  # runtimes do not ask this of older ones
        program = next(
            folder / config.get("type", "weft") for folder in (self.rundir / "bin", OTHER_PLUGINS)
            if (folder / config.get("type", "weft")).exists()
        )  # fmt: skip
        done = subprocess.run(
            [*namespace_command(self.host.ns), str(program)], env=self.environment(command, pod, ifname),
            input=self.conf(version, **config).encode(), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert not done.stderr, done.stderr.decode()
        return done.returncode, json.loads(done.stdout) if done.stdout else {}

    def spawn(self, command: str, pod: Pod, **config: Any) -> subprocess.Popen[bytes]:
        """Start the plugin and give it its configuration, without waiting for its end."""
        process = subprocess.Popen(
            [*namespace_command(self.host.ns), str(self.rundir / "bin/weft")], env=self.environment(command, pod),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin
        process.stdin.write(self.conf(**config).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def add(self, pod: Pod, version: str = "1.0.0", ifname: str = "eth0", **config: Any) -> dict[str, Any]:
        status, answer = self.request("ADD", pod, version, ifname, **config)
        assert status == 0, (answer, self.log()[-3000:])
        return answer

    def host_tc(self, *arguments: str) -> str:
        """tc(8) on the host, whose answer is JSON."""
        return run(*namespace_command(self.host.ns), "tc", "-j", *arguments)

    def inside(self, pod: Pod, *command: str) -> str:
        return run(*namespace_command(Path(pod.netns).name), *command)


@contextlib.contextmanager
def lone_host(subnet: Mapping[str, Any] | None = None, **settings: Any) -> Iterator[AgentHost]:
    """A host with central databases and northd beside it, its agent not started yet, and subnet "blue"."""
    row = {
        "name": "blue", "vpc": "ovn-cluster", "cidrs": ["10.16.0.0/16", "fd00:10:16::/112"],
        "gateways": ["10.16.0.1", "fd00:10:16::1"], "mtu": 1400, "host_routed": True,
    }  # fmt: skip
    with OvnSandbox() as ovn:
        ovn.start_central()
        ovn.nbctl("ls-add", "blue")
        host = AgentHost(ovn, ovn.start_ovs("h1"), **settings)
        host.rows.insert("Subnet", **row | (subnet or {}))
        try:
            yield host
        finally:
            host.close()
