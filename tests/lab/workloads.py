"""Workloads on the lab's hosts, and pings between them while something happens."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from tests.lab.conftest import Host, Lab
from tests.support.traffic import INTERVAL, Loss, measure

SEEN_FROM = "lab1"
_NUMBERS = itertools.count()


def add(lab: Lab, namespace: str, name: str, host: str, through: str = SEEN_FROM, timeout: int = 30) -> str:
    """A workload on a host, ready; its address."""
    command = ["weftctl", "endpoint", "add", name, "--host", host, "--namespace", namespace]
    lab[through].run([*command, "--timeout", str(timeout)], timeout=timeout + 30)
    return str(_pod(lab, namespace, name, through)["status"]["podIP"])


def netns(lab: Lab, namespace: str, name: str, through: str = SEEN_FROM) -> str:
    """The network namespace that the agent keeps for it on its host."""
    return str(_pod(lab, namespace, name, through)["metadata"]["annotations"]["weft.ovn/netns"])


def _pod(lab: Lab, namespace: str, name: str, through: str) -> dict[str, dict[str, dict[str, str]]]:
    text = lab[through].run(["weftctl", "get", "pod", name, "-n", namespace, "-o", "json"]).stdout
    return dict(json.loads(text))


def namespace(lab: Lab, name: str, through: str = SEEN_FROM) -> None:
    document = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"
    lab[through].run(["weftctl", "apply", "-f", "-"], stdin=document)


def remove(lab: Lab, name: str, through: str = SEEN_FROM) -> None:
    """All workloads of a namespace, and the namespace."""
    host = lab[through]
    names = host.run(["weftctl", "get", "pods", "-n", name, "-o", "name"]).stdout.split()
    if names:
        host.run(["weftctl", "endpoint", "delete", "-n", name, *(item.rpartition("/")[2] for item in names)])
    host.run(["weftctl", "delete", "namespace", name])


def has_database(host: Host) -> bool:
    """Whether its agent has a whole replica of Weft."""
    script = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:10665/metrics', timeout=5).read().decode())"
    text = host.run(["/opt/weft/bin/python", "-ISc", script], check=False).stdout
    return 'weft_agent_connected{database="Weft"} 1.0' in text


@dataclass(frozen=True)
class Way:
    """From a workload on a host to an address."""

    host: Host
    netns: str
    address: str

    def answers(self) -> bool:
        return self.host.run(f"ip netns exec {self.netns} ping -c 1 -W 1 {self.address}", check=False).ok


@contextlib.contextmanager
def way_between(lab: Lab, name: str) -> Iterator[Way]:
    """From a workload on lab1 to one on lab2, in a namespace of that name, which goes with all that is in it."""
    namespace(lab, name)
    add(lab, name, "one", "lab1")
    address = add(lab, name, "two", "lab2")
    yield Way(lab["lab1"], netns(lab, name, "one"), address)
    remove(lab, name)


class Pings:
    """Pings every 10 ms along a way for as long as the block lasts; then `loss` is there."""

    loss: Loss

    def __init__(self, way: Way) -> None:
        self._way = way
        self._pid_file = f"/run/weft-test-ping-{next(_NUMBERS)}"

    def __enter__(self) -> Pings:
        way = self._way
        way.host.run(f"ip netns exec {way.netns} ping -c 3 -i 0.2 -W 2 {way.address}")  # learns the way
        ping = f"ip netns exec {way.netns} ping -D -n -i {INTERVAL} -W 1 {way.address}"
        # Into a file: a pipe that nobody reads holds the answers of some seconds, and then ping waits.
        self._process = way.host.start(f"echo $$ > {self._pid_file}; exec {ping} > {self._pid_file}.log")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._way.host.run(f"sleep 0.3; kill -{int(signal.SIGINT)} $(cat {self._pid_file}); rm {self._pid_file}")
        self._process.communicate(timeout=20)
        self.loss = measure(self._way.host.run(f"cat {self._pid_file}.log; rm {self._pid_file}.log").stdout)
