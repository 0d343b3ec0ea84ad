"""Workloads of a fabric on guests: documents as an operator applies them, packets as the workloads send them.

weftctl runs here and not in a guest, where an emulated processor takes half a minute for its start; it speaks to the
guests' databases with the certificate and the configuration that the first guest has for operators.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.metal.conftest import CHECKOUT, SWITCH, Guest

PREFIX = "ovn.kubernetes.io/"
# An emulated processor takes ten seconds for what a container's takes one.
PATIENCE = 180


def workload(name: str, host: str, **annotations: str) -> dict[str, Any]:
    """An endpoint with annotations, as a document."""
    given = {"weft.ovn/netns": f"{name}.default", **{PREFIX + key: value for key, value in annotations.items()}}
    metadata = {"name": name, "namespace": "default", "annotations": given}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": host}}


@cache
def _configuration(central: Guest) -> Path:
    """The operator's files of a guest, in a directory of this session."""
    directory = Path(tempfile.mkdtemp(prefix="weft-metal-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name in ("weftctl.toml", "pki/ca.crt", "pki/admin.crt", "pki/admin.key"):
        text = central.run(["cat", f"/etc/weft/{name}"]).stdout.replace("/etc/weft", str(directory))
        path = directory / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(text + "\n")
    return directory / "weftctl.toml"


def weftctl(central: Guest, *arguments: str, stdin: str = "", check: bool = True) -> str:
    """What weftctl prints."""
    program = [sys.executable, "-c", "import sys; from weft.ctl.main import main; sys.exit(main())"]
    program += ["--config", str(_configuration(central)), "--connect-timeout", "60"]
    done = subprocess.run(
        ["ip", "netns", "exec", SWITCH, *program, *arguments],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "services")},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE + 60,
        check=False,
    )
    assert done.returncode == 0 or not check, f"weftctl {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def apply(central: Guest, *documents: dict[str, Any]) -> None:
    """Apply documents, and wait for their workloads."""
    weftctl(central, "apply", "-f", "-", stdin="\n---\n".join(json.dumps(document) for document in documents))
    weftctl(central, "endpoint", "wait", "--timeout", str(PATIENCE))


def inside(name: str, command: str) -> str:
    """A shell's command line, in the network namespace of a workload."""
    return f"ip netns exec {name}.default {command}"


def address(guest: Guest, name: str) -> str:
    shown = json.loads(guest.run(inside(name, "ip -4 -json address show dev eth0")).stdout)
    return str(next(item["local"] for item in shown[0]["addr_info"]))


def round_trips(guest: Guest, name: str, target: str, count: int = 20, netns: str = "") -> tuple[float, float, float]:
    """Percent lost, and the average and the mean deviation of round-trip times in milliseconds."""
    command = f"ip netns exec {netns or f'{name}.default'} ping -q -c {count} -i 0.2 -W 3 {target}"
    said = guest.run(command, check=False, timeout=PATIENCE).stdout
    lost = re.search(r"([\d.]+)% packet loss", said)
    times = re.search(r"= [\d.]+/([\d.]+)/[\d.]+/([\d.]+) ms", said)
    assert lost, said
    return float(lost[1]), *((float(times[1]), float(times[2])) if times else (0.0, 0.0))


def tcp_mbits(sender: tuple[Guest, str], receiver: tuple[Guest, str], seconds: int = 6) -> float:
    """Payload of TCP in Mbit/s as the receiver saw it, without the first two seconds."""
    guest, name = receiver
    server = guest.start(inside(name, "iperf3 --server --one-off"))
    try:
        guest.run(f"until {inside(name, 'ss -Hltn')} | grep -q :5201; do sleep 0.2; done", timeout=PATIENCE)
        target = address(guest, name)
        client = inside(sender[1], f"iperf3 --client {target} --time={seconds} --omit=2 --json")
        said = json.loads(sender[0].run(client, timeout=PATIENCE).stdout)
    finally:
        server.kill()
        server.wait()
    return float(said["end"]["sum_received"]["bits_per_second"]) / 1e6
