"""Hosts of emulated metal for tests: virtual machines with a kernel, an IOMMU and NICs of their own (docs/metal.md).

They are brought up by the operator's own playbook, once a session, and taken down at its end unless they ran before it.
Where they cannot be (not root, no tun device, another architecture), their tests are skipped with the reason; under CI
that is an error.
"""

from __future__ import annotations

import os
import platform
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.hosts import Machine
from tests.support.play import play

CHECKOUT = Path(__file__).resolve().parents[2]
INVENTORY = CHECKOUT / "inventories" / "metal" / "hosts.yml"
LAB = "-".join(filter(None, ("metal", os.environ.get("LAB", ""))))
# The network namespace that is the guests' switch, and a host beyond the fabric.
SWITCH = f"weft-lab-{LAB}"
DIRECTORY = Path(os.environ.get("WEFT_CACHE", Path.home() / ".cache" / "weft")) / "labs" / LAB
ADDRESSES = {"metal1": "172.30.0.21", "metal2": "172.30.0.22"}
# GUESTS=metal1: one guest for the tests that need no more, on a machine that has little.
GUESTS = os.environ.get("GUESTS", " ".join(ADDRESSES)).split()
LIMIT = ",".join([*GUESTS, "localhost"])
UNITS = ("ovs-vswitchd", "ovn-controller", "weft-agent")
# The first build of the image has Debian's archive and a compiler in it.
BRING_UP_TIMEOUT = 1500
# Of site.yml on bare guests: 24 MB of programs are copied and compiled by emulated processors.
SITE_TIMEOUT = 2400

metal_play = partial(play, inventory=INVENTORY)


@dataclass(frozen=True)
class Guest(Machine):
    """A virtual machine, entered by SSH through its switch's network namespace."""

    def argv(self, command: str | list[str], *, stdin: bool = False) -> list[str]:
        words = command if isinstance(command, str) else shlex.join(command)
        proxy = f"ProxyCommand=ip netns exec {SWITCH} nc %h %p"
        options = {
            "BatchMode": "yes",
            "LogLevel": "ERROR",
            "UserKnownHostsFile": str(DIRECTORY / "ssh" / "known_hosts"),
            "ControlMaster": "auto",
            "ControlPath": f"/tmp/{SWITCH}-ssh/test-{self.name}",
            "ControlPersist": "60",
            "ConnectTimeout": "60",
            # A guest that starts again does not close its connections.
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "12",
        }
        given = [item for key, value in options.items() for item in ("-o", f"{key}={value}")]
        key = str(DIRECTORY / "ssh" / "lab")
        return [
            "ssh",
            *([] if stdin else ["-n"]),
            *given,
            "-o",
            proxy,
            "-i",
            key,
            f"root@{ADDRESSES[self.name]}",
            words,
        ]

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        pid = DIRECTORY / "guests" / self.name / "pid"
        return pid.exists() and Path("/proc", pid.read_text().strip()).exists()


def obstacle() -> str:
    """Why emulated metal cannot be on this machine; empty when it can."""
    if os.geteuid() != 0:
        return "their image and their network are made by root, and this is not root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun for their NICs"
    if platform.machine() != "x86_64":
        return f"QEMU's programs are for x86_64, and this is {platform.machine()}"
    return ""


def ran_before() -> bool:
    return all((DIRECTORY / "guests" / name / "pid").exists() for name in GUESTS)


@pytest.fixture(scope="session")
def metal() -> Iterator[dict[str, Guest]]:
    """The guests, running and bare."""
    if reason := obstacle():
        if os.environ.get("CI"):
            pytest.fail(f"no virtual machines on this machine: {reason}", pytrace=False)
        pytest.skip(f"no virtual machines on this machine: {reason}")
    leave = ran_before()
    metal_play("playbooks/lab_create.yml", "--limit", LIMIT, timeout=BRING_UP_TIMEOUT).succeeded()
    yield {name: Guest(name) for name in GUESTS}
    if not leave:
        metal_play("playbooks/lab_destroy.yml").succeeded()


@pytest.fixture(scope="session")
def fabric(metal: dict[str, Guest]) -> dict[str, Guest]:
    """The guests, with the fabric that site.yml makes of them where it does not run yet."""
    if not all(guest.active(unit) for guest in metal.values() for unit in UNITS):
        metal_play("playbooks/site.yml", "--limit", LIMIT, timeout=SITE_TIMEOUT).succeeded()
    return metal


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """`eventually(predicate, within=30, what="...")` waits until it is true."""

    def wait(predicate: Callable[[], object], *, within: float = 30, what: str = "") -> None:
        deadline = time.monotonic() + within
        while not predicate():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {what or predicate}")
            time.sleep(0.5)

    return wait


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory needs the guests, and the first test of a session may have to wait for them.

    Those of bare guests come first: nothing takes the fabric away again.
    """
    ours = [item for item in items if Path(__file__).parent in Path(item.path).parents]
    for item in ours:
        item.add_marker(pytest.mark.metal)
        item.add_marker(pytest.mark.timeout(BRING_UP_TIMEOUT + SITE_TIMEOUT, func_only=False))
    items.sort(key=lambda item: item in ours and "fabric" in getattr(item, "fixturenames", ()))
