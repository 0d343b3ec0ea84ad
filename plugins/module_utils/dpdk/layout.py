# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which cores poll, how much memory of which NUMA node, which device for which port: from wishes and what there is.

What is given is taken as it is, what is not is computed. Whether it can be so is `problems`' subject.
"""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.tuning.cpus import format_cpus, parse_cpus

KERNEL_DRIVER = "kernel"
# Open vSwitch's documentation, topics/dpdk/memory: buffers of a pool that ports share, of a port's own pool beside its
# queues, and what a buffer needs beside the packet; a packet's room is rounded up to whole KiB.
SHARED_BUFFERS = 262144
OWN_BUFFERS = 16384
BURST = 32
BUFFER_OVERHEAD = 960
FRAME_OVERHEAD = 26 + 128
DEFAULT_MTU = 1500
DEFAULT_DESCRIPTORS = 2048
# Beside the pools: rings, and what DPDK itself needs.
MEMORY_BESIDE = 512
MEMORY_STEP = 1024
MEMORY_WITHOUT_PAGES = 512
MIB = 1 << 20


def interface_names(port):
    """The names of a port's interfaces: its own where it has one NIC, with a number where it is a bond."""
    nics = port["nics"]
    numbered = [port["name"]] if len(nics) == 1 else ["%s-%d" % (port["name"], index) for index in range(len(nics))]
    return [nic.get("interface") or name for nic, name in zip(nics, numbered)]


def label(nic):
    return nic.get("address") or nic.get("name") or nic.get("devargs") or "a NIC"


def find_nic(machine, nic):
    """The NIC of the host that is meant, or None."""
    if nic.get("address"):
        return machine.nics.get(nic["address"])
    return next((found for found in machine.nics.values() if nic.get("name") and found["name"] == nic["name"]), None)


def wished_nics(machine, ports):
    """Each wished NIC that there is, as a tuple of the port, the wish and the NIC; virtual devices are none."""
    pairs = [(port, nic, find_nic(machine, nic)) for port in ports for nic in port["nics"] if not nic.get("devargs")]
    return [(port, nic, found) for port, nic, found in pairs if found]


# --- cores ----------------------------------------------------------------------------------------


def polling_nodes(machine, wish):
    """The nodes on which cores poll: those with NICs, else the first."""
    return sorted({found["node"] for _port, _nic, found in wished_nics(machine, wish["ports"])}) or [min(machine.nodes)]


def free_cores(machine, node, guests):
    """A node's cores for polling, the best first: isolated ones, never the system's own first core or the guests'."""
    first = min(machine.cores, key=min, default=frozenset())
    usable = [core for core in machine.cores if core <= machine.nodes[node]["cpus"] and not core & guests]
    return sorted(
        (core for core in usable if core != first), key=lambda core: (not core <= machine.isolated, min(core))
    )


def pmd_cpus(machine, wish):
    """The CPUs that poll: as given, or whole cores (all their threads) of each node that has a NIC."""
    if wish.get("pmd_cpus"):
        return parse_cpus(wish["pmd_cpus"])
    guests = parse_cpus(wish.get("guest_cpus"))
    chosen = set()
    for node in polling_nodes(machine, wish):
        for core in free_cores(machine, node, guests)[: wish["pmd_cores_per_node"]]:
            chosen |= core
    return chosen


def mask(cpus):
    return "0x%x" % sum(1 << cpu for cpu in cpus)


# --- memory ---------------------------------------------------------------------------------------


def buffer_size(mtu):
    """Bytes of one packet's buffer: 3008 for an MTU of 1500, 10176 for 9000."""
    return -(-(mtu + FRAME_OVERHEAD) // 1024) * 1024 + BUFFER_OVERHEAD


def own_buffers(port, polling):
    """The buffers of a port that shares none: those of its queues' descriptors and of bursts, and some."""
    receive = port["queues"] * (port["rx_descriptors"] or DEFAULT_DESCRIPTORS)
    # A queue to send for each thread: the polling ones and the main one.
    send = (polling + 1) * (port["tx_descriptors"] or DEFAULT_DESCRIPTORS)
    return receive + send + port["queues"] * BURST + OWN_BUFFERS


def node_memory(ports, polling, per_port):
    """The MiB of a node that these ports' NICs need; a node that polls without NICs has those of guests."""
    if per_port:
        pools = sum(own_buffers(port, polling) * buffer_size(port["mtu"] or DEFAULT_MTU) for port in ports)
    else:
        sizes = {buffer_size(port["mtu"] or DEFAULT_MTU) for port in ports} or {buffer_size(DEFAULT_MTU)}
        pools = SHARED_BUFFERS * sum(sizes)
    return -(-(pools // MIB + 1 + MEMORY_BESIDE) // MEMORY_STEP) * MEMORY_STEP


def memory(machine, wish, cpus):
    """MiB by node, from node 0 on: as given, or computed for the nodes that have NICs or poll."""
    if wish.get("memory"):
        return wish["memory"]
    if not wish["hugepages"]:
        return [MEMORY_WITHOUT_PAGES]
    nics = wished_nics(machine, wish["ports"])
    used = {found["node"] for _port, _nic, found in nics} | {machine.node_of(cpu) for cpu in cpus & machine.cpus}
    return [
        node_memory([port for port, _nic, found in nics if found["node"] == node], len(cpus), wish["per_port_memory"])
        if node in used
        else 0
        for node in range(max(machine.nodes) + 1)
    ]


# --- the whole ------------------------------------------------------------------------------------


def start_config(wish, sizes):
    """The keys of Open_vSwitch.other_config that are read when it starts; None takes a key away."""
    extra = list(wish["extra"])
    if not wish["pci"]:
        extra.insert(0, "--no-pci")
    if not wish["hugepages"]:
        extra += ["--no-huge", "--legacy-mem", "-m", str(sum(sizes))]
    return {
        "dpdk-init": "true",
        "dpdk-socket-mem": ",".join(map(str, sizes)) if wish["hugepages"] else None,
        "dpdk-extra": " ".join(extra) or None,
        "per-port-memory": "true" if wish["per_port_memory"] else None,
    }


def interfaces(machine, port):
    """Each interface of a port with the device that DPDK is to open."""
    return [
        {"name": name, "devargs": nic.get("devargs") or (find_nic(machine, nic) or {}).get("address")}
        for name, nic in zip(interface_names(port), port["nics"])
    ]


def plan(machine, wish):
    """All that a run needs to know."""
    cpus = pmd_cpus(machine, wish)
    sizes = memory(machine, wish, cpus)
    return {
        "pmd_cpus": format_cpus(cpus),
        "pmd_cpu_mask": mask(cpus),
        "memory": sizes,
        "start_config": start_config(wish, sizes),
        "devices": [
            {"address": found["address"], "driver": nic["driver"], "name": found["name"]}
            for _port, nic, found in wished_nics(machine, wish["ports"])
            if nic["driver"] != KERNEL_DRIVER
        ],
        "interfaces": {port["name"]: interfaces(machine, port) for port in wish["ports"]},
    }
