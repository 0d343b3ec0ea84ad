"""A controller in a process of its own, as on a host, and its metrics."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.fabric import Fabric
from tests.support.ovn import ROOT


def environment() -> dict[str, str]:
    """What a Python process of the project needs."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'services'}:{ROOT}"}


def memory(pid: int) -> float:
    """MiB that a process has in memory."""
    words = Path(f"/proc/{pid}/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) / 1024


class ControllerProcess:
    """See the module's text. `port` is where it serves its metrics."""

    def __init__(self, made: Fabric, name: str = "bench", port: int = 10669) -> None:
        self._listen = f"127.0.0.1:{port}"
        kubernetes = f'[kubernetes]\nkubeconfig = "{made.kubeconfig}"\n' if made.kubeconfig else ""
        self._text = (
            f'name = "{name}"\n[weft]\nremote = "{made.ovn.weft}"\n[northbound]\nremote = "{made.ovn.northbound}"\n'
            f'{kubernetes}[metrics]\nlisten = "{self._listen}"\n[log]\nlevel = "error"\n'
        )
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
            file.write(self._text)
        self._file = Path(file.name)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "weft.controller.main", "--config", file.name, env=environment(), cwd=ROOT
        )

    async def stop(self, *, kill: bool = False) -> None:
        if self.process.returncode is None:
            (self.process.kill if kill else self.process.terminate)()
            await self.process.wait()
        self._file.unlink(missing_ok=True)

    def metric(self, name: str, labels: str = "") -> float:
        """Sum of a metric over those of its labels that match the text."""
        try:
            with urllib.request.urlopen(f"http://{self._listen}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, OSError):
            return 0.0
        pattern = rf"^{re.escape(name)}(\{{.*?\}})? (\S+)$"
        return sum(float(value) for found, value in re.findall(pattern, text, re.MULTILINE) if labels in found)

    async def until_settled(self, pods: int) -> None:
        """Until it leads, knows so many pods and has worked all that it knew of."""
        while not (
            self.metric("weft_controller_leader") == 1 and self.metric("weft_controller_objects", 'kind="Pod"') == pods
        ):
            await asyncio.sleep(0.2)  # each look costs the controller some milliseconds


@contextlib.asynccontextmanager
async def controller(made: Fabric, name: str = "bench", port: int = 10669) -> AsyncIterator[ControllerProcess]:
    process = ControllerProcess(made, name, port)
    await process.start()
    try:
        yield process
    finally:
        await process.stop()
