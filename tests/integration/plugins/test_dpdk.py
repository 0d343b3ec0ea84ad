"""What `dpdk_layout` computes, given to a real Open vSwitch with DPDK: packets without a NIC and without huge pages.

One host has its underlay NIC by DPDK, the other the ordinary userspace datapath; a guest is one more Open vSwitch whose
virtio NIC is DPDK's own, so that the vhost-user port has a real other side.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.dpdk import port
from tests.support.dpdk_switch import Dpdk, needed_programs, ping
from tests.support.ovn import OvnSandbox, OvsHost, namespace_command, run

ADDRESS = {"near": "172.31.7.1", "far": "172.31.7.2"}
WORKLOAD = {"guest": ("0a:00:00:00:07:01", "10.7.0.1"), "far": ("0a:00:00:00:07:02", "10.7.0.2")}


@pytest.fixture(scope="module")
def programs() -> Path:
    return needed_programs()


def address(host: OvsHost, bridge: str, given: str) -> None:
    host.ip("address", "replace", given, "dev", bridge)
    host.ip("link", "set", bridge, "up")


def workload(host: OvsHost, bridge: str, name: str) -> None:
    """An interface of the switch with a workload's addresses, in the host's own namespace."""
    mac, ip = WORKLOAD[name]
    ids = f"external_ids:iface-id={name}"
    host.vsctl("add-port", bridge, name, "--", "set", "Interface", name, "type=internal", f'mac="{mac}"', ids)
    address(host, name, f"{ip}/24")


@pytest.fixture(scope="module")
def fabric(programs: Path) -> Iterator[dict[str, Any]]:
    """near: DPDK's NIC and a guest; far: the ordinary datapath. A cable between them."""
    with OvnSandbox() as ovn:
        ovn.start_central()
        ovn.nbctl("ls-add", "blue")
        for name, (mac, ip) in WORKLOAD.items():
            ovn.nbctl("lsp-add", "blue", name, "--", "lsp-set-addresses", name, f"{mac} {ip}")
        near = ovn.start_ovs("near", ovn.add_namespace(f"{ovn.folder.name}-near"), encap_ip=ADDRESS["near"])
        far = ovn.start_ovs("far", ovn.add_namespace(f"{ovn.folder.name}-far"), encap_ip=ADDRESS["far"])
        guest = ovn.start_ovs("vm", ovn.add_namespace(f"{ovn.folder.name}-vm"), controller=False)
        near.ip(
            "link", "add", "eth1", "mtu", "1600", "type", "veth", "peer", "eth1", "mtu", "1600", "netns", str(far.ns)
        )
        for host in (near, far):
            run("ip", "-n", str(host.ns), "link", "set", "eth1", "up")
            # Datapaths in user space take a checksum as it is.
            run(*namespace_command(host.ns), "ethtool", "-K", "eth1", "tx", "off")
        far.vsctl(
            "add-br",
            "br-phy",
            "--",
            "set",
            "Bridge",
            "br-phy",
            "datapath_type=netdev",
            "--",
            "add-port",
            "br-phy",
            "eth1",
        )
        address(far, "br-phy", f"{ADDRESS['far']}/24")
        workload(far, "br-int", "far")
        socket = near.rundir / "guest.sock"
        uplink = port("dpdk0", {"devargs": "net_af_packet0,iface=eth1"})
        vhost = {"name": "guest", "bridge": "br-int", "socket": str(socket), "iface_id": "guest", "mtu": None}
        dpdk = Dpdk(near, programs, {"ports": [uplink], "vhosts": [vhost]})
        dpdk.start()
        dpdk.give_ports()
        address(near, "br-phy", f"{ADDRESS['near']}/24")
        mac, ip = WORKLOAD["guest"]
        virtio = port("nic", {"devargs": f"net_virtio_user0,path={socket},server=1,queues=1,mac={mac}"}, bridge="br-vm")
        machine = Dpdk(guest, programs, {"ports": [virtio]})
        machine.start()
        machine.give_ports()
        guest.vsctl("set", "Bridge", "br-vm", f'other_config:hwaddr="{mac}"')
        address(guest, "br-vm", f"{ip}/24")
        yield {"near": near, "far": far, "guest": guest, "dpdk": dpdk}


def test_the_switch_polls_on_the_computed_cpus(fabric: dict[str, Any]) -> None:
    near, plan = fabric["near"], fabric["dpdk"].plan
    assert near.vsctl("get", "Open_vSwitch", ".", "dpdk_initialized") == "true"
    shown = near.appctl("ovs-vswitchd", "dpif-netdev/pmd-rxq-show")
    assert f"core_id {plan['pmd_cpus']}" in shown
    assert "port: dpdk0" in shown


def test_a_port_with_dpdk_passes_packets(fabric: dict[str, Any]) -> None:
    ping(fabric["near"], ADDRESS["far"])


def test_a_guest_behind_vhost_user_reaches_the_other_host_by_geneve(fabric: dict[str, Any]) -> None:
    ping(fabric["guest"], WORKLOAD["far"][1])


def test_the_same_rows_again_change_nothing(fabric: dict[str, Any]) -> None:
    assert fabric["dpdk"].give_ports() == {"insert": 0, "update": 0, "delete": 0}


def test_the_guest_is_reached_again_after_the_switch_restarted(fabric: dict[str, Any]) -> None:
    fabric["dpdk"].start()
    address(fabric["near"], "br-phy", f"{ADDRESS['near']}/24")
    ping(fabric["guest"], WORKLOAD["far"][1])
