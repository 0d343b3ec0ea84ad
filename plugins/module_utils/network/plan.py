# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a change does to a host, and what puts it back: computed here from what is and what is wished."""

from __future__ import annotations

from shlex import join, quote

from . import links, networkd, ovs

SERVICE = "systemd-networkd.service"


class Plan:
    """The difference between a host and its description, and the commands that end it."""

    def __init__(self, facts, interfaces):
        self.facts = facts
        self.interfaces = interfaces
        self.renames = links.renames(facts.links, interfaces)
        # The interfaces as they are once they have their names.
        self.links = links.renamed(facts.links, self.renames)
        wished = networkd.files(interfaces)
        self.files = {
            path: (facts.files.get(path), wished.get(path))
            for path in sorted({*facts.files, *wished})
            if facts.files.get(path) != wished.get(path)
        }
        bridges = [item["name"] for item in interfaces if item["type"] == "ovs_bridge"]
        macs = {name: links.mac(facts.links, interfaces, name) for name in bridges}
        self.switch_do, self.switch_undo = ovs.changes(facts.switch, interfaces, macs)
        self.pairs = self._pairs()

    def _pairs(self):
        routes = {(to, via, self.renames.get(device, device), table) for to, via, device, table in self.facts.routes}
        return {
            **{"%s name" % new: (old, new) for old, new in self.renames.items()},
            **{"%s interface" % name: ("present", "absent") for name in self.surplus},
            **links.differences(self.links, routes, self.interfaces),
            **(ovs.differences(self.facts.switch, self.interfaces) if self.facts.switch else {}),
        }

    @property
    def surplus(self):
        """Bonds and VLANs of ours that are not described any more."""
        gone = [
            networkd.name_of(path) for path, (_old, new) in self.files.items() if path.endswith(".netdev") and not new
        ]
        return [name for name in gone if name in self.links]

    @property
    def anew(self):
        """Those that networkd has to make again: it does not change what there is."""
        other = [networkd.name_of(path) for path, pair in self.files.items() if path.endswith(".netdev") and all(pair)]
        names = dict.fromkeys([*other, *links.to_make_anew(self.links, self.interfaces)])
        return [name for name in names if name in self.links]

    @property
    def released(self):
        """NICs that are part of a bond that stays, and no longer shall be."""
        wished = {nic: item["name"] for item in self.interfaces if item["type"] == "bond" for nic in item["nics"]}
        bonds = set(wished.values())
        return [
            name for name, link in self.links.items() if link["master"] in bonds and wished.get(name) != link["master"]
        ]

    @property
    def touched(self):
        """Names of all interfaces that change, those to be made included."""
        names = [networkd.name_of(path) for path in self.files] + [key.partition(" ")[0] for key in self.pairs]
        return sorted({*names, *self.released})

    @property
    def taken_over(self):
        """Interfaces and the files of others by which networkd managed them so far."""
        ours = {item["name"] for item in self.interfaces}
        return {
            name: path
            for name, path in sorted(self.facts.managed.items())
            if self.renames.get(name, name) in ours and not networkd.is_ours(path)
        }

    def __bool__(self):
        return bool(self.files or self.pairs or self.released)

    def commands(self):
        """What is run once the files are written."""
        steps = [["ip", "link", "set", "dev", old, "name", new] for old, new in self.renames.items()]
        steps += [[*ovs.VSCTL, "--", *self.switch_do]] if self.switch_do else []
        steps += [["ip", "link", "delete", "dev", name] for name in self.surplus + self.anew]
        steps += [["ip", "link", "set", "dev", name, "nomaster"] for name in self.released]
        # networkd of before version 257 makes an interface that was deleted again only when it starts.
        made = self.anew or any(path.endswith(".netdev") for path in self.files)
        made = made or any(key.endswith(" interface") for key in self.pairs)
        steps.append(["systemctl", "restart", SERVICE] if made else ["networkctl", "reload"])
        return steps + self._reconfigured()

    def _reconfigured(self):
        """Interfaces that are not as their files say, with files that say the same as before."""
        other = {*self.surplus, *self.anew, *map(networkd.name_of, self.files)}
        fixed = sorted({key.partition(" ")[0] for key in self.pairs} & set(self.links) - other)
        return [["networkctl", "reconfigure", *fixed]] if fixed else []

    def restoration(self):
        """The lines of a shell script that puts everything back."""
        lines = [
            "rm -f %s" % quote(path) if old is None else "printf %%s %s >%s" % (quote(old), quote(path))
            for path, (old, _new) in self.files.items()
        ]
        lines += [join([*ovs.VSCTL, "--", *self.switch_undo])] if self.switch_undo else []
        lines += [join(["ip", "link", "delete", "dev", name]) for name in self._made()]
        for old, new in self.renames.items():
            words = join(["ip", "link", "set", "dev", new, "name", old])
            lines.append("%s || { ip link set dev %s down; %s; }" % (words, quote(new), words))
        lines.append("systemctl restart %s" % SERVICE)
        lines += [line for name in self._before() for line in self._put_back(name)]
        managed = sorted(set(self._before()) & set(self.facts.managed) - set(self.anew))
        return lines + ([join(["networkctl", "reconfigure", *managed])] if managed else [])

    def _made(self):
        """Bonds and VLANs that the change makes: the old ones come from the old files."""
        new = [
            networkd.name_of(path) for path, pair in self.files.items() if path.endswith(".netdev") and not all(pair)
        ]
        return [name for name in [*new, *self.anew] if name not in self.surplus]

    def _before(self):
        """Present names of NICs that the change is about; what networkd and the switch make, they make again."""
        names = {new: old for old, new in self.renames.items()}
        there = [names.get(name, name) for name in self.touched if name in self.links]
        return [name for name in there if not self.facts.links[name]["kind"]]

    def _put_back(self, name):
        """What no file of networkd says: MTU, and all of an interface that it did not manage."""
        link = self.facts.links[name]
        yield join(["ip", "link", "set", "dev", name, "mtu", str(link["mtu"])])
        if name in self.facts.managed:
            return
        yield join(["ip", "link", "set", "dev", name, "up" if link["up"] else "down"])
        for address, dynamic in sorted(link["addresses"].items()):
            if not dynamic:
                yield join(["ip", "address", "replace", address, "dev", name])
        for to, via, device, table in sorted(self.facts.routes, key=str):
            if device == name and via:
                yield join(["ip", "route", "replace", to, "via", via, "dev", name, "table", table])
