"""Hosts reach the databases through relays: nobody's lock can be taken there, and a relay that dies is replaced."""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import SWITCH, Host, Lab
from tests.lab.workloads import add, has_database, way_between
from tests.support.caller import Caller, RefusedError
from tests.support.pings import Pings, Way
from tests.support.play import play

pytestmark = pytest.mark.lab
Eventually = Callable[..., None]
PKI = "/etc/weft/pki"
MEMBER = "172.30.0.11"
LOCKS = ("ovn_northd", "weft_controller")
OPEN_TO_HOSTS = {6642, 6645}
ONLY_FOR_MEMBERS = {6641, 6643, 6644, 6646, 16642, 16645}
RELAYS = ("ovn-relay-sb", "weft-relay")
NAMESPACE = "relays"


@pytest.fixture(scope="module")
def context(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What whoever has taken over a host can show: its certificate."""
    folder = tmp_path_factory.mktemp("taken")
    files = {name: folder / name for name in ("ca.crt", "host.crt", "host.key")}
    for name, path in files.items():
        path.write_text(lab["lab2"].run(["cat", f"{PKI}/{name}"]).stdout + "\n")
    made = ssl.create_default_context(cafile=str(files["ca.crt"]))
    made.check_hostname = False
    made.load_cert_chain(files["host.crt"], files["host.key"])
    return made


@pytest.fixture(scope="module")
def way(lab: Lab) -> Iterator[Way]:
    with way_between(lab, NAMESPACE) as made:
        yield made


def holders(lab: Lab) -> dict[str, str]:
    """Who works: the northd that is active, the controller that leads."""
    status = lab.on_all("ovn-appctl -t /run/ovn/ovn-northd.*.ctl status", check=False)
    active = [name for name, result in status.items() if "active" in result.stdout]
    leader = re.search(r"leader (\S+),", lab["lab1"].run(["weftctl", "status"]).stdout)
    assert leader
    return {"northd": " ".join(active), "controller": leader[1]}


def listening(host: Host) -> set[int]:
    """Ports at which a host listens beyond itself."""
    lines = host.run(["ss", "-Hltn"]).stdout.splitlines()
    places = [line.split()[3].rpartition(":") for line in lines]
    return {int(port) for address, _, port in places if not address.strip("[]").startswith(("127.", "::1"))}


def steal(context: ssl.SSLContext, port: int) -> Caller | None:
    """Locks taken at a port of a member from where only a host is; None when nobody takes them there."""
    try:
        caller = Caller(SWITCH, (MEMBER, port), context)
        for lock in LOCKS:
            assert caller.call("steal", lock) == {"locked": True}
    except (OSError, RefusedError):
        return None
    return caller


def test_no_port_that_a_host_reaches_gives_it_a_lock_that_counts(lab: Lab, context: ssl.SSLContext) -> None:
    ports = listening(lab["lab1"])
    assert ports >= OPEN_TO_HOSTS | ONLY_FOR_MEMBERS
    before = holders(lab)
    thieves = {port: caller for port in sorted(ports) if (caller := steal(context, port))}
    try:
        assert set(thieves) == OPEN_TO_HOSTS
        time.sleep(1)
        assert holders(lab) == before
    finally:
        for caller in thieves.values():
            caller.close()


def connected(lab: Lab) -> bool:
    """Whether each host's ovn-controller and agent have their database."""
    status = lab.on_all("ovn-appctl connection-status", check=False).values()
    return all(result.stdout == "connected" for result in status) and all(map(has_database, lab))


def test_hosts_turn_to_another_relay_when_theirs_dies(lab: Lab, way: Way, eventually: Eventually) -> None:
    begun = time.monotonic()
    try:
        with Pings(way) as pings:
            lab["lab2"].run(["systemctl", "stop", *RELAYS])
            eventually(lambda: connected(lab), within=10, what="all hosts have their databases")
            gap = time.monotonic() - begun
        address = add(lab, NAMESPACE, "three", "lab2")  # a new port may cost a userspace datapath a packet
        added = time.monotonic() - begun
    finally:
        lab["lab2"].run(["systemctl", "start", *RELAYS])
    print(f"all hosts connected after {gap:.1f} s, a new workload ready after {added:.1f} s, {pings.loss}")
    assert Way(way.host, way.netns, address).answers()
    assert pings.loss.lost == 0


@pytest.fixture
def both_roles(tmp_path: Path) -> Path:
    path = tmp_path / "relays.yml"
    path.write_text(
        "- hosts: ovn_central\n"
        "  gather_subset: ['!all', '!min', distribution, pkg_mgr, service_mgr]\n"
        "  any_errors_fatal: true\n"
        "  roles: [weft.ovn.ovn_relay, weft.ovn.ovn_central]\n"
    )
    return path


@pytest.mark.skipif(not os.environ.get("WEFT_SLOW"), reason="make test-lab-slow: two runs of roles")
def test_relays_go_and_come_back_without_loss(lab: Lab, way: Way, both_roles: Path, eventually: Eventually) -> None:
    """As a fabric from before relays gets them."""
    with Pings(way) as pings:
        play(both_roles, variables={"ovn_central_relays": False}).succeeded()
        assert not any(lab["lab3"].active(relay) for relay in RELAYS)
        eventually(lambda: connected(lab), within=15, what="hosts have the databases themselves")
        play(both_roles).succeeded()
        begun = time.monotonic()
        eventually(lambda: connected(lab), within=15, what="hosts have their relays again")
    print(f"connected {time.monotonic() - begun:.1f} s after the relays are back, {pings.loss}")
    assert pings.loss.lost == 0
