"""The lab's hosts for tests: real hosts with the fabric installed, so what a test sees is what an operator would see.

The lab is brought up by the very command of the README, once a session, and left up: tests that stop daemons or
members start them again. Commands run through `podman exec` and not SSH, so that they also work while a test has broken
the network. Where a lab cannot be (not root, no tun device), its tests are skipped with the reason; under CI that is
an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.hosts import Machine, Result

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = ("lab1", "lab2", "lab3")
UNITS = ("weft-controller", "weft-agent", "ovn-controller", "ovs-vswitchd")
BRING_UP_TIMEOUT = 1500
LAB = os.environ.get("LAB", "")
# The network namespace that is the lab's switch, and a host beyond the fabric.
SWITCH = "-".join(filter(None, ("weft-lab", LAB)))
LOGS = CHECKOUT / "build" / "log"


@dataclass(frozen=True)
class Host(Machine):
    """One host of a lab; `lab` is the name of one beside the usual one (`make lab LAB=name`)."""

    lab: str

    @property
    def container(self) -> str:
        return "-".join(filter(None, ("weft", self.lab, self.name)))

    def argv(self, command: str | list[str], *, stdin: bool = False) -> list[str]:
        inner = ["sh", "-c", command] if isinstance(command, str) else command
        return ["podman", "exec", *(["--interactive"] if stdin else []), self.container, *inner]


@dataclass(frozen=True)
class Lab:
    """All hosts by name."""

    hosts: dict[str, Host]

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts.values())

    def on_all(self, command: str | list[str], **options: bool | float | str) -> dict[str, Result]:
        return {host.name: host.run(command, **options) for host in self}  # type: ignore[arg-type]

    def ready(self) -> bool:
        """Whether every host runs all that the fabric consists of."""
        if not shutil.which("podman"):
            return False
        return all(host.run(["systemctl", "is-active", "--quiet", *UNITS], check=False).ok for host in self)


def obstacle() -> str:
    """Why a lab cannot be on this machine; empty when it can."""
    if os.geteuid() != 0:
        return "system containers are made by root, and this is not root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun, which the userspace datapath needs"
    return ""


def make(target: str, log: Path, **variables: str) -> None:
    """What an operator types, for the lab that the variables name. Fails with the end of what it printed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTEST"))}
    words = [f"{name}={value}" for name, value in variables.items()]
    with log.open("w") as output:
        code = subprocess.run(
            ["make", target, *words],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=BRING_UP_TIMEOUT,
            check=False,
        ).returncode
    if code:
        called = " ".join(["make", target, *words])
        pytest.fail(f"`{called}` failed; {log} ends with:\n{log.read_text()[-3000:]}", pytrace=False)


@pytest.fixture(scope="session")
def possible() -> None:
    """A lab can be on this machine."""
    if reason := obstacle():
        if os.environ.get("CI"):
            pytest.fail(f"no lab on this machine: {reason}", pytrace=False)
        pytest.skip(f"no lab on this machine: {reason}")


@pytest.fixture(scope="session")
def lab(possible: None) -> Lab:
    """The lab with the fabric on it (LAB=name: that one), brought up first where it is not."""
    made = Lab({name: Host(name, LAB) for name in NAMES})
    if not made.ready():
        make("lab", LOGS / "lab-from-tests.log")
    return made


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """`eventually(predicate, within=10, what="...")` waits until it is true: a host sends tests no events."""

    def wait(predicate: Callable[[], object], *, within: float = 10, what: str = "") -> None:
        deadline = time.monotonic() + within
        while not predicate():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {what or predicate}")
            time.sleep(0.1)

    return wait


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything in this directory needs the lab, and the first test of a session may have to wait for its set-up.

    Tests marked `operations` take minutes each: they run when asked for (`make test-operations`).
    """
    if os.environ.get("OPERATIONS") != "all":
        left = [item for item in items if item.get_closest_marker("operations")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(BRING_UP_TIMEOUT + 300, func_only=False))
