# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""NICs with a switch of their own: its mode, representors, bonds of uplinks, and devices' parameters.

The package serves modules and, copied to a host beside `sriov`, the unit that does the same at each boot, so that both
mean the same; hence the standard library only. One subject has one file. A wish has `devices` and `bonds`, as the
options of the module `eswitch`.
"""

from __future__ import annotations

from . import bonds, devices, eswitch, links


def examine(kernel, wish):
    """(pairs of handle and device, pairs of handles and bond), and every problem of this host at once."""
    pairs, found = devices.resolve(kernel, wish["devices"])
    own = [bond["name"] for bond in wish["bonds"]]
    taken = set()
    for handle, device in pairs:
        wrong = eswitch.problems(kernel, handle, device, own) + links.problems(kernel, handle, device)
        if handle in taken:
            wrong.append("is described twice")
        taken.add(handle)
        found += ["%s: %s" % (devices.label(handle, device["device"]), text) for text in wrong]
    groups = [(bonds.resolve(kernel, bond)[0], bond) for bond in wish["bonds"]]
    return (pairs, groups), found + _bond_problems(kernel, pairs, groups)


def _bond_problems(kernel, pairs, groups):
    present = [(handles, bond) for handles, bond in groups if bond.get("state") != "absent"]
    wished = {handle: eswitch.observe(kernel, handle)["mode"] for handles, _bond in present for handle in handles}
    wished.update({handle: device["mode"] for handle, device in pairs if device.get("mode")})
    return [text for _handles, bond in present for text in bonds.problems(kernel, bond, wished)]


def difference(kernel, found):
    """Pairs of what is and what is wished, by what it is about. What comes with a new mode is not seen before it."""
    pairs, groups = found
    differing = {}
    for handle, device in pairs:
        changed = eswitch.difference(eswitch.observe(kernel, handle), device)
        differing.update({"%s %s" % (handle, name): pair for name, pair in changed.items()})
        differing.update(links.difference(kernel, handle, device))
    for handles, bond in groups:
        differing.update(bonds.difference(kernel, bond, handles))
    return differing


def apply(kernel, found):
    """Bonds open, modes change, interfaces get what they are to have, bonds close."""
    pairs, groups = found
    changing = {handle for handle, device in pairs if eswitch.changes_mode(kernel, handle, device)}
    for handles, bond in groups:
        leaving = [name for handle in changing & set(handles) for name in devices.uplinks(kernel, handle)]
        bonds.release(kernel, bond["name"], leaving)
    for handle, device in pairs:
        eswitch.apply(kernel, handle, device)
    kernel.settle()
    for handle, device in pairs:
        links.apply(kernel, handle, device)
    for handles, bond in groups:
        bonds.apply(kernel, bond, handles)


def taken_back(wish):
    """The wish that undoes this one."""
    return {
        "devices": [
            {
                "device": device["device"],
                "mode": "legacy" if device.get("mode") == "switchdev" else None,
                "tc_offload": False if device.get("tc_offload") else None,
                "addresses": device.get("addresses"),
                "state": "absent",
            }
            for device in wish["devices"]
        ],
        "bonds": [{**bond, "state": "absent"} for bond in wish["bonds"]],
    }
