"""What users of a fabric do in a busy year, at random: a stream of changes that one seed tells.

The documents that are there now are the model. What is proposed is not always allowed: subnets, pools and virtual
addresses are for the rules to judge, as `weftctl apply` does. A pod is stored as it is, and waits for what it cannot
have.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Document = dict[str, Any]
Change = tuple[str, Document]
"""`put` or `delete`, and the document."""

NAMESPACES = ("ns1", "ns2", "ns3", "ns4", "ns5")
NODES = ("h0", "h1", "h2")
JUDGED = ("Subnet", "IPPool", "Vip")
_V1 = "kubeovn.io/v1"


def ref_of(document: Document) -> str:
    metadata = document["metadata"]
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{document['kind']}/{place}{metadata['name']}"


def subnet(name: str, cidr: str, *namespaces: str, exclude: tuple[str, ...] = ()) -> Document:
    spec = {"cidrBlock": cidr, "namespaces": list(namespaces), "excludeIps": list(exclude)}
    return {"apiVersion": _V1, "kind": "Subnet", "metadata": {"name": name}, "spec": spec}


def ippool(name: str, home: str, ips: list[str], *namespaces: str) -> Document:
    spec = {"subnet": home, "ips": ips, "namespaces": list(namespaces), "enableAddressSet": False}
    return {"apiVersion": _V1, "kind": "IPPool", "metadata": {"name": name}, "spec": spec}


def statefulset(name: str, replicas: int, start: int) -> Document:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    spec = {
        "replicas": replicas,
        "ordinals": {"start": start},
        "serviceName": name,
        "selector": {"matchLabels": {"app": name}},
        "template": template,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "ns2"},
        "spec": spec,
    }


class Churn:
    """See the module's text."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.documents: dict[str, Document] = {}
        self.disturbed: set[str] = set()
        """StatefulSets that were changed; who looks clears it."""
        self._count = 0
        for document in self.first():
            self.accept([("put", document)])

    @staticmethod
    def first() -> list[Document]:
        """What is there at the beginning: small subnets, so that they are full now and then."""
        spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES]
        return [
            *spaces,
            subnet("small", "10.1.0.0/28", "ns1"),
            subnet("dual", "10.2.0.0/26,fd00:2::/64", "ns2", "ns5", exclude=("10.2.0.2..10.2.0.4", "fd00:2::5")),
            subnet("left", "10.3.0.0/29", "ns3"),
            subnet("right", "10.4.0.0/28", "ns3"),
            ippool("a", "dual", ["10.2.0.16/29", "fd00:2::10..fd00:2::17"], "ns5"),
            ippool("b", "dual", ["10.2.0.40..10.2.0.45", "fd00:2::20/125"], "ns5"),
        ]

    def propose(self) -> list[Change]:
        """What somebody wants to do now; to be accepted, or not."""
        acts = (
            (self._make_pod, 34),
            (self._delete_pod, 32),
            (self._replace_pod, 10),
            (self._change_statefulset, 4),
            (self._make_member, 9),
            (self._delete_member, 6),
            (self._change_vips, 4),
            (self._change_pools, 3),
            (self._change_subnets, 4),
        )
        while True:
            act: Callable[[], list[Change]]
            (act,) = self.random.choices([act for act, _ in acts], [weight for _, weight in acts])
            if changes := act():
                return changes

    def accept(self, changes: list[Change]) -> None:
        """These have been stored."""
        for verb, document in changes:
            if document["kind"] == "StatefulSet":
                self.disturbed.add(document["metadata"]["name"])
            if verb == "put":
                self.documents[ref_of(document)] = document
            else:
                del self.documents[ref_of(document)]

    def of_kind(self, kind: str) -> list[Document]:
        return [document for ref, document in self.documents.items() if ref.startswith(f"{kind}/")]

    def _some(self, kind: str) -> Document | None:
        found = self.of_kind(kind)
        return self.random.choice(found) if found else None

    def _number(self) -> int:
        self._count += 1
        return self._count

    # -- pods ---------------------------------------------------------------------------------------------------------

    def _make_pod(self) -> list[Change]:
        return [("put", self._pod(f"p{self._number()}", self.random.choice(NAMESPACES)))]

    def _pod(self, name: str, namespace: str) -> Document:
        metadata = {"name": name, "namespace": namespace, "annotations": self._wishes()}
        spec = {"nodeName": self.random.choice(NODES), "containers": [{"name": "c", "image": "x"}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def _wishes(self) -> dict[str, str]:
        wishes = (
            ({}, 50),
            ({"ip_address": self._address()}, 14),
            ({"ip_pool": ",".join(self._address() for _ in range(3))}, 10),
            ({"ip_pool": self.random.choice(["a", "b", "a,b"])}, 6),
            ({"logical_switch": self._home()}, 10),
            ({"logical_switch": "dual", "ip_family": self.random.choice(["IPv4", "IPv6"])}, 5),
            ({"mac_address": f"02:00:00:00:00:{self.random.randrange(6):02x}"}, 3),
            ({"vip": f"v{self.random.randrange(4)}"}, 2),
        )
        (chosen,) = self.random.choices([wish for wish, _ in wishes], [weight for _, weight in wishes])
        return {f"ovn.kubernetes.io/{name}": value for name, value in chosen.items()}

    def _home(self) -> str:
        found = self._some("Subnet")
        return found["metadata"]["name"] if found else "small"

    def _address(self) -> str:
        """Free or taken, excluded, of an IPPool, the gateway, or of no subnet at all."""
        network, hosts = self.random.choice([("10.1.0", 17), ("10.2.0", 64), ("10.3.0", 9), ("fd00:2:", 48)])
        last = self.random.randrange(hosts)
        return f"{network}:{last:x}" if ":" in network else f"{network}.{last}"

    def _delete_pod(self) -> list[Change]:
        found = self._some("Pod")
        return [("delete", found)] if found else []

    def _replace_pod(self) -> list[Change]:
        """Deleted and made anew under the same name at once, elsewhere and with other wishes."""
        found = self._some("Pod")
        if found is None or "ownerReferences" in found["metadata"]:
            return []
        return [("delete", found), ("put", self._pod(found["metadata"]["name"], found["metadata"]["namespace"]))]

    # -- StatefulSets -------------------------------------------------------------------------------------------------

    def _change_statefulset(self) -> list[Change]:
        name = self.random.choice(["web", "db"])
        known = self.documents.get(f"StatefulSet/ns2/{name}")
        if known is not None and self.random.random() < 0.2:
            return [("delete", known)]
        return [("put", statefulset(name, self.random.randrange(5), self.random.choice([0, 0, 0, 1])))]

    def _make_member(self) -> list[Change]:
        """The pod of an ordinal that is wanted and not there."""
        found = self._some("StatefulSet")
        if found is None:
            return []
        name, spec = found["metadata"]["name"], found["spec"]
        start = spec["ordinals"]["start"]
        missing = [n for n in range(start, start + spec["replicas"]) if f"Pod/ns2/{name}-{n}" not in self.documents]
        if not missing:
            return []
        document = self._pod(f"{name}-{missing[0]}", "ns2")
        owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": f"uid-{name}", "controller": True}
        document["metadata"] |= {"annotations": {}, "ownerReferences": [owner]}
        return [("put", document)]

    def _delete_member(self) -> list[Change]:
        members = [document for document in self.of_kind("Pod") if "ownerReferences" in document["metadata"]]
        return [("delete", self.random.choice(members))] if members else []

    # -- subnets, pools, virtual addresses ----------------------------------------------------------------------------

    def _change_vips(self) -> list[Change]:
        name = f"v{self.random.randrange(4)}"
        if (known := self.documents.get(f"Vip/{name}")) is not None:
            return [("delete", known)]
        spec: Document = {"subnet": self.random.choice(["dual", "small", "right"])}
        if spec["subnet"] == "dual" and self.random.random() < 0.5:
            spec |= {"v4ip": f"10.2.0.{self.random.randrange(64)}"}
        return [("put", {"apiVersion": _V1, "kind": "Vip", "metadata": {"name": name}, "spec": spec})]

    def _change_pools(self) -> list[Change]:
        name = self.random.choice(["a", "b", "c"])
        known = self.documents.get(f"IPPool/{name}")
        if known is not None and self.random.random() < 0.3:
            return [("delete", known)]
        low = self.random.randrange(8, 56)
        ips = [f"10.2.0.{low}..10.2.0.{low + self.random.randrange(8)}", f"fd00:2::{low:x}"]
        return [("put", ippool(name, "dual", ips, *self.random.choice([[], ["ns5"]])))]

    def _change_subnets(self) -> list[Change]:
        act = self.random.choice([self._exclude, self._grow, self._another, self._no_other])
        return act()

    def _exclude(self) -> list[Change]:
        name, cidr, namespaces = self.random.choice(
            [("small", "10.1.0.0/28", ["ns1"]), ("right", "10.4.0.0/28", ["ns3"])]
        )
        first = self.random.randrange(2, 12)
        network = cidr.rpartition(".")[0]
        exclude = self.random.choice([(), (f"{network}.{first}..{network}.{first + 2}",)])
        return [("put", subnet(name, cidr, *namespaces, exclude=exclude))]

    def _grow(self) -> list[Change]:
        """Or shrink, where nobody minds; and another gateway."""
        document = subnet("left", f"10.3.0.0/{self.random.choice([28, 29])}", "ns3")
        document["spec"]["gateway"] = self.random.choice(["10.3.0.1", "10.3.0.6"])
        return [("put", document)]

    def _another(self) -> list[Change]:
        number = self.random.randrange(3)
        document = subnet(f"more{number}", f"10.20.{number}.0/29", *self.random.choice([["ns1"], ["ns4"], []]))
        document["spec"] |= self._way_out(number)
        return [("put", document)]

    def _way_out(self, number: int) -> Document:
        """How a subnet leaves the fabric, by hosts that are there or not."""
        hosts = ",".join(self.random.sample([*NODES, "h9"], self.random.randrange(3)))
        centralized = {"gatewayType": "centralized", "gatewayNode": hosts, "enableEcmp": self.random.random() < 0.5}
        rules = [{"action": self.random.choice(["nat", "forward"]), "match": {"dstIPs": "192.0.2.0/24"}}]
        translated = {"natOutgoing": True, "natOutgoingPolicyRules": rules * self.random.randrange(3)}
        sent_on = {"externalEgressGateway": "192.0.2.1", "policyRoutingTableID": 1000 + number % 2}
        return self.random.choice([{}, centralized, translated, centralized | translated]) or self.random.choice(
            [{}, {**sent_on, "policyRoutingPriority": 1500}]
        )

    def _no_other(self) -> list[Change]:
        known = self.documents.get(f"Subnet/more{self.random.randrange(3)}")
        return [("delete", known)] if known else []
