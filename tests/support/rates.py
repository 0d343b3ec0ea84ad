"""Rates between two pods, as iperf3 measures them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.support.agent import AgentHost, Pod, eventually
from tests.support.ovn import namespace_command

AVAILABLE = shutil.which("iperf3") is not None


def mbits(agent: AgentHost, sender: Pod, receiver: Pod, address: str, *, udp: float = 0, seconds: float = 3) -> float:
    """What the receiver at that address got, in Mbit/s of payload; by TCP, or by so many Mbit/s of UDP.

    The first second does not count: it has TCP's beginning and the burst that a shaper lets through.
    """
    server = subprocess.Popen(
        [*namespace_command(Path(receiver.netns).name), "iperf3", "--server", "--one-off", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: ":5201" in agent.inside(receiver, "ss", "-Hltn"), "iperf3 listens")
        how = ["--udp", f"--bitrate={udp}M", "--length=1300"] if udp else []
        agent.inside(sender, "iperf3", "--client", address, f"--time={seconds:g}", "--omit=1", "--json", *how)
        said, _ = server.communicate(timeout=15)
    finally:
        server.kill()
        server.wait()
    intervals = [item["sum"] for item in json.loads(said)["intervals"] if not item["sum"]["omitted"]]
    return float(sum(item["bytes"] for item in intervals) * 8 / sum(item["seconds"] for item in intervals) / 1e6)
