# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parameters of devices, as `devlink dev param` shows and sets them: each has values by configuration mode (cmode).

The kernel takes a value at run time, at the driver's next start (driverinit), or keeps it in the device, which reads it
when it is started (permanent).
"""

from __future__ import annotations

from . import devices
from .devices import DeviceError

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")
TYPES = {bool: "true or false", int: "a number", str: "text"}


def observe(kernel, handle):
    """Values by (parameter, cmode)."""
    shown = kernel.devlink("dev", "param", "show", handle).get("param", {}).get(handle, [])
    return {
        (parameter["name"], value["cmode"]): value.get("value")
        for parameter in shown
        for value in parameter.get("values", [])
    }


def typed(text, example):
    """The value in the type that the kernel shows; ValueError when it has another."""
    if isinstance(example, bool):
        word = str(text).lower()
        if word not in TRUE + FALSE:
            raise ValueError(word)
        return word in TRUE
    # Of True, which Python takes for a number, nothing but the word is left.
    return int(str(text), 0) if isinstance(example, int) else str(text)


def word(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _problem(wish, had):
    """What stands against one wish, None where nothing does."""
    name, cmode = wish["name"], wish["cmode"]
    if name not in {parameter for parameter, _cmode in had}:
        names = sorted({parameter for parameter, _cmode in had})
        return "no such parameter as %s; its driver has %s" % (name, ", ".join(names) or "none")
    if (name, cmode) not in had:
        cmodes = sorted(mode for parameter, mode in had if parameter == name)
        return "%s has no cmode %s, allowed are %s" % (name, cmode, ", ".join(cmodes))
    try:
        typed(wish["value"], had[name, cmode])
    except ValueError:
        return "%s is %r, wanted is %s" % (name, wish["value"], TYPES[type(had[name, cmode])])
    return None


def examine(kernel, wishes):
    """Tuples of handle, wish and what the device has, and every problem at once."""
    pairs, problems = devices.resolve(kernel, wishes)
    shown = {handle: observe(kernel, handle) for handle in {handle for handle, _wish in pairs}}
    taken = set()
    for handle, wish in pairs:
        found = _problem(wish, shown[handle])
        key = (handle, wish["name"], wish["cmode"])
        if key in taken:
            found = "%s is described twice for cmode %s" % key[1:]
        taken.add(key)
        if found:
            problems.append("%s: %s" % (devices.label(handle, wish["device"]), found))
    return [(handle, wish, shown[handle]) for handle, wish in pairs], problems


def differing(triples):
    """(handle, parameter, cmode, value that is, value that is wished), where they differ."""
    found = []
    for handle, wish, had in triples:
        key = (wish["name"], wish["cmode"])
        value = typed(wish["value"], had[key])
        if value != had[key]:
            found.append((handle, *key, had[key], value))
    return found


def reload_problems(kernel, handles):
    """Why the drivers of these devices must not be started again."""
    users = {handle: devices.function_users(kernel, handle) for handle in handles}
    users = {handle: found + devices.representor_users(kernel, handle) for handle, found in users.items()}
    return ["%s: would be reloaded, and %s" % (handle, user) for handle, found in users.items() for user in found]


def apply(kernel, changes):
    for handle, name, cmode, _now, value in changes:
        kernel.run("devlink", "dev", "param", "set", handle, "name", name, "value", word(value), "cmode", cmode)


def reload(kernel, handles):
    """Start drivers again, which read their driverinit parameters then."""
    for handle in handles:
        try:
            kernel.run("devlink", "dev", "reload", handle)
        except DeviceError as error:
            raise DeviceError("%s: its parameters are set, and wait for a reload: %s" % (handle, error)) from error
