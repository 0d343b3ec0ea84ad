"""The network as the kernel and Open vSwitch show it."""

from testinfra.host import Host


def test_the_bond_has_its_members_and_settings(host: Host) -> None:
    bond = host.file("/proc/net/bonding/bond0").content_string
    assert "fault-tolerance (active-backup)" in bond
    assert "Primary Slave: eth2" in bond
    assert sorted(host.file("/sys/class/net/bond0/bonding/slaves").content_string.split()) == ["enp1s0", "eth2"]
    assert host.file("/sys/class/net/bond0/mtu").content_string == "1600\n"


def test_the_bridge_has_the_vlan_of_the_bond(host: Host) -> None:
    assert "vlan protocol 802.1Q id 100" in host.check_output("ip -details link show bond0.100")
    assert host.check_output("ovs-vsctl port-to-br bond0.100") == "br-ex"


def test_the_bridge_has_addresses_and_routes(host: Host) -> None:
    assert {"198.51.100.21", "2001:db8::21"} < set(host.interface("br-ex").addresses)
    assert "via 198.51.100.1 dev br-ex" in host.check_output("ip route show 203.0.113.0/24")
