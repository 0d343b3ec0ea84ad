"""Rates between two network namespaces, as iperf3 measures them."""

from __future__ import annotations

import json
import shutil
import subprocess

from tests.support.agent import eventually
from tests.support.ovn import namespace_command, run

AVAILABLE = shutil.which("iperf3") is not None


def mbits(sender: str, receiver: str, address: str, *, udp: float = 0, seconds: float = 3) -> float:
    """What the receiver at that address got, in Mbit/s of payload; by TCP, or by so many Mbit/s of UDP.

    The first second does not count: it has TCP's beginning and the burst that a shaper lets through.
    """
    server = subprocess.Popen(
        [*namespace_command(receiver), "iperf3", "--server", "--one-off", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: ":5201" in run(*namespace_command(receiver), "ss", "-Hltn"), "iperf3 listens")
        how = ["--udp", f"--bitrate={udp}M", "--length=1300"] if udp else []
        client = ("iperf3", "--client", address, f"--time={seconds:g}", "--omit=1", "--json")
        run(*namespace_command(sender), *client, *how)
        said, _ = server.communicate(timeout=15)
    finally:
        server.kill()
        server.wait()
    intervals = [item["sum"] for item in json.loads(said)["intervals"] if not item["sum"]["omitted"]]
    return float(sum(item["bytes"] for item in intervals) * 8 / sum(item["seconds"] for item in intervals) / 1e6)
