# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All that stands against a datapath in user space on a host, in words that name NIC, CPU, NUMA node and limit."""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils import sriov
from ansible_collections.weft.ovn.plugins.module_utils.dpdk import layout
from ansible_collections.weft.ovn.plugins.module_utils.tuning.cpus import format_cpus, parse_cpus


def problems(machine, wish, ssh=None, running=False):
    """Every problem at once. `ssh` is the address by which the host is reached; `running` DPDK has its memory."""
    found = of_ports(wish["ports"], wish["vhosts"]) + of_nics(machine, wish["ports"], ssh)
    cpus = of_cpus(machine, wish)
    # What was computed from CPUs that cannot be is no problem of its own.
    return found + (cpus or of_memory(machine, wish, running))


# --- ports ----------------------------------------------------------------------------------------


def twice(names):
    return sorted({name for name in names if names.count(name) > 1})


def of_ports(ports, vhosts):
    empty = "port %s: nics is empty, a port has one NIC, a bond several"
    found = [empty % port["name"] for port in ports if not port["nics"]]
    names = [port["name"] for port in [*ports, *vhosts]]
    interfaces = [name for port in ports for name in layout.interface_names(port)]
    found += ["port %s is described twice" % name for name in twice(names)]
    found += ["interface %s is described twice" % name for name in twice(interfaces) if name not in twice(names)]
    single = "port %s: bond_mode is %s, and it has one NIC; a bond has several"
    return found + [
        single % (port["name"], port["bond_mode"]) for port in ports if port["bond_mode"] and len(port["nics"]) == 1
    ]


# --- NICs -----------------------------------------------------------------------------------------


def of_nics(machine, ports, ssh):
    carriers = machine.carriers(ssh)
    found, taken = [], {}
    for port in ports:
        for nic in port["nics"]:
            if not nic.get("devargs"):
                found += of_nic(machine, port, nic, taken, carriers, ssh)
    return found


def of_nic(machine, port, nic, taken, carriers, ssh):
    there = layout.find_nic(machine, nic)
    if not there:
        known = ["%s (%s)" % (item["name"] or "no interface", item["address"]) for item in machine.nics.values()]
        return [
            "port %s: %s: no such NIC; this host has %s" % (port["name"], layout.label(nic), ", ".join(known) or "none")
        ]
    title = "%s (%s)" % (there["name"] or "no interface", there["address"])
    found = []
    if there["address"] in taken:
        found.append("it is described twice, first in port %s" % taken[there["address"]])
    taken[there["address"]] = port["name"]
    if nic["driver"] != layout.KERNEL_DRIVER:
        if there["name"] in carriers:
            found.append("it carries the SSH connection to %s" % ssh)
        elif there["driver"] != nic["driver"]:
            found += ["it is in use: %s" % reason for reason in sriov.users(machine.kernel, there["address"])]
        found += of_group(machine, nic, there)
    return ["%s: %s" % (title, problem) for problem in found]


def of_group(machine, nic, there):
    if nic["driver"] != "vfio-pci":
        return []
    if not machine.kernel.names("kernel/iommu_groups"):
        return ["driver vfio-pci needs an IOMMU, and the kernel has none on (intel_iommu=on or amd_iommu=on)"]
    text = "its IOMMU group has %s too, which %s has: the kernel gives a group away only as a whole"
    return [text % neighbour for neighbour in machine.neighbours(there["address"])]


# --- CPUs -----------------------------------------------------------------------------------------


def of_cpus(machine, wish):
    found, sets = [], {}
    for option in ("pmd_cpus", "guest_cpus"):
        try:
            sets[option] = parse_cpus(wish.get(option))
        except ValueError as error:
            found.append("%s: %s" % (option, error))
            continue
        beyond = sets[option] - machine.cpus
        if beyond:
            found.append("%s has %s, this host has %s" % (option, format_cpus(beyond), format_cpus(machine.cpus)))
    if found:
        return found
    both = sets["pmd_cpus"] & sets["guest_cpus"]
    if both:
        found.append(
            "pmd_cpus and guest_cpus both have %s: a core that polls leaves nothing to a guest" % format_cpus(both)
        )
    if machine.cpus <= sets["pmd_cpus"] and not wish["pmd_sleep"]:
        found.append(
            "pmd_cpus has all CPUs of this host (%s), and none is left to the system; with pmd_sleep they may be shared"
            % format_cpus(machine.cpus)
        )
    return found + ([] if sets["pmd_cpus"] else of_cores(machine, wish, sets["guest_cpus"]))


def of_cores(machine, wish, guests):
    """The nodes that have too few cores for those that are to be computed."""
    text = "NUMA node %d: pmd_cores_per_node is %d, and %d are free of its CPUs %s: the system has the first core%s"
    return [
        text % (node, wish["pmd_cores_per_node"], free, format_cpus(machine.nodes[node]["cpus"]), rest)
        for node in layout.polling_nodes(machine, wish)
        for free in [len(layout.free_cores(machine, node, guests))]
        for rest in [", guests have %s" % format_cpus(guests) if guests else ""]
        if free < wish["pmd_cores_per_node"]
    ]


def lonely(machine, wish, cpus):
    """NICs whose node does not poll, which works and costs: what they receive crosses to another node."""
    polling = {machine.node_of(cpu) for cpu in cpus}
    text = "%s is on NUMA node %d, and no CPU of that node polls (pmd_cpus is %s)"
    return [
        text % (found["name"] or found["address"], found["node"], format_cpus(cpus))
        for _port, _nic, found in layout.wished_nics(machine, wish["ports"])
        if found["node"] not in polling
    ]


# --- memory ---------------------------------------------------------------------------------------


def of_memory(machine, wish, running):
    if not wish["hugepages"]:
        return []
    sizes = layout.memory(machine, wish, layout.pmd_cpus(machine, wish))
    found = []
    for node, size in enumerate(sizes):
        if node in machine.nodes:
            found += of_node(machine, node, size, running)
        elif size:
            known = ", ".join(map(str, machine.nodes))
            found.append("memory has %d MiB of NUMA node %d, this host has %s" % (size, node, known))
    if not any(sizes):
        found.append("memory is 0 MiB on every NUMA node")
    return found


def of_node(machine, node, size, running):
    """A node that has too few huge pages, or whose pages others have; those of a running DPDK are its own."""
    pages = machine.nodes[node]["pages"]
    sizes = ", ".join("%d of %d KiB" % (count["total"], kib) for kib, count in sorted(pages.items())) or "none"
    total, free = machine.memory(node), machine.memory(node, "free")
    if size > total:
        return ["NUMA node %d: %d MiB of huge pages are needed, it has %d MiB (%s)" % (node, size, total, sizes)]
    if size > free and not running:
        return [
            "NUMA node %d: %d MiB of huge pages are needed, %d MiB are free of %d (%s)"
            % (node, size, free, total, sizes)
        ]
    return []
