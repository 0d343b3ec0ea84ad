"""The whole fabric goes, nothing of others with it, and comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import NAMESPACE, Pair, endpoints, killed, operation
from tests.support.play import play

Eventually = Callable[..., None]
FOREIGN = (
    "nft add table inet foreign; nft add chain inet foreign kept; "
    "ovs-vsctl --may-exist add-br br-foreign -- set bridge br-foreign datapath_type=netdev; "
    "ip route replace 198.51.100.0/24 dev mgmt0; touch /etc/cni/net.d/99-foreign.conflist"
)
KEPT = (
    "nft list table inet foreign >/dev/null && ovs-vsctl br-exists br-foreign"
    " && ip route show 198.51.100.0/24 | grep -q mgmt0"
    " && test -e /etc/cni/net.d/99-foreign.conflist"
)
CLEANED = (
    "nft delete table inet foreign; ovs-vsctl --if-exists del-br br-foreign; ip route del 198.51.100.0/24; "
    "rm -f /etc/cni/net.d/99-foreign.conflist"
)
LEFT = (
    "ls -d /etc/weft /opt/weft* /opt/cni/bin/weft /var/lib/weft /var/cache/weft /run/weft /run/ovn /var/lib/ovn/*.db"
    " /usr/local/bin/weftctl /usr/local/lib/weft* /usr/local/share/weft"
    " /etc/systemd/system/*weft* /etc/systemd/system/ovn-*.service"
    " /etc/systemd/system/*.d/50-weft.conf /etc/systemd/system/*.wants/weft-* /var/log/ovn;"
    " ovs-vsctl list-br; nft list tables | grep weft; ip netns list; ip route show table all proto 157;"
    " ps -eo comm | grep '^ovn-'; grep -l weft /sys/class/net/*/ifalias; ip -br link show ovn0"
)
OF_THE_SWITCH = {
    "/etc/systemd/system/weft-flows.service",
    "/etc/systemd/system/weft-underlay.service",
    "/etc/systemd/system/ovs-vswitchd.service.d/50-weft.conf",
    "/etc/systemd/system/ovsdb-server.service.d/50-weft.conf",
    "/etc/systemd/system/ovs-vswitchd.service.wants/weft-flows.service",
    "/etc/systemd/system/ovs-vswitchd.service.wants/weft-underlay.service",
    "/usr/local/lib/weft-flows",
    "br-phys",
    "br-foreign",
}
OF_THE_OTHERS_SWITCH = {
    "/etc/systemd/system/ovs-vswitchd.service.d/50-weft.conf",
    "/etc/systemd/system/ovsdb-server.service.d/50-weft.conf",
    "br-foreign",
}


def test_a_fabric_with_workloads_stays_and_all_reasons_are_told(healthy: Lab, pair: Pair) -> None:
    seen = operation("uninstall", confirm="another")
    seen.refused("operation_confirm is 'another', and this fabric is 'lab'")
    seen.refused("workloads run, and would have no network")
    assert set(seen.changed.values()) == {0}


@pytest.mark.operations
def test_check_mode_ends_nothing(healthy: Lab, pair: Pair) -> None:
    before = endpoints(healthy)
    seen = operation("uninstall", "--check", confirm="lab", cut_off=True).succeeded()
    assert "workloads lose their network" in seen.text
    assert endpoints(healthy) == before


@pytest.mark.operations
def test_the_fabric_goes_and_comes_back(healthy: Lab, pair: Pair, eventually: Eventually) -> None:
    before = endpoints(healthy)
    assert f"{NAMESPACE}/one" in before
    operation("backup").succeeded()
    healthy.on_all(FOREIGN)
    try:
        killed("uninstall", "The databases go", confirm="lab", cut_off=True)
        operation("uninstall", confirm="lab", cut_off=True).succeeded()
        for host in healthy:
            assert set(host.run(LEFT, check=False).stdout.split()) == OF_THE_SWITCH, host.name
            assert host.run(KEPT, check=False).ok, host.name
        assert set(operation("uninstall", confirm="lab").succeeded().changed.values()) == {0}
        operation("uninstall", confirm="lab", openvswitch=True).succeeded()
        for host in healthy:
            left = set(host.run(LEFT, check=False).stdout.split())
            assert left == OF_THE_OTHERS_SWITCH, host.name
            assert host.run(KEPT, check=False).ok, host.name
    finally:
        healthy.on_all(CLEANED, check=False)
        play("playbooks/site.yml", timeout=900).succeeded()
        operation("restore").succeeded()
    eventually(lambda: endpoints(healthy) == before, within=120, what="every workload as before")
