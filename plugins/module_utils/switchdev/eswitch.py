# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Embedded switches of NICs: their mode, and what may only be changed with it.

The order is the one that drivers want: virtual functions are there and have no driver, flow steering is chosen while
the switch is in legacy mode, then comes the mode, and functions get their drivers again.
"""

from __future__ import annotations

from . import devices
from .devices import DeviceError

ESWITCH = {"mode": "mode", "inline_mode": "inline-mode", "encap_mode": "encap-mode"}
"""Options, and the words of `devlink dev eswitch`, in the kernel's order."""
STEERING = "flow_steering_mode"
SETTINGS = (*ESWITCH, "steering_mode")
UNBOUND = ("mlx5_core",)
"""Drivers whose functions must not have one while the mode changes."""


def observe(kernel, handle):
    """Settings in the words of the options; what the driver has not is None."""
    try:
        shown = kernel.devlink("dev", "eswitch", "show", handle).get("dev", {}).get(handle, {})
    except DeviceError:
        # "Operation not supported": the NIC has no switch of its own.
        shown = {}
    found = {option: shown.get(word) for option, word in ESWITCH.items()}
    return {**found, "steering_mode": _steering(kernel, handle)}


def _steering(kernel, handle):
    try:
        shown = kernel.devlink("dev", "param", "show", handle, "name", STEERING)
    except DeviceError:
        return None
    values = [value for item in shown.get("param", {}).get(handle, []) for value in item.get("values", [])]
    return next((value.get("value") for value in values if value["cmode"] == "runtime"), None)


def difference(had, wish):
    """Pairs of what is and what is wished, by setting, where they differ."""
    return {
        name: (had[name], wish[name]) for name in SETTINGS if wish.get(name) is not None and wish[name] != had[name]
    }


def passes_legacy(had, differing):
    """Whether the mode changes on the way: steering is chosen in legacy mode."""
    return "mode" in differing or ("steering_mode" in differing and had["mode"] == "switchdev")


def problems(kernel, handle, wish, own_bonds=()):
    """All that stands against one device's wish. Bonds of our own are opened while the mode changes, others are not."""
    had = observe(kernel, handle)
    if had["mode"] is None and any(wish.get(name) is not None for name in SETTINGS):
        driver = kernel.target(kernel.directory(handle), "driver")
        return ["it has no embedded switch (driver %s)" % (driver or "none")]
    differing = difference(had, wish)
    found = [
        "%s is %s, and its driver has no such setting" % (name, wish[name]) for name in differing if had[name] is None
    ]
    if passes_legacy(had, differing):
        found += ["the mode would change, and " + reason for reason in _cut_off(kernel, handle, had, own_bonds)]
    return found


def _cut_off(kernel, handle, had, own_bonds):
    """Whom a change of mode would cut off: users of functions, and of representors, which go with switchdev mode."""
    users = devices.function_users(kernel, handle)
    if had["mode"] == "switchdev":
        users += devices.representor_users(kernel, handle)
    masters = ((name, devices.master(kernel, name)) for name in devices.uplinks(kernel, handle))
    return users + [
        "%s belongs to the bond %s, which is made after it" % pair
        for pair in masters
        if pair[1] not in (None, *own_bonds) and kernel.attribute(pair[1], "bonding/mode")
    ]


def changes_mode(kernel, handle, wish):
    had = observe(kernel, handle)
    return passes_legacy(had, difference(had, wish))


def apply(kernel, handle, wish):
    had = observe(kernel, handle)
    differing = difference(had, wish)
    if not differing:
        return
    loose = passes_legacy(had, differing) and _unbinds(kernel, handle, wish)
    bound = _bound(kernel, handle) if loose else []
    for address in bound:
        kernel.write(kernel.path(address, "driver", "unbind"), address)
    try:
        _set(kernel, handle, had, differing)
    finally:
        for address in bound:
            kernel.write(kernel.sysfs + "/bus/pci/drivers_probe", address)


def _unbinds(kernel, handle, wish):
    if wish.get("unbind") is not None:
        return wish["unbind"]
    return kernel.target(kernel.directory(handle), "driver") in UNBOUND


def _bound(kernel, handle):
    return [address for address in devices.functions(kernel, handle) if kernel.link(address, "driver")]


def _set(kernel, handle, had, differing):
    """The kernel's commands, in their order."""
    wanted = {name: pair[1] for name, pair in differing.items()}
    if "steering_mode" in wanted:
        if had["mode"] == "switchdev":
            kernel.run("devlink", "dev", "eswitch", "set", handle, "mode", "legacy")
            wanted.setdefault("mode", "switchdev")
        steering = ("name", STEERING, "value", wanted["steering_mode"], "cmode", "runtime")
        kernel.run("devlink", "dev", "param", "set", handle, *steering)
    words = [text for name, word in ESWITCH.items() if name in wanted for text in (word, wanted[name])]
    if words:
        kernel.run("devlink", "dev", "eswitch", "set", handle, *words)
