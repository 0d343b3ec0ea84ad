"""Workloads on the lab's hosts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from tests.lab.conftest import Host, Lab
from tests.support.pings import Way

SEEN_FROM = "lab1"


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


@contextlib.contextmanager
def way_between(lab: Lab, name: str) -> Iterator[Way]:
    """From a workload on lab1 to one on lab2, in a namespace of that name, which goes with all that is in it."""
    namespace(lab, name)
    add(lab, name, "one", "lab1")
    address = add(lab, name, "two", "lab2")
    yield Way(lab["lab1"], netns(lab, name, "one"), address)
    remove(lab, name)
