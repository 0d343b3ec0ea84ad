# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices that devlink knows, on PCI or another bus: their names, interfaces, virtual functions, and who uses them.

A NIC with an embedded switch has an uplink for each wire and, in switchdev mode, a representor for each function. The
kernel tells them apart by `phys_port_name` (Documentation/networking/switchdev.rst).
"""

from __future__ import annotations

import json
import os
import re

# Relative, since units have these files without Ansible's name for them.
from .. import sriov  # noqa: TID252

DeviceError = sriov.SriovError
PCI_ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
REPRESENTOR = re.compile(r"(c\d+)?pf\d+(vf\d+|sf\d+|hpf)?|\d+")
FUNCTION = re.compile(r"(c\d+)?pf\d+(vf|sf)\d+|\d+")


class Kernel(sriov.Kernel):
    """The kernel's interface; a device is named by the handle of devlink, BUS/NAME."""

    def settle(self):
        """Wait for what udev has to do: drivers are loaded, and interfaces renamed, by it."""
        sriov.settle()

    def devlink(self, *words):
        """What `devlink` knows of one object; empty where the driver does not know it."""
        return json.loads(self.run("devlink", "-j", *words) or "{}")

    def directory(self, handle):
        bus, _slash, name = handle.partition("/")
        return os.path.join(self.sysfs, "bus", bus, "devices", name)

    def attribute(self, netdev, name):
        """An attribute of an interface; drivers without it answer an error."""
        try:
            with open(os.path.join(self.sysfs, "class/net", netdev, name)) as file:
                return file.read().strip()
        except OSError:
            return ""


def handle_of(kernel, device):
    """The handle of what an operator calls a PCI address, an interface's name or a handle already."""
    if "/" in device:
        return device
    if PCI_ADDRESS.fullmatch(device):
        return "pci/" + device
    name = kernel.target("class/net", device, "device")
    return "%s/%s" % (kernel.target("class/net", device, "device/subsystem"), name) if name else None


def known(kernel):
    """Handles of all devices that devlink knows."""
    return sorted(kernel.devlink("dev", "show").get("dev", {}))


def resolve(kernel, wishes):
    """Pairs of a handle and the wish for it, and what is wrong with the names of the devices."""
    pairs, problems = [], []
    handles = known(kernel) if wishes else []
    for wish in wishes:
        handle = handle_of(kernel, wish["device"])
        if handle in handles:
            pairs.append((handle, wish))
        else:
            text = "%s: no such device with devlink; this host has %s"
            problems.append(text % (wish["device"], ", ".join(handles) or "none"))
    return pairs, problems


def label(handle, device):
    return device if device == handle else "%s (%s)" % (device, handle)


def netdevs(kernel, handle):
    return kernel.names(kernel.directory(handle), "net")


def uplinks(kernel, handle):
    """Interfaces that are the NIC's own, in this network namespace."""
    return [
        name for name in netdevs(kernel, handle) if not REPRESENTOR.fullmatch(kernel.attribute(name, "phys_port_name"))
    ]


def representors(kernel, handle):
    """Interfaces that stand for functions, with their port's name."""
    ports = ((name, kernel.attribute(name, "phys_port_name")) for name in netdevs(kernel, handle))
    return {name: port for name, port in ports if FUNCTION.fullmatch(port)}


def functions(kernel, handle):
    """PCI addresses of the device's virtual functions."""
    directory = kernel.directory(handle)
    links = [name for name in kernel.names(directory) if name.startswith("virtfn")]
    links.sort(key=lambda name: int(name[len("virtfn") :]))
    return [kernel.target(directory, name) for name in links]


def master(kernel, netdev):
    return kernel.target("class/net", netdev, "master")


def function_users(kernel, handle):
    """Who would be cut off when the device's functions went for a moment, in words."""
    return [
        "function %s is in use: %s" % (address, reason)
        for address in functions(kernel, handle)
        for reason in sriov.users(kernel, address)
    ]


def representor_users(kernel, handle):
    """Who would be cut off when its representors went, in words."""
    masters = ((name, master(kernel, name)) for name in representors(kernel, handle))
    return ["representor %s belongs to %s" % pair for pair in masters if pair[1]]
