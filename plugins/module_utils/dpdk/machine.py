# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has for a datapath in user space: NUMA nodes with cores and huge pages, NICs, and whom they serve.

Everything is read from sysfs and `ip`; nothing is decided here. CPUs are numbers as the kernel counts them, a core is
the set of its threads, memory is in MiB.
"""

from __future__ import annotations

import os

from ansible_collections.weft.ovn.plugins.module_utils import sriov
from ansible_collections.weft.ovn.plugins.module_utils.tuning.cpus import parse_cpus

CPUS = "devices/system/cpu"
NODES = "devices/system/node"
BRIDGE_CLASS = "0x06"


class Machine:
    """A host, read once. `known` are NICs that an earlier run bound, whose interfaces have lost their names."""

    def __init__(self, kernel, known=()):
        self.kernel = kernel
        self.cpus = parse_cpus(self._read(CPUS, "online"))
        self.isolated = parse_cpus(self._read(CPUS, "isolated"))
        self.nodes = {node: self._node(node) for node in self._node_numbers()}
        self.cores = self._cores()
        self.nics = self._nics({device["address"]: device["name"] for device in known})

    def _read(self, *names):
        try:
            with open(os.path.join(self.kernel.sysfs, *names)) as file:
                return file.read().strip()
        except OSError:
            return ""

    def _node_numbers(self):
        names = self.kernel.names(NODES)
        # A kernel without NUMA has one node, and does not say so.
        return sorted(int(name[4:]) for name in names if name[:4] == "node" and name[4:].isdigit()) or [0]

    def _node(self, node):
        directory = "%s/node%d" % (NODES, node)
        if not self.kernel.names(directory):
            return {"cpus": set(self.cpus), "pages": self._pages("kernel/mm/hugepages")}
        cpus = parse_cpus(self._read(directory, "cpulist")) & self.cpus
        return {"cpus": cpus, "pages": self._pages(directory + "/hugepages")}

    def _pages(self, directory):
        """Huge pages by their size in KiB: how many there are, and how many of them nobody has."""
        return {
            int(name[len("hugepages-") : -len("kB")]): {
                "total": int(self._read(directory, name, "nr_hugepages") or 0),
                "free": int(self._read(directory, name, "free_hugepages") or 0),
            }
            for name in self.kernel.names(directory)
        }

    def _cores(self):
        """Each core once, by its lowest thread."""
        siblings = {
            cpu: frozenset(parse_cpus(self._read(CPUS, "cpu%d" % cpu, "topology/thread_siblings_list")) & self.cpus)
            or frozenset([cpu])
            for cpu in self.cpus
        }
        return sorted(set(siblings.values()), key=min)

    def _nics(self, known):
        """Every PCI network device by its address."""
        kernel = self.kernel
        return {
            address: {
                "address": address,
                "name": kernel.netdev(address) or known.get(address),
                "driver": kernel.link(address, "driver"),
                "node": max(0, int(kernel.read(address, "numa_node", "0") or 0)),
            }
            for address in kernel.names("bus/pci/devices")
            if kernel.read(address, "class").startswith(sriov.NETWORK_CLASS)
        }

    def memory(self, node, which="total"):
        """A node's huge pages, all or those that are `free`, in MiB."""
        return sum(size * count[which] for size, count in self.nodes[node]["pages"].items()) // 1024

    def node_of(self, cpu):
        return next(node for node, held in self.nodes.items() if cpu in held["cpus"])

    def neighbours(self, address):
        """The other devices of a NIC's IOMMU group that a kernel's driver has, as `(address, driver)`.

        The kernel gives a group to a process only as a whole; bridges do not count
        (Documentation/driver-api/vfio.rst).
        """
        kernel = self.kernel
        group = os.path.join("bus/pci/devices", address, "iommu_group/devices")
        others = [other for other in kernel.names(group) if other != address]
        drivers = [(other, kernel.link(other, "driver")) for other in others]
        return [
            (other, driver)
            for other, driver in drivers
            if driver not in (None, "vfio-pci") and not kernel.read(other, "class").startswith(BRIDGE_CLASS)
        ]

    def carriers(self, local):
        """The interfaces that carry traffic of one of the host's addresses: bridge, bond, VLAN, and what is below."""
        links = self.kernel.addresses_by_link() if local else {}
        waiting = [name for name, addresses in links.items() if local in addresses]
        found = set()
        while waiting:
            name = waiting.pop()
            found.add(name)
            below = self.kernel.names("class/net", name)
            waiting += [entry[6:] for entry in below if entry.startswith("lower_") and entry[6:] not in found]
        return found


def ssh_address(environments):
    """The host's address at which it is being spoken to by SSH, of the first environment that tells (sshd(8))."""
    for environment in environments:
        words = environment.get("SSH_CONNECTION", "").split()
        if len(words) == 4:
            return words[2]
    return None


def environments(proc, pid):
    """The environments of a process and its ancestors: `sudo` takes SSH_CONNECTION away from those below it."""
    while pid > 1:
        try:
            with open(os.path.join(proc, str(pid), "environ"), "rb") as file:
                pairs = [item.split(b"=", 1) for item in file.read().split(b"\0") if b"=" in item]
            with open(os.path.join(proc, str(pid), "stat")) as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return
        yield {key.decode(errors="replace"): value.decode(errors="replace") for key, value in pairs}
