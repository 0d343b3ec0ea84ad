# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a subnet get other CIDRs: every reason why not, whose addresses change, and what else names old ones.

Beside what others need, the look has C(documents): all objects, each with C(kind), C(namespace), C(name), C(metadata)
and C(spec).
"""

from __future__ import annotations

import ipaddress

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import Look, named, problem
from ansible_collections.weft.ovn.plugins.module_utils.operation.mentions import mentions

JOIN = "join"
DEFAULT_VPC = "ovn-cluster"
RESERVED = "ovn.kubernetes.io/ip_reserved"
OF_SUBNET = "ovn.kubernetes.io/subnet"
LISTED = 20
"""Names that the story tells, so that a person still reads it."""


def parse(text):
    """Return the networks of a cidrBlock by family. Raises ValueError."""
    networks = [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
    if not networks or len({network.version for network in networks}) != len(networks):
        raise ValueError("one CIDR, or one of each family, is allowed")
    return {network.version: network for network in networks}


def moved(text, old, new):
    """Return an address at the same place of the new CIDR of its family, or None when it has no such place."""
    address = ipaddress.ip_address(text)
    before, after = old.get(address.version), new.get(address.version)
    if before is None or address not in before:
        return text
    place = int(address) - int(before.network_address)
    if after is None or place >= after.num_addresses:
        return None
    return str(after[place])


class Change:
    """A subnet's change: what is decided, and all that speaks against it."""

    def __init__(self, look, options, playbook):
        self.look, self.options, self.playbook = Look(look), options, playbook
        self.documents = look.get("documents") or []
        self.name = options["subnet"]
        self.problems = self.look.without_majority() + self.look.without_controller(own=reason(playbook, self.name))
        self.users, self.spec, self.old, self.new = [], {}, {}, {}
        self.subnet = next((item for item in self.of("Subnet") if item["name"] == self.name), None)

    def of(self, kind):
        return [item for item in self.documents if item["kind"] == kind]

    def refuse(self, text, advice):
        self.problems.append(problem(text, advice))

    def plan(self):
        if self._understood():
            self._decide_users()
            self._decide_spec()
            self._check_room()
            self._check_neighbours()
            self._check_hosts()
            self._check_names()
        return {
            "problems": self.problems,
            "reason": reason(self.playbook, self.name),
            "spec": self.spec,
            "users": [item["name"] for item in self.users],
            "endpoints": self._endpoints(),
            "pods": self._pods(),
            "story": self._story(),
        }

    def _understood(self):
        if self.subnet is None:
            known = named(item["name"] for item in self.of("Subnet")) or "none"
            self.refuse("there is no subnet %s; there are %s" % (self.name, known), "'weftctl get subnets' has them")
            return False
        self.old = parse(self.subnet["spec"]["cidrBlock"])
        try:
            self.new = parse(self.options["cidr"])
        except ValueError as error:
            self.refuse(
                "operation_cidr: %r: %s" % (self.options["cidr"], error), "for instance 10.17.0.0/16,fd00:17::/64"
            )
            return False
        return True

    # --- what is decided ---

    def _decide_users(self):
        """Reservations that are not whole in the new CIDRs."""
        for item in self.of("IP"):
            if item["spec"].get("subnet") != self.name:
                continue
            held = [ipaddress.ip_address(text) for text in item["spec"].get("ipAddress", "").split(",") if text]
            stays = all(address.version in self.new and address in self.new[address.version] for address in held)
            gains = set(self.new) - set(self.old) - {address.version for address in held}
            if not stays or gains:
                self.users.append(item)

    def _decide_spec(self):
        spec = self.subnet["spec"]
        self.spec = {"name": self.name, "cidr_block": ",".join(str(self.new[family]) for family in sorted(self.new))}
        gateways = self.options["gateway"] or spec.get("gateway", "")
        self.spec["gateway"] = ",".join(self._follow("gateway", gateways)) or None
        excluded = self.options["exclude_ips"] or ",".join(spec.get("excludeIps", []))
        self.spec["exclude_ips"] = self._follow("exclude_ips", excluded)
        if spec.get("protocol"):
            self.spec["protocol"] = {(4,): "IPv4", (6,): "IPv6"}.get(tuple(self.new), "Dual")

    def _follow(self, option, text):
        """Return addresses and ranges at the same places of the new CIDRs; a family that goes takes its own along."""
        found = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                ends = [moved(end, self.old, self.new) for end in part.split("..")]
                family = ipaddress.ip_address(part.split("..")[0]).version
            except ValueError:
                self.refuse("%s: %r is no address" % (option, part), "give operation_%s" % option)
                continue
            if family not in self.new:
                continue
            if None in ends:
                text = "%s %s of Subnet/%s has no place in %s" % (option, part, self.name, self.new[family])
                self.refuse(text, "give operation_%s" % option)
                continue
            found.append("..".join(ends))
        return found

    def _of_pods(self):
        """Yield (namespace, name) of those among the users that are pods and run."""
        there = {(item["namespace"], item["name"]): item for item in self.of("Pod")}
        for item in self.users:
            place = (item["spec"].get("namespace"), item["spec"].get("podName"))
            if item["spec"].get("podType") != "Vip" and place in there:
                yield place

    def _endpoints(self):
        found = {}
        for namespace, name in () if self.options["kubernetes"] else self._of_pods():
            found.setdefault(namespace, []).append(name)
        return found

    def _pods(self):
        """Return what names the pods that Kubernetes has to make anew."""
        return [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}}
            for namespace, name in (sorted(self._of_pods()) if self.options["kubernetes"] else ())
        ]

    def _story(self):
        """Return what will be done, for a person."""
        if not self.users and self.subnet and self.spec.get("cidr_block") == self.subnet["spec"]["cidrBlock"]:
            return ["nothing but to look whether everybody follows: Subnet/%s has this CIDR" % self.name]
        shown = [_known_as(item) for item in self.users]
        names = ", ".join(sorted(shown)[:LISTED]) + (" and %d more" % (len(shown) - LISTED) if shown[LISTED:] else "")
        follow = "Kubernetes makes these pods anew" if self.options["kubernetes"] else "their interfaces are made anew"
        told = {key: value for key, value in self.spec.items() if key in ("gateway", "exclude_ips") and value}
        return [
            "Subnet/%s gets %s; %s" % (self.name, self.spec.get("cidr_block"), told),
            "%d get other addresses, and do not speak meanwhile: %s" % (len(shown), names or "nobody"),
            "hosts follow one after the other" if self.name == JOIN else follow,
            "other subnets are not touched; the controller commits nothing for a few seconds",
        ]

    # --- what speaks against it ---

    def _check_room(self):
        holders = [item for item in self.of("IP") if item["spec"].get("subnet") == self.name]
        for network in self.new.values():
            edges = 2 if network.version == 4 else 1
            room = network.num_addresses - edges - 1
            if len(holders) > room:
                text = "%s has room for %d, and %d have an address now" % (network, max(room, 0), len(holders))
                self.refuse(text, "take a wider CIDR")

    def _check_neighbours(self):
        vpc = self.subnet["spec"].get("vpc") or DEFAULT_VPC
        for other in self.of("Subnet"):
            if other["name"] == self.name or (other["spec"].get("vpc") or DEFAULT_VPC) != vpc:
                continue
            theirs = parse(other["spec"]["cidrBlock"])
            for family in sorted(set(theirs) & set(self.new)):
                if theirs[family].overlaps(self.new[family]):
                    text = "%s overlaps %s of Subnet/%s" % (self.new[family], theirs[family], other["name"])
                    self.refuse(text, "take a CIDR that nobody in Vpc/%s has" % vpc)
        for row in self.look.table("Host_Status") if vpc == DEFAULT_VPC else ():
            inside = [text for text in row["addresses"] if self._is_new(text)]
            if inside:
                text = "%s contains %s, the address of host %s" % (self.options["cidr"], named(inside), row["name"])
                self.refuse(text, "take a CIDR that no host is in")

    def _check_bare_pods(self):
        """Kubernetes makes only those anew that something asks for."""
        due = set(self._of_pods()) if self.options["kubernetes"] else set()
        bare = [
            "%s/%s" % (item["namespace"], item["name"])
            for item in self.of("Pod")
            if (item["namespace"], item["name"]) in due and not item["metadata"].get("ownerReferences")
        ]
        if bare:
            text = "nothing would make these pods anew: %s" % named(bare)
            self.refuse(text, "delete them, and make them again afterwards")

    def _is_new(self, text):
        address = ipaddress.ip_address(text)
        return address.version in self.new and address in self.new[address.version]

    def _check_hosts(self):
        """A host that does not listen keeps the old addresses."""
        taken = {row["name"]: row["host"] for row in self.look.table("Port")}
        hosts = {taken[item["name"]] for item in self.users if item["name"] in taken}
        hosts |= {item["name"][5:] for item in self.users if item["name"].startswith("node-")}
        for host in sorted(hosts):
            if not self.look.ready(host):
                text = "host %s is not ready: what is there would keep its old addresses" % host
                self.refuse(text, "see 'weftctl node %s'; a host that is gone: playbook remove_node" % host)

    def _check_names(self):
        by_hand = [item["name"] for item in self.users if _is_by_hand(item)]
        if by_hand:
            text = "addresses of Subnet/%s were reserved by hand: %s" % (self.name, named(by_hand))
            self.refuse(text, "delete these IP objects, and reserve others afterwards")
        if not self.users and self.old == self.new:
            return
        self._check_bare_pods()
        pins, others = mentions(self.documents, self.name, self.old, self.new, self.options["kubernetes"])
        for text in pins:
            self.refuse(text + ", so it would be without an address", "take the wish away or give it a new one first")
        if self.options["named"] != "leave":
            advice = "change it before or afterwards, and say operation_named=leave"
            for text in others:
                self.refuse(text, advice)


def _known_as(item):
    spec = item["spec"]
    if spec.get("podName") and spec.get("namespace"):
        return "%s/%s" % (spec["namespace"], spec["podName"])
    return item["name"]


def _is_by_hand(item):
    labels = item["metadata"].get("labels") or {}
    return labels.get(RESERVED) == "true" or OF_SUBNET not in labels


def reason(playbook, subnet):
    """Return why the fabric is paused while the playbook works: by it a second run knows its own pause."""
    return "playbook %s: Subnet/%s" % (playbook, subnet)


def change_cidr(look, options):
    """Reasons not to give a subnet other CIDRs, and who gets other addresses."""
    change = Change(look, options, "change_cidr")
    if options["subnet"] == JOIN:
        change.refuse("the subnet join is that of hosts", "playbook change_join_cidr")
    return change.plan()


def change_join_cidr(look, options):
    """The same for the subnet of hosts."""
    return Change(look, {**options, "subnet": JOIN}, "change_join_cidr").plan()
