"""Parts of the fabric die; workloads go on, and new ones come up."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab.conftest import Lab
from tests.lab.workloads import SEEN_FROM, add, way_between
from tests.support.pings import Pings, Way

DATABASES = ("ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "weft-ovsdb", "ovn-relay-sb", "weft-relay")
NAMESPACE = "resilience"


@pytest.fixture(scope="module")
def way(lab: Lab) -> Iterator[Way]:
    with way_between(lab, NAMESPACE) as made:
        yield made


@pytest.mark.parametrize("unit", ["weft-agent", "weft-controller"])
def test_a_restart_drops_no_packet(lab: Lab, way: Way, unit: str) -> None:
    with Pings(way) as pings:
        lab.on_all(["systemctl", "restart", unit])
        time.sleep(2)  # what it does late
    assert pings.loss.sent > 50
    assert pings.loss.lost == 0


def _databases(lab: Lab, name: str, verb: str) -> None:
    lab[name].run(["systemctl", verb, *DATABASES], timeout=120)


def _leader(lab: Lab) -> str:
    """The member that leads the Weft database."""
    status = "ovs-appctl -t /run/ovn/weft_db.ctl cluster/status Weft"
    return next(host.name for host in lab if "Role: leader" in host.run(status, check=False).stdout)


def test_workloads_come_up_with_a_member_stopped(lab: Lab, way: Way, eventually: Callable[..., None]) -> None:
    """The worst member: the one that leads; its relays are gone too."""
    stopped = _leader(lab)
    through = next(host.name for host in lab if host.name != stopped)
    try:
        _databases(lab, stopped, "stop")
        for number, host in enumerate(lab):
            address = add(lab, NAMESPACE, f"without-{number}", host.name, through)
            lab["lab1"].run(f"ip netns exec {way.netns} ping -c 5 -i 0.2 -W 2 {address}")
    finally:
        _databases(lab, stopped, "start")
    eventually(lambda: _members_agree(lab), within=30, what="the stopped member has caught up")


def _members_agree(lab: Lab) -> bool:
    texts = lab.on_all("ovs-appctl -t /run/ovn/weft_db.ctl cluster/status Weft", check=False)
    entries = {
        match.group(1) for text in texts.values() if (match := re.search(r"not yet committed: (\d+)", text.stdout))
    }
    return entries == {"0"} and sum("Role: leader" in text.stdout for text in texts.values()) == 1


def test_the_leading_controller_is_killed_while_workloads_are_created(lab: Lab, way: Way) -> None:
    """Another one leads; every workload has one address, and no address is used twice."""
    documents = "---\n".join(_pod(number) for number in range(200))
    leader = json.loads(lab[SEEN_FROM].run(["weftctl", "status", "-o", "json"]).stdout)["fabric"]["leader"]
    creating = lab[SEEN_FROM].start(f"weftctl apply -f - >/dev/null <<'EOF'\n{documents}\nEOF")
    lab[leader].run("systemctl kill --signal=KILL weft-controller")
    assert creating.wait(60) == 0
    names = " ".join(f"many-{n}" for n in range(200))
    try:
        items = _until_all_have_addresses(lab)
        addresses = [item["status"]["podIP"] for item in items]
        assert len(set(addresses)) == len(addresses)
        plan = lab[SEEN_FROM].run(["weftctl", "plan", "--exit-code"], check=False)
        assert plan.code == 0, f"the databases hold what the objects say, no more and no less:\n{plan.stdout}"
    finally:
        lab[SEEN_FROM].run(f"weftctl delete pods -n {NAMESPACE} {names}", timeout=120)


def _pod(number: int) -> str:
    metadata, spec = f"{{name: many-{number}, namespace: {NAMESPACE}}}", f"{{nodeName: lab{number % 3 + 1}}}"
    return f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {spec}\n"


def _until_all_have_addresses(lab: Lab) -> list[dict[str, dict[str, str]]]:
    command = ["weftctl", "get", "pods", "-n", NAMESPACE, "-o", "json"]
    for _ in range(30):
        items = [
            item
            for item in json.loads(lab[SEEN_FROM].run(command).stdout)["items"]
            if item["metadata"]["name"].startswith("many-")
        ]
        if len(items) == 200 and all(item.get("status", {}).get("podIP") for item in items):
            return items
    raise AssertionError("not every workload has an address")


def test_packets_flow_again_after_vswitchd_restarts(lab: Lab, way: Way, eventually: Callable[..., None]) -> None:
    lab["lab1"].run(["systemctl", "restart", "ovs-vswitchd"], timeout=60)
    eventually(way.answers, within=30, what="workload to workload across hosts")
    ping = f"ping -c 1 -W 1 {way.address}"
    eventually(lambda: lab["lab1"].run(ping, check=False).ok, within=10, what="host to workload")
