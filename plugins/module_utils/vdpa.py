# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vDPA devices: virtio devices whose packets the hardware moves, made of what `vdpa mgmtdev show` lists.

The same file serves the module `vdpa_device` and, copied to a host beside `sriov`, the unit that makes the devices at
each boot; hence the standard library only. A device is made with its MAC, MTU and queues and has them for life; its
driver, vhost_vdpa for a virtual machine or virtio_vdpa for an interface of the host, may be changed.
"""

from __future__ import annotations

import grp
import json
import os
import sys
import time

from . import sriov
from .sriov import SriovError as VdpaError

MADE_WITH = ("management_device", "mac", "mtu", "queue_pairs")
FEATURES = {"mac": "MAC", "mtu": "MTU", "queue_pairs": "MQ"}
MODE = 0o660
WAIT = 10
WAIT_FOR_MANAGEMENT = 60


class Kernel(sriov.Kernel):
    """The kernel's interface, with the bus of vDPA."""

    def __init__(self, sysfs="/sys", proc="/proc", dev="/dev"):
        super().__init__(sysfs, proc)
        self.dev = dev

    def shown(self, *words):
        """What `vdpa` shows; nothing before the kernel's module for it is there."""
        try:
            return json.loads(self.run("vdpa", "-j", *words) or "{}")
        except VdpaError:
            return {}

    def device(self, name, *names):
        return os.path.join(self.sysfs, "bus/vdpa/devices", name, *names)

    def driver(self, name):
        return self.target(self.device(name, "driver"))

    def character(self, name):
        """The character device of vhost_vdpa, None where another driver has the device."""
        found = [entry for entry in self.names(self.device(name)) if entry.startswith("vhost-vdpa-")]
        return os.path.join(self.dev, found[0]) if found else None

    def virtio_netdev(self, name):
        """The interface of virtio_vdpa, where it is in this network namespace."""
        ports = [entry for entry in self.names(self.device(name)) if entry.startswith("virtio")]
        found = [netdev for port in ports for netdev in self.names(self.device(name), port, "net")]
        return found[0] if found else None


# --- what there is --------------------------------------------------------------------------------


def managers(kernel):
    return kernel.shown("mgmtdev", "show").get("mgmtdev", {})


def observe(kernel, name):
    """A device's settings in the words of the options, None where there is none."""
    shown = kernel.shown("dev", "show").get("dev", {}).get(name)
    if shown is None:
        return None
    config = kernel.shown("dev", "config", "show", name).get("config", {}).get(name, {})
    return {
        "management_device": shown.get("mgmtdev"),
        "mac": config.get("mac"),
        "mtu": config.get("mtu"),
        "queue_pairs": config.get("max_vq_pairs", 1),
        "driver": kernel.driver(name),
        "path": kernel.character(name),
        "interface": kernel.virtio_netdev(name),
    }


def users(kernel, name):
    """Who uses a device, in words; another driver, or its end, would cut them off."""
    driver, path, netdev = kernel.driver(name), kernel.character(name), kernel.virtio_netdev(name)
    if path:
        return ["a process has %s open" % path] if sriov.is_open(kernel, path) else []
    if not netdev:
        return [sriov.ELSEWHERE] if driver == "virtio_vdpa" else []
    return sriov.interface_users(kernel, netdev)


def to_load(kernel, modules):
    """Modules that are not loaded; VdpaError for one that this kernel has not."""
    return [name for name in modules if "insmod" in kernel.run("modprobe", "--dry-run", "--verbose", name)]


def modules_of(wish):
    drivers = [device.get("driver") for device in wish["devices"] if device.get("state") != "absent"]
    return list(dict.fromkeys([*wish["modules"], *filter(None, drivers)]))


def owner(path):
    status = os.stat(path)
    return status.st_gid, status.st_mode & 0o777


# --- what is wished -------------------------------------------------------------------------------


def problems(kernel, wish):
    """Everything that stands against the wish on this host."""
    found, waiting = [], []
    for module in modules_of(wish):
        try:
            waiting += to_load(kernel, [module])
        except VdpaError:
            found.append("modules: the kernel has no module %s" % module)
    if wish.get("group") and not _group(wish["group"]):
        found.append("group: there is no group %s" % wish["group"])
    known, taken = managers(kernel), set()
    for device in wish["devices"]:
        name = device["name"]
        wrong = _problems_of(kernel, device, known, waiting)
        if name in taken:
            wrong.append("is described twice")
        taken.add(name)
        found += ["%s: %s" % (name, text) for text in wrong]
    macs = [device["mac"] for device in wish["devices"] if device.get("mac")]
    return found + ["mac %s is described twice" % mac for mac in sorted(set(macs)) if macs.count(mac) > 1]


def _group(name):
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def _problems_of(kernel, device, known, waiting):
    had = observe(kernel, device["name"])
    found = []
    if device.get("state") != "absent" and (had is None or _remade(had, device)):
        # What modules and drivers, which are still to come, will bring is not known yet.
        if device["management_device"] in known:
            found += _beyond(kernel, device, known[device["management_device"]])
        elif not waiting and not device.get("pci_driver"):
            text = "no such management device as %s; this host has %s"
            found.append(text % (device["management_device"], ", ".join(sorted(known)) or "none"))
    if had and _differs(had, device):
        found += ["would change, and is in use: %s" % reason for reason in users(kernel, device["name"])]
    elif not had and device.get("state") != "absent":
        found += _pci_problems(kernel, device)
    return found


def _beyond(kernel, device, manager):
    """What a management device cannot."""
    features = manager.get("dev_features", [])
    found = [
        "%s is %s, which %s cannot set" % (name, device[name], device["management_device"])
        for name, feature in FEATURES.items()
        if device.get(name) is not None and feature not in features and (name, device[name]) != ("queue_pairs", 1)
    ]
    most = max(1, manager.get("max_supported_vqs", 0) // 2)
    if device.get("queue_pairs") and "MQ" in features and device["queue_pairs"] > most:
        found.append("queue_pairs is %d, allowed are 1 to %d" % (device["queue_pairs"], most))
    program = os.path.join(kernel.dev, "vduse", device["name"])
    if device["management_device"] == "vduse" and not os.path.exists(program):
        found.append("a program has to make %s first" % program)
    return found


def _pci_problems(kernel, device):
    """What stands against the driver that makes a PCI device a management device."""
    if not device.get("pci_driver"):
        return []
    address = device["management_device"].partition("/")[2]
    if address not in kernel.names("bus/pci/devices"):
        return ["no such PCI device as %s" % device["management_device"]]
    if sriov.settled(kernel, {"address": address, "driver": device["pci_driver"]}):
        return []
    return ["%s is in use: %s" % (address, reason) for reason in sriov.users(kernel, address)]


def _remade(had, device):
    return any(device.get(name) is not None and device[name] != had[name] for name in MADE_WITH)


def _differs(had, device):
    return (
        device.get("state") == "absent"
        or _remade(had, device)
        or (device.get("driver") or had["driver"]) != had["driver"]
    )


def difference(kernel, wish):
    """Pairs of what is and what is wished, by what it is about."""
    found = {"module %s" % name: (False, True) for name in to_load(kernel, modules_of(wish))}
    for device in wish["devices"]:
        name, had = device["name"], observe(kernel, device["name"])
        if device.get("state") == "absent":
            found.update({name: (had, None)} if had else {})
            continue
        for setting in (*MADE_WITH, "driver"):
            value = (had or {}).get(setting)
            if device.get(setting) is not None and device[setting] != value:
                found["%s %s" % (name, setting)] = (value, device[setting])
        path = kernel.character(name)
        if wish.get("group") and path and owner(path) != (_group(wish["group"]).gr_gid, MODE):
            found["%s group" % path] = ("%d %o" % owner(path), "%s %o" % (wish["group"], MODE))
    return found


# --- the steps between ----------------------------------------------------------------------------


def load(kernel, wish):
    for module in to_load(kernel, modules_of(wish)):
        kernel.run("modprobe", module)


def apply(kernel, wish):
    load(kernel, wish)
    for device in wish["devices"]:
        _apply_device(kernel, device)
        path = kernel.character(device["name"])
        if wish.get("group") and path:
            _await(lambda path=path: os.path.exists(path), "%s: is not there" % path)
            os.chown(path, 0, _group(wish["group"]).gr_gid)
            os.chmod(path, MODE)


def _apply_device(kernel, device):
    name, had = device["name"], observe(kernel, device["name"])
    if had and (device.get("state") == "absent" or _remade(had, device)):
        kernel.run("vdpa", "dev", "del", name)
        had = None
    if device.get("state") == "absent":
        return
    if had is None:
        _bind_parent(kernel, device)
        kernel.run("vdpa", "dev", "add", "name", name, "mgmtdev", device["management_device"], *_words(device))
    if device.get("driver") and kernel.driver(name) != device["driver"]:
        _bind(kernel, name, device["driver"])


def _words(device):
    words = {"mac": "mac", "mtu": "mtu", "queue_pairs": "max_vqp"}
    # One pair is what a device without several has, and cannot be asked for.
    asked = [(word, device.get(name)) for name, word in words.items() if (name, device.get(name)) != ("queue_pairs", 1)]
    return [text for word, value in asked if value is not None for text in (word, str(value))]


def _bind_parent(kernel, device):
    if not device.get("pci_driver"):
        return
    address = device["management_device"].partition("/")[2]
    sriov.bind_all(kernel, [{"address": address, "driver": device["pci_driver"]}])
    _await(
        lambda: device["management_device"] in managers(kernel),
        "%s: %s made no management device of it" % (address, device["pci_driver"]),
    )


def _bind(kernel, name, driver):
    kernel.write(kernel.device(name, "driver_override"), driver + "\n")
    if kernel.driver(name):
        kernel.write(kernel.device(name, "driver", "unbind"), name)
    kernel.write(os.path.join(kernel.sysfs, "bus/vdpa/drivers_probe"), name)
    _await(lambda: kernel.driver(name) == driver, "%s: driver %s did not take it" % (name, driver))


def _await(predicate, complaint):
    deadline = time.monotonic() + WAIT
    while not predicate():
        if time.monotonic() > deadline:
            raise VdpaError(complaint)
        time.sleep(0.05)


def main(path):
    """What the unit runs at each boot: the file has the wish as JSON."""
    kernel = Kernel()
    with open(path) as file:
        wish = json.load(file)
    sriov.settle()
    try:
        load(kernel, wish)
        deadline = time.monotonic() + WAIT_FOR_MANAGEMENT
        found = problems(kernel, wish)
        while found and time.monotonic() < deadline:
            time.sleep(0.5)
            found = problems(kernel, wish)
        if found:
            return "\n".join(found)
        apply(kernel, wish)
    except VdpaError as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
