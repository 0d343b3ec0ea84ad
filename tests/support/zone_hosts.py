"""Hosts of several zones on one underlay, each with a workload: where packets between zones are tried."""

from __future__ import annotations

import subprocess

from tests.support.ovn import OvnSandbox, OvsHost, namespace_command, run

NETDEV = ("datapath_type=netdev", "fail_mode=standalone")


class Underlay:
    """A switch in a namespace of its own; hosts are 172.31.9.N, at the end of a link `eth1` on a bridge `br-phys`."""

    def __init__(self, owner: OvnSandbox) -> None:
        self.ns = owner.add_namespace(f"{owner.folder.name}-under")
        self._ip("link", "add", "bru", "mtu", "1600", "type", "bridge", "mcast_snooping", "0")
        self._ip("link", "set", "bru", "up")
        self._number = 10

    def _ip(self, *arguments: str) -> None:
        run("ip", "-n", self.ns, *arguments)

    def host(self, zone: OvnSandbox, name: str, *, interconn: bool) -> OvsHost:
        """A host of a zone; `interconn` lets it carry packets of other zones."""
        self._number += 1
        ns, address = zone.add_namespace(f"{zone.folder.name}-{name}"), f"172.31.9.{self._number}"
        self._ip("link", "add", name, "mtu", "1600", "type", "veth", "peer", "name", "eth1", "mtu", "1600", "netns", ns)
        self._ip("link", "set", name, "master", "bru", "up")
        run("ip", "-n", ns, "link", "set", "eth1", "up")
        host = zone.start_ovs(name, ns, controller=False, encap_ip=address)
        host.vsctl("add-br", "br-phys", "--", "set", "Bridge", "br-phys", *NETDEV, "--", "add-port", "br-phys", "eth1")
        for command in (
            ("addr", "add", f"{address}/24", "dev", "br-phys"),
            ("link", "set", "br-phys", "mtu", "1600", "up"),
        ):
            host.ip(*command)
        host.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-is-interconn={str(interconn).lower()}")
        host.start_controller()
        return host


class Workload:
    """A namespace on a host of a zone, at a logical port that is there."""

    def __init__(self, zone: OvnSandbox, host: OvsHost, port: str, mac: str, *places: tuple[str, str]) -> None:
        """`places` are an address with its prefix length, and its gateway."""
        self.ns = zone.add_namespace(f"{zone.folder.name}-{port}")
        link = f"v{port}"
        host.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "mtu", "1400", "netns", self.ns)
        host.ip("link", "set", link, "up")
        inside = ("ip", "-n", self.ns)
        run(*inside, "link", "set", "eth0", "address", mac, "up")
        for address, gateway in places:
            run(*inside, "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
            run(*inside, "route", "add", "default", "via", gateway)
        host.vsctl("add-port", "br-int", link, "--", "set", "Interface", link, f"external_ids:iface-id={port}")

    def reaches(self, address: str) -> bool:
        """Whether one of three pings is answered."""
        command = [*namespace_command(self.ns), "ping", "-n", "-c1", "-W1", address]
        return any(subprocess.run(command, capture_output=True, check=False).returncode == 0 for _ in range(3))
