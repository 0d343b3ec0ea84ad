"""The roles on real hosts: a second run changes nothing, check mode only tells, and an operator's slips are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.support.play import Play, play, settled

pytestmark = pytest.mark.lab
SITE = "playbooks/site.yml"
Eventually = Callable[..., None]
ENCAPSULATION = {"lab1": "172.31.0.11/24", "lab2": "172.31.0.12/24", "lab3": "172.31.0.13/24"}


@pytest.fixture(scope="module")
def again(lab: Lab) -> Play:
    """site.yml on the finished lab."""
    return settled(partial(play, SITE))


@pytest.fixture(scope="module")
def installed(lab: Lab, again: Play) -> Lab:
    """The lab with what this checkout installs, whatever checkout installed it before."""
    return lab


def role_play(folder: Path, role: str, hosts: str = "weft", tasks: str = "main") -> Path:
    """A playbook of one role alone, as a user of the collection would write it."""
    path = folder / f"{role}-{tasks}.yml"
    path.write_text(
        f"- hosts: {hosts}\n"
        "  gather_subset: ['!all', '!min', distribution, pkg_mgr, service_mgr]\n"
        "  tasks:\n"
        f"    - ansible.builtin.import_role: {{name: weft.ovn.{role}, tasks_from: {tasks}}}\n"
    )
    return path


def test_the_second_run_changes_nothing(again: Play) -> None:
    assert again.changed == {"lab1": 0, "lab2": 0, "lab3": 0}


def test_check_mode_shows_a_change_and_makes_none(installed: Lab) -> None:
    variables = {
        "agent_log_level": "debug",
        "ovn_central_inactivity_probe": 70000,
        "openvswitch_other_config": {"n-handler-threads": "2"},
    }
    seen = play(SITE, "--check", "--diff", variables=variables).succeeded()
    assert all(number > 0 for number in seen.changed.values())
    for line in ('-level = "info"', '+level = "debug"', '"n-handler-threads": "2"'):
        assert line in seen.text
    assert re.search(r"^\+.*70000", seen.text, re.MULTILINE)
    for host in installed:
        assert 'level = "info"' in host.run("cat /etc/weft/agent.toml").stdout
        assert "2" not in host.run("ovs-vsctl get Open_vSwitch . other_config:n-handler-threads").stdout


# --- refusals ---


@pytest.fixture
def elsewhere(tmp_path: Path, installed: Lab) -> Iterator[dict[str, object]]:
    """Variables under which the role looks for its databases in an empty directory, as if the hosts were bare."""
    directory = "/var/lib/ovn/test-refusal"
    installed.on_all(["mkdir", "-p", directory])
    databases = [
        {
            "name": "OVN_Northbound",
            "stem": "test",
            "file": f"{directory}/nb.db",
            "raft_port": 6643,
            "unit": "x.service",
            "schema": "x",
        }
    ]
    yield {"ovn_central_databases": databases, "ovn_central_raft_note_directory": directory}
    installed.on_all(["rm", "-rf", directory])


@pytest.fixture
def central_play(tmp_path: Path) -> Path:
    return role_play(tmp_path, "ovn_central", "ovn_central")


def test_no_bootstrap_under_limit(elsewhere: dict[str, object], central_play: Path) -> None:
    seen = play(central_play, "--check", "--limit", "lab1", variables=elsewhere)
    seen.refused("refusing to bootstrap a cluster: lab2, lab3 not part of this run (--limit")


def test_no_bootstrap_beside_an_existing_cluster(
    installed: Lab, elsewhere: dict[str, object], central_play: Path
) -> None:
    directory = elsewhere["ovn_central_raft_note_directory"]
    schema = "/usr/share/ovn/ovn-nb.ovsschema"
    create = ["ovsdb-tool", "create-cluster", f"{directory}/nb.db", schema, "ssl:172.30.0.12:6643"]
    installed["lab2"].run(create)
    play(central_play, "--check", variables=elsewhere).refused(
        "lab1 is the first member and has no database, while lab2 have one"
    )
    # A second one, of its own: now two clusters claim the fabric.
    installed["lab3"].run([*create[:-1], "ssl:172.30.0.13:6643"])
    play(central_play, "--check", variables=elsewhere).refused("members are of different clusters")


def test_an_old_ovn_is_refused_with_the_reason(installed: Lab, central_play: Path) -> None:
    """The lab's OVN is recent, so the door is asked for the next century's."""
    path = central_play.with_name("old.yml")
    task = "weft.ovn.ovn_release: {package: ovn-central, minimum: '99.03'}"
    path.write_text(f"- hosts: lab1\n  gather_facts: false\n  tasks:\n    - {task}\n")
    play(path).refused("99.03 or later is allowed. Older releases recompute")


def test_an_ambiguous_encapsulation_address_lists_the_candidates(installed: Lab, tmp_path: Path) -> None:
    variables = {"ovn_host_encap_interface": ["br-phys|mgmt0"]}
    seen = play(role_play(tmp_path, "ovn_host", "lab1"), variables=variables)
    seen.refused("several address for interfaces")
    assert "mgmt0 172.30.0.11" in seen.text
    assert "br-phys 172.31.0.11" in seen.text


# --- hosts ---


def has_encapsulation_address(lab: Lab, name: str) -> bool:
    shown = lab[name].run("ip -br address show dev br-phys; ip link show dev br-phys", check=False).stdout
    return ENCAPSULATION[name] in shown and "mtu 1600" in shown


def test_the_encapsulation_address_outlives_a_restart_of_vswitchd(installed: Lab, eventually: Eventually) -> None:
    """systemctl waits for the unit that it was told to restart, and not for those that follow it."""
    installed["lab3"].run(["systemctl", "restart", "ovs-vswitchd"])
    eventually(lambda: has_encapsulation_address(installed, "lab3"), within=3, what="br-phys has its address and MTU")


def test_the_encapsulation_address_outlives_a_crash_of_vswitchd(installed: Lab, eventually: Eventually) -> None:
    host = installed["lab3"]
    before = host.run("cat /run/openvswitch/ovs-vswitchd.pid").stdout
    host.run(["kill", "-9", before])
    eventually(
        lambda: (
            host.run("cat /run/openvswitch/ovs-vswitchd.pid", check=False).stdout not in ("", before)
            and has_encapsulation_address(installed, "lab3")
        ),
        within=15,
        what="br-phys has its address and MTU again",
    )


def test_a_reload_of_the_switchs_database_keeps_the_hosts_name(installed: Lab) -> None:
    host = installed["lab3"]
    before = host.run("cat /run/openvswitch/ovsdb-server.pid").stdout
    host.run(["systemctl", "reload", "ovsdb-server"])
    assert host.run("cat /run/openvswitch/ovsdb-server.pid").stdout != before
    assert host.run("ovs-vsctl get Open_vSwitch . external_ids:system-id").stdout.strip('"') == "lab3"


def chassis(lab: Lab, name: str) -> str:
    command = (
        f"ovn-sbctl --no-leader-only --db=unix:/run/ovn/ovnsb_db.sock --bare --columns=name find Chassis name={name}"
    )
    return lab["lab1"].run(command).stdout


def test_a_stop_leaves_the_chassis_and_only_a_removal_takes_it_away(
    installed: Lab, tmp_path: Path, eventually: Eventually
) -> None:
    installed["lab3"].run(["systemctl", "stop", "ovn-controller"])
    assert chassis(installed, "lab3") == "lab3"
    installed["lab3"].run(["systemctl", "start", "ovn-controller"])

    play(role_play(tmp_path, "ovn_host", "lab3", "remove")).succeeded()
    assert chassis(installed, "lab3") == ""
    play(role_play(tmp_path, "ovn_host", "lab3")).succeeded()
    eventually(lambda: chassis(installed, "lab3") == "lab3", within=20, what="lab3 has its chassis again")
