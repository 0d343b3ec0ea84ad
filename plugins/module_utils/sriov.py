# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual functions of NICs (SR-IOV): what is wished, what the kernel has, and the steps between.

The same file serves the module `sriov_vf` and, copied to a host, the unit that makes the functions at each boot, so
that both mean the same; hence the standard library only. The role `ovs_dpdk` has a unit of the same kind for the
drivers of its NICs. The kernel's interface is sysfs (Documentation/PCI/pci-iov-howto.rst) and the attributes of
IFLA_VFINFO_LIST, which `ip link` reads and writes.

Functions are made while the kernel's probing is off, get their settings, and only then their driver: a driver reads its
MAC once, when it is bound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

SETTINGS = ("mac", "vlan", "qos", "spoof_check", "trust", "min_tx_rate", "max_tx_rate", "link_state")
NETWORK_CLASS = "0x02"
WAIT_FOR_NICS = 60
WAIT_FOR_DRIVER = 10
ELSEWHERE = "its interface is in another network namespace (a pod or container has it)"


class SriovError(Exception):
    """Something that the kernel refused, or that must not be done; the text is for the operator."""


class Kernel:
    """The interface to the kernel; tests give another root for sysfs and other answers of `ip`."""

    def __init__(self, sysfs="/sys", proc="/proc"):
        self.sysfs = sysfs
        self.proc = proc

    def path(self, address, *names):
        return os.path.join(self.sysfs, "bus/pci/devices", address, *names)

    def read(self, address, name, default=""):
        try:
            with open(self.path(address, name)) as file:
                return file.read().strip()
        except OSError:
            return default

    def write(self, path, value):
        try:
            with open(path, "w") as file:
                file.write(value)
        except OSError as error:
            raise SriovError("%s: the kernel refused %r: %s" % (path, value, error.strerror)) from error

    def names(self, *parts):
        try:
            return sorted(os.listdir(os.path.join(self.sysfs, *parts)))
        except OSError:
            return []

    def link(self, address, name):
        """The last part of where a symbolic link of the device points, or None."""
        try:
            return os.path.basename(os.readlink(self.path(address, name)))
        except OSError:
            return None

    def target(self, *names):
        """The last part of where a path leads, None where it leads nowhere."""
        path = os.path.join(self.sysfs, *names)
        return os.path.basename(os.path.realpath(path)) if os.path.exists(path) else None

    def run(self, *words):
        """What a program prints. SriovError with its complaint when it fails."""
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise SriovError("%s is not installed" % words[0]) from error
        if done.returncode:
            complaint = " ".join((done.stderr or done.stdout).split())
            raise SriovError("%s: %s" % (" ".join(words), complaint))
        return done.stdout

    def netdev(self, address):
        """The device's network interface, if it has one in this network namespace."""
        device = ("bus/pci/devices", address)
        # A virtio device stands between the PCI device and its interface.
        places = [(), *((name,) for name in self.names(*device) if name.startswith("virtio"))]
        names = [name for place in places for name in self.names(*device, *place, "net")]
        return names[0] if names else None

    def ip(self, *words):
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SriovError("ip %s: %s" % (" ".join(words), done.stderr.strip().replace("RTNETLINK answers: ", "", 1)))
        return done.stdout

    def show(self, name):
        return json.loads(self.ip("-json", "-details", "link", "show", "dev", name))[0]

    def addresses(self, name):
        shown = json.loads(self.ip("-json", "address", "show", "dev", name))[0]
        return [item["local"] for item in shown.get("addr_info", []) if item.get("scope") == "global"]

    def addresses_by_link(self):
        shown = json.loads(self.ip("-json", "address", "show"))
        return {item["ifname"]: {one["local"] for one in item.get("addr_info", [])} for item in shown if item}


# --- what there is --------------------------------------------------------------------------------


def find_nics(kernel):
    """Every device that can have virtual functions, by its address."""
    return {
        address: {
            "address": address,
            "name": kernel.netdev(address),
            "vendor": kernel.read(address, "vendor").replace("0x", "", 1),
            "device": kernel.read(address, "device").replace("0x", "", 1),
            "total": int(kernel.read(address, "sriov_totalvfs", "0")),
            "count": int(kernel.read(address, "sriov_numvfs", "0")),
        }
        for address in kernel.names("bus/pci/devices")
        if os.path.exists(kernel.path(address, "sriov_totalvfs"))
    }


def function_address(kernel, nic, index):
    return kernel.link(nic["address"], "virtfn%d" % index)


def observe_function(kernel, nic, index, info):
    """A function's settings, in the words of the options."""
    address = function_address(kernel, nic, index)
    vlan = (info.get("vlan_list") or [{}])[0]
    rate = info.get("rate") or {}
    netdev = kernel.netdev(address) if address else None
    return {
        "mac": info.get("address"),
        "vlan": vlan.get("vlan", 0),
        "qos": vlan.get("qos", 0),
        "spoof_check": info.get("spoofchk"),
        "trust": info.get("trust"),
        "min_tx_rate": rate.get("min_tx", 0),
        "max_tx_rate": rate.get("max_tx", 0),
        "link_state": info.get("link_state"),
        "driver": kernel.link(address, "driver") if address else None,
        "mtu": kernel.show(netdev)["mtu"] if netdev else None,
    }


def observe(kernel, nic):
    """What a NIC has: its MTU, and its functions by number."""
    shown = kernel.show(nic["name"])
    functions = {
        info["vf"]: observe_function(kernel, nic, info["vf"], info)
        for info in shown.get("vfinfo_list", [])[: nic["count"]]
    }
    return {"count": nic["count"], "mtu": shown["mtu"], "functions": functions}


def users(kernel, address):
    """Who uses a function, in words; taking it away would cut them off."""
    driver, name = kernel.link(address, "driver"), kernel.netdev(address)
    if driver == "vfio-pci":
        group = kernel.link(address, "iommu_group")
        return ["a process has its group /dev/vfio/%s open" % group] if is_open(kernel, "/dev/vfio/%s" % group) else []
    if not name:
        is_nic = kernel.read(address, "class").startswith(NETWORK_CLASS)
        return [ELSEWHERE] if driver and is_nic else []
    return interface_users(kernel, name)


def interface_users(kernel, name):
    """Who uses a device by its interface, in words."""
    master, held = kernel.show(name).get("master"), kernel.addresses(name)
    found = ["its interface %s belongs to %s" % (name, master)] if master else []
    return found + (["its interface %s has the address %s" % (name, ", ".join(held))] if held else [])


def is_open(kernel, path):
    """Whether any process has the file open."""
    for pid in os.listdir(kernel.proc):
        directory = os.path.join(kernel.proc, pid, "fd")
        if not pid.isdigit():
            continue
        try:
            if any(os.readlink(os.path.join(directory, number)) == path for number in os.listdir(directory)):
                return True
        except OSError:
            continue
    return False


# --- what is wished -------------------------------------------------------------------------------


def selector(wish):
    words = ["%s=%s" % (key, wish[key]) for key in ("name", "address", "vendor", "device") if wish.get(key)]
    return " ".join(words)


def matches(wish, nic):
    return all(wish.get(key) in (None, nic[key]) for key in ("name", "address", "vendor", "device"))


def wished_functions(wish):
    """Settings of each function by number: those of all, and over them its own. What is not given is left alone."""
    own = {item["index"]: item for item in wish.get("functions") or []}
    shared = given(wish.get("all_functions") or {})
    return {index: {**shared, **given(own.get(index, {}))} for index in range(wish["count"])}


def given(settings):
    return {key: settings[key] for key in (*SETTINGS, "driver", "mtu") if settings.get(key) is not None}


def resolve(wishes, nics):
    """Pairs of a NIC and the wish for it, and what is wrong with the wishes before any NIC is looked into."""
    pairs, problems, taken = [], [], {}
    for wish in wishes:
        found = [nic for nic in nics.values() if matches(wish, nic)]
        if not selector(wish):
            problems.append("a NIC without name, address, vendor or device: one of them is needed")
        elif not found:
            known = ", ".join("%s (%s)" % (nic["name"], address) for address, nic in sorted(nics.items()))
            problems.append("%s: no such NIC with SR-IOV; this host has %s" % (selector(wish), known or "none"))
        else:
            for nic in found:
                if nic["address"] in taken:
                    problems.append(
                        "%s: %s is described twice, first by %s" % (selector(wish), nic["name"], taken[nic["address"]])
                    )
                taken[nic["address"]] = selector(wish)
                pairs.append((nic, wish))
    return pairs, problems


def present(kernel, wishes):
    """Whether every NIC that is wished for is there, with its driver's interface."""
    pairs, problems = resolve(wishes, find_nics(kernel))
    return not problems and all(nic["name"] for nic, _wish in pairs)


def problems_of(kernel, nic, wish):
    """All that stands against one NIC's wish."""
    label = "%s (%s)" % (nic["name"] or "no interface", nic["address"])
    if not nic["name"]:
        driver = kernel.link(nic["address"], "driver")
        return ["%s: bound to %s, so that its functions cannot be set" % (label, driver or "no driver")]
    found = []
    if wish["count"] > nic["total"]:
        found.append("count is %d, the NIC has at most %d" % (wish["count"], nic["total"]))
    indices = [item["index"] for item in wish.get("functions") or []]
    wrong = "functions has index %d, with count %d allowed are 0 to %d"
    found += [wrong % (i, wish["count"], wish["count"] - 1) for i in indices if not 0 <= i < wish["count"]]
    drivers = {settings.get("driver") for settings in wished_functions(wish).values()}
    if "vfio-pci" in drivers and not kernel.names("kernel/iommu_groups"):
        found.append("driver vfio-pci needs an IOMMU, and the kernel has none on (intel_iommu=on or amd_iommu=on)")
    return ["%s: %s" % (label, problem) for problem in found + cut_off(kernel, nic, wish)]


def cut_off(kernel, nic, wish):
    """The functions in use that another number of functions would take away."""
    if nic["count"] in (0, wish["count"]):
        return []
    text = "count would change from %d to %d, and function %d is in use: %s"
    return [
        text % (nic["count"], wish["count"], index, reason)
        for index in range(nic["count"])
        for reason in users(kernel, function_address(kernel, nic, index))
    ]


def duplicate_macs(pairs):
    seen, found = {}, []
    for nic, wish in pairs:
        for index, settings in wished_functions(wish).items():
            mac = settings.get("mac")
            if mac and mac in seen:
                found.append("%s: function %d has the MAC %s of %s" % (nic["name"], index, mac, seen[mac]))
            elif mac:
                seen[mac] = "%s's function %d" % (nic["name"], index)
    return found


def examine(kernel, wishes):
    """Pairs of NIC and wish, and every problem of this host at once."""
    pairs, problems = resolve(wishes, find_nics(kernel))
    for nic, wish in pairs:
        problems += problems_of(kernel, nic, wish)
    return pairs, problems + duplicate_macs(pairs)


# --- the steps between ----------------------------------------------------------------------------


def words_of(setting, wanted):
    """The words of `ip link set NIC vf N` for one setting; VLAN and rate come with their second half."""
    on = {True: "on", False: "off"}
    return {
        "mac": lambda: ["mac", wanted["mac"]],
        "vlan": lambda: ["vlan", str(wanted["vlan"]), "qos", str(wanted["qos"])],
        "spoof_check": lambda: ["spoofchk", on[wanted["spoof_check"]]],
        "trust": lambda: ["trust", on[wanted["trust"]]],
        "max_tx_rate": lambda: ["max_tx_rate", str(wanted["max_tx_rate"]), "min_tx_rate", str(wanted["min_tx_rate"])],
        "link_state": lambda: ["state", {"up": "enable", "down": "disable", "auto": "auto"}[wanted["link_state"]]],
    }[setting]()


def changed_settings(before, wanted):
    """The settings that `ip` must be told, each once: `qos` goes with `vlan`, `min_tx_rate` with `max_tx_rate`."""
    carrier = {"qos": "vlan", "min_tx_rate": "max_tx_rate"}
    differing = [key for key in SETTINGS if key in wanted and before.get(key) != wanted[key]]
    return list(dict.fromkeys(carrier.get(key, key) for key in differing))


def bind(kernel, address, driver):
    """Give a device this driver, or without one whatever driver suits it, and none that it had."""
    override = kernel.path(address, "driver_override")
    kernel.write(override, (driver or "") + "\n")
    if kernel.link(address, "driver"):
        kernel.write(kernel.path(address, "driver", "unbind"), address)
    if driver:
        subprocess.run(["modprobe", "--quiet", driver], check=False)
    kernel.write(os.path.join(kernel.sysfs, "bus/pci/drivers_probe"), address)
    deadline = time.monotonic() + WAIT_FOR_DRIVER
    while driver and kernel.link(address, "driver") != driver:
        if time.monotonic() > deadline:
            raise SriovError("%s: driver %s did not take the device" % (address, driver))
        time.sleep(0.05)


def settled(kernel, device):
    """Whether a device has its driver, and keeps it: without a name that is any driver, and no override."""
    driver, override = kernel.link(device["address"], "driver"), kernel.read(device["address"], "driver_override")
    if not device["driver"]:
        return driver is not None and override in ("", "(null)")
    return driver == override == device["driver"]


def netdev_within(kernel, address, seconds=WAIT_FOR_DRIVER):
    """The function's interface, which appears, and is renamed, some time after its driver is bound."""
    deadline = time.monotonic() + seconds
    while kernel.netdev(address) is None:
        if time.monotonic() > deadline:
            raise SriovError("%s: driver %s made no network interface" % (address, kernel.link(address, "driver")))
        time.sleep(0.05)
    settle(WAIT_FOR_DRIVER)
    return kernel.netdev(address)


def make_functions(kernel, nic, count):
    """As many functions as wished, without drivers yet."""
    autoprobe = kernel.path(nic["address"], "sriov_drivers_autoprobe")
    numvfs = kernel.path(nic["address"], "sriov_numvfs")
    if nic["count"]:
        kernel.write(numvfs, "0")
    if count:
        kernel.write(autoprobe, "0")
        try:
            kernel.write(numvfs, str(count))
            # udev loads their driver now, which would take them in the midst of what follows if it already might.
            settle()
        finally:
            kernel.write(autoprobe, "1")


def set_function(kernel, nic, index, before, wanted, made):
    """One function's settings, then its driver, then its MTU."""
    address = function_address(kernel, nic, index)
    full = {**before, **wanted}
    changed = changed_settings(before, wanted)
    for setting in changed:
        kernel.ip("link", "set", "dev", nic["name"], "vf", str(index), *words_of(setting, full))
    driver = wanted.get("driver")
    reread = "mac" in changed and before["driver"] != "vfio-pci" and not users(kernel, address)
    if made or (driver and driver != before["driver"]) or reread:
        bind(kernel, address, driver)
    if "mtu" in wanted and kernel.link(address, "driver") != "vfio-pci" and wanted["mtu"] != before["mtu"]:
        kernel.ip("link", "set", "dev", netdev_within(kernel, address), "mtu", str(wanted["mtu"]))


def difference(before, wish):
    """What is and what is wished of one NIC, reduced to what is wished and differs; both empty when nothing does."""
    was, will = {}, {}
    for key in ("count", "mtu"):
        if wish.get(key) is not None and before[key] != wish[key]:
            was[key], will[key] = before[key], wish[key]
    remade = "count" in will
    for index, wanted in wished_functions(wish).items():
        had = {} if remade else before["functions"].get(index, {})
        new = {key: value for key, value in wanted.items() if had.get(key) != value}
        if new:
            will["function %d" % index] = new
            was["function %d" % index] = {key: had.get(key) for key in new}
    return was, will


def apply_nic(kernel, nic, wish):
    before = observe(kernel, nic)
    _was, will = difference(before, wish)
    if "mtu" in will:
        kernel.ip("link", "set", "dev", nic["name"], "mtu", str(wish["mtu"]))
    made = "count" in will
    if made:
        make_functions(kernel, nic, wish["count"])
        before = observe(kernel, {**nic, "count": wish["count"]})
    if wish["count"]:
        # Several drivers let their functions have a link only while the NIC itself is up.
        kernel.ip("link", "set", "dev", nic["name"], "up")
    for index, wanted in wished_functions(wish).items():
        if made or "function %d" % index in will:
            set_function(kernel, nic, index, before["functions"][index], wanted, made)


def settle(seconds=WAIT_FOR_NICS):
    """Wait for what udev has to do: drivers are loaded, and interfaces renamed, by it."""
    subprocess.run(["udevadm", "settle", "--timeout=%d" % seconds], capture_output=True, check=False)


def bind_all(kernel, devices):
    """Each of the devices, with `address` and `driver`, gets its driver."""
    for device in devices:
        if not settled(kernel, device):
            bind(kernel, device["address"], device["driver"])


def apply_all(kernel, wishes):
    """All functions as wished, once their NICs are there."""
    deadline = time.monotonic() + WAIT_FOR_NICS
    while not present(kernel, wishes) and time.monotonic() < deadline:
        time.sleep(0.2)
    pairs, problems = examine(kernel, wishes)
    if problems:
        raise SriovError("\n".join(problems))
    for nic, wish in pairs:
        apply_nic(kernel, nic, wish)


def main(arguments):
    """`apply FILE` and `bind FILE`, for units: the file has a JSON list of NICs with functions, or of devices."""
    verbs = {"apply": apply_all, "bind": bind_all}
    if len(arguments) != 2 or arguments[0] not in verbs:
        return "usage: sriov.py apply|bind FILE"
    with open(arguments[1]) as file:
        described = json.load(file)
    settle()
    try:
        verbs[arguments[0]](Kernel(), described)
    except SriovError as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
