"""Packages with a higher version of the same programs are on the hosts: all are upgraded while workloads speak."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import Pair, killed, operation

pytestmark = pytest.mark.operations
Eventually = Callable[..., None]
OVN = ("ovn-common", "ovn-host", "ovn-central")
SWITCH = ("openvswitch-common", "openvswitch-switch")
PUBLISH = r"""
set -eu
cd "$(mktemp -d)"
for name in %s; do
    apt-get download --quiet $name >/dev/null
    before=$(dpkg-query -W -f '${Version}' $name) after=$(dpkg-query -W -f '${Version}' $name)+t
    dpkg-deb -R $name*.deb tree
    # What depends on this very version depends on the new one.
    sed -i "s/^Version: .*/Version: $after/; s/\(ovn-common (= \|openvswitch-common (= \)[^)]*/&+t/" tree/DEBIAN/control
    dpkg-deb -b --root-owner-group -Znone tree /srv/packages/$name-$(echo "$after" | tr -dc a-z0-9).deb >/dev/null
    rm -rf tree
done
cd /srv/packages
for deb in *.deb; do
    dpkg-deb --field "$deb"
    sum=$(sha256sum "$deb" | cut -d' ' -f1)
    printf 'Filename: ./%%s\nSize: %%s\nSHA256: %%s\n\n' "$deb" "$(stat -c %%s "$deb")" "$sum"
done >Packages
apt-get update --quiet >/dev/null
"""


def publish(lab: Lab, names: tuple[str, ...]) -> None:
    """Every host's package source has these again, with a higher version."""
    running = [host.start(PUBLISH % " ".join(names)) for host in lab]
    for process in running:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output


def versions(lab: Lab, names: tuple[str, ...]) -> set[str]:
    return {host.run(["dpkg-query", "-W", "-f", "${Version}", name]).stdout for host in lab for name in names}


def outdated(lab: Lab) -> set[str]:
    """Daemons whose program is not the one on the disk any more."""
    script = "for pid in /run/ovn/*.pid /run/openvswitch/*.pid; do readlink /proc/$(cat $pid)/exe; done | grep deleted"
    return {line for host in lab for line in host.run(script, check=False).stdout.splitlines()}


def test_everything_is_upgraded_while_workloads_speak(healthy: Lab, pair: Pair) -> None:
    publish(healthy, OVN)
    before = versions(healthy, ("ovn-host",))
    seen = operation("upgrade", "--check").succeeded()
    assert "+t on lab1, lab2, lab3" in seen.text
    assert versions(healthy, ("ovn-host",)) == before
    with pair.traffic(most=2):
        operation("upgrade").succeeded()
    assert all(version.endswith("+t") for version in versions(healthy, OVN))
    assert outdated(healthy) == set()
    assert set(operation("upgrade").succeeded().changed.values()) == {0}


@pytest.mark.parametrize("at", ["The new ovn-controller runs", "The member's new servers run"])
def test_an_upgrade_that_was_killed_is_finished(healthy: Lab, pair: Pair, at: str) -> None:
    publish(healthy, OVN)
    with pair.traffic(most=2):
        killed("upgrade", at)
        operation("upgrade").succeeded()
    assert outdated(healthy) == set()


def test_a_switch_is_kept_until_its_window(healthy: Lab, pair: Pair, eventually: Eventually) -> None:
    """Newer packages restart nothing; the data plane's restart is another playbook, and counted."""
    publish(healthy, SWITCH)
    with pair.traffic(most=2):
        operation("upgrade", switch="keep").succeeded()
    assert any("ovs-vswitchd" in line for line in outdated(healthy))
    assert set(operation("upgrade", switch="keep").succeeded().changed.values()) == {0}
    with pair.traffic(most=2000):
        operation("restart", layers="vswitchd", interrupt=True).succeeded()
    assert not any("ovs-vswitchd" in line for line in outdated(healthy))


@pytest.fixture
def pinned(lab: Lab) -> Iterator[None]:
    lab["lab2"].run("ovs-vsctl set Open_vSwitch . external_ids:ovn-match-northd-version=true")
    yield
    lab["lab2"].run("ovs-vsctl remove Open_vSwitch . external_ids ovn-match-northd-version")


def test_hosts_that_wait_for_northd_are_refused(healthy: Lab, pair: Pair, pinned: None) -> None:
    seen = operation("upgrade")
    seen.refused("lab2 has external_ids:ovn-match-northd-version")
    assert set(seen.changed.values()) == {0}
