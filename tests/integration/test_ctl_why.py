"""why and explain: what keeps an object from being ready; who made a row, and what became of it."""

from __future__ import annotations

import time

import pytest

from tests.integration.controller.documents import NAMESPACES, SUBNET, join, pod
from tests.support.ctl import Weftctl
from tests.support.fabric import Fabric


async def _paused(made: Fabric, paused: bool) -> None:
    await made.client.commit([{"op": "update", "table": "Fabric", "where": [], "row": {"paused": paused}}])


async def test_why_a_pod_is_not_ready_and_then_is(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("web"), pod("nowhere", node="")))
        await made.settled(controller)
        said = await ctl("why", "pod/web", "-n", "ns1")
        assert said.code == 1
        assert said.lines[0] == "Pod/ns1/web: not ready"
        assert "  - port web.ns1 is not bound on host h1" in said.lines
        assert "  - host h1 has never reported: does weft-agent run there? Known are: none" in said.lines
        said = await ctl("why", "Pod/ns1/nowhere")
        assert "  - it has no host yet: nothing has scheduled it (spec.nodeName)" in said.lines

        problems = [
            "map",
            [
                ["port/web.ns1", "no such bridge: br-int"], ["port/other.ns1", "x"],
                ["shaping/web.ns1", "latency: no effect"], ["shaping/other.ns1", "x"],
            ],
        ]  # fmt: skip
        await made.add_host("h1", last_seen=int(time.time()) - 600, problems=problems)
        said = await ctl("why", "Pod/ns1/web")
        assert "  - host h1 says: port/web.ns1: no such bridge: br-int" in said.lines
        assert "  - host h1 has been silent for 10m: does weft-agent run there?" in said.lines
        assert "other.ns1" not in said.out
        assert (await ctl("why", "host/h1")).code == 1

        made.ovn.nbctl("set", "Logical_Switch_Port", "web.ns1", "up=true")
        await made.settled(controller)
        assert "    host h1 says: shaping/web.ns1: latency: no effect" in (await ctl("why", "Pod/ns1/web")).lines
        assert (await ctl("why", "subnet/subnet1")).lines[0] == "Subnet/subnet1: ready"


def launcher(name: str, node: str) -> str:
    """A pod in which the virtual machine `vm` runs."""
    maker = "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, name: vm, uid: u1, controller: true}"
    text = pod(name, node=node)
    return text.replace("annotations: {}", f"annotations: {{}}, ownerReferences: [{maker}]")


async def test_why_of_a_virtual_machine_and_of_its_pods(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    machine = "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: vm, namespace: ns1}"
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, machine))
        await made.settled(controller)
        said = await ctl("why", "vm/vm", "-n", "ns1")
        assert said.lines == [
            "VirtualMachine/ns1/vm: not ready",
            "  - no pod runs it: it is stopped, or nothing has made its pod",
        ]
        problems = ["map", [["ovn-controller", "ovn-controller is not connected to the Southbound database"]]]
        since = int(time.time()) - 3 * 3600 - 60
        await made.add_host("h1", last_seen=int(time.time()), ready=False, ready_since=since, problems=problems)
        await made.apply(launcher("virt-launcher-vm-1", "h1"))
        await made.settled(controller)
        for words in (("vm/vm", "-n", "ns1"), ("pod/virt-launcher-vm-1", "-n", "ns1")):
            said = await ctl("why", *words)
            assert said.code == 1
            assert "  - port vm.ns1 is not bound on host h1" in said.lines
            assert "  - host h1 says that it is not ready for 3h: see weftctl node h1" in said.lines
            assert "Southbound database; what to do: systemctl status ovn-controller there" in said.out
        assert (
            "    it runs VirtualMachine/ns1/vm, whose ports it has: see weftctl why VirtualMachine/ns1/vm" in said.lines
        )

        made.ovn.nbctl("set", "Logical_Switch_Port", "vm.ns1", "up=true")
        await made.apply(launcher("virt-launcher-vm-2", "h2"))
        await made.settled(controller)
        said = await ctl("why", "vm/vm", "-n", "ns1")
        assert said.code == 0, said.out
        assert "    it runs in Pod/ns1/virt-launcher-vm-2 on host h2" in said.lines
        assert "    it moves from h1 to h2: its port is bound where it announced itself last" in said.lines
        await made.delete("VirtualMachine/ns1/vm")
        await made.settled(controller)
        assert "    the store has no such object; its pods name it" in (await ctl("why", "vm/ns1/vm")).lines


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        ("Vip", "{subnet: nowhere}", "waits for Subnet/nowhere, which does not exist"),
        ("IPPool", "{subnet: nowhere, ips: [10.9.0.9]}", "waits for Subnet/nowhere, which does not exist"),
        ("Vip", "{subnet: subnet1, v4ip: 10.66.0.1}", "10.66.0.1 is the gateway"),
    ],
)
async def test_why_of_what_a_subnet_has(made: Fabric, kind: str, spec: str, text: str) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET))
        await made.settled(controller)
        await made.apply(f"apiVersion: kubeovn.io/v1\nkind: {kind}\nmetadata: {{name: odd}}\nspec: {spec}")
        await made.settled(controller)
        said = await ctl("why", f"{kind}/odd")
        assert said.code == 1
        assert text in said.out


@pytest.mark.parametrize(
    ("document", "ref", "text"),
    [
        ("metadata: {name: s}\nspec: {cidrBlock: 10.9.0.0/24, vpc: nowhere}", "subnet/s", "waits for Vpc/nowhere"),
        ("metadata: {name: s}\nspec: {cidrBlock: 10.66.1.0/24}", "subnet/s", "alarm rejected/Subnet/s"),
    ],
)
async def test_why_names_what_it_waits_for(made: Fabric, document: str, ref: str, text: str) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET))
        await made.settled(controller)
        await made.apply(f"apiVersion: kubeovn.io/v1\nkind: Subnet\n{document}")
        await made.settled(controller)
        said = await ctl("why", ref)
        assert said.code == 1
        assert text in said.out


async def test_why_knows_the_controllers_reasons(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    made.ovn.nbctl("ls-add", "other", "--", "lsp-add", "other", "taken.ns1")
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("taken")))
        await made.settled(controller)
        said = await ctl("why", "Pod/ns1/taken")
        assert "alarm refused/Pod/ns1/taken" in said.out
        assert "the next try is at" in said.out
        await _paused(made, True)
        await made.settled(controller)
        assert "alarm paused: all commits are paused" in (await ctl("why", "Pod/ns1/taken")).out
    assert (await ctl("why", "Pod/ns1/absent")).lines[-1].startswith("  - ")
    assert "it does not exist in the store" in (await ctl("why", "Pod/ns1/absent")).out


async def test_explain_what_an_object_owns_and_who_made_a_row(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("web")))
        await made.settled(controller)
    rows = (await ctl("explain", "pod/web", "-n", "ns1", "-o", "json")).document["rows"]
    assert [(row["database"], row["table"], row["name"], row["differs"]) for row in rows] == [
        ("OVN_Northbound", "Logical_Switch_Port", "web.ns1", []),
        ("Weft", "Port", "web.ns1", []),
    ]
    for words in ((rows[0]["uuid"],), ("Logical_Switch_Port", "web.ns1")):
        said = await ctl("explain", *words)
        assert said.lines[:2] == [
            f"OVN_Northbound Logical_Switch_Port web.ns1 {rows[0]['uuid']}",
            "  made by Pod/ns1/web",
        ]
    assert "    name: web.ns1" in said.lines


async def test_explain_what_somebody_did_to_a_row(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("web"), pod("gone")))
        await made.settled(controller)
    made.ovn.nbctl("lsp-set-addresses", "web.ns1", "0a:00:00:00:00:01 10.66.9.9")
    made.ovn.nbctl("lsp-del", "gone.ns1")
    made.ovn.nbctl("remove", "Logical_Switch", "subnet1", "external_ids", "weft-owner")
    said = await ctl("explain", "Pod/ns1/web")
    assert any(line.startswith("  differs: addresses: [0a:00:00:00:00:01 10.66.9.9] -> ") for line in said.lines)
    assert "changed by: not known (OVSDB keeps no author)" in said.lines[-1]
    assert "The fabric's own last writer was c1, in epoch 1" in said.lines[-1]
    assert "missing: Logical_Switch_Port gone.ns1" in (await ctl("explain", "Pod/ns1/gone")).out
    said = await ctl("explain", "Logical_Switch", "subnet1")
    assert said.lines[1] == "  made by Subnet/subnet1, as its uuid tells: somebody took away its mark weft-owner"


async def test_explain_rows_of_others(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    made.ovn.nbctl("ls-add", "neutron-1", "--", "set", "Logical_Switch", "neutron-1", "external_ids:neutron\\:mtu=1500")
    made.ovn.nbctl("ls-add", "ts1", "--", "set", "Logical_Switch", "ts1", "other_config:interconn-ts=ts1")
    made.ovn.nbctl("ls-add", "mine")
    async with made.controller():
        pass
    for name, words in (("neutron-1", "keys are Neutron's"), ("ts1", "keys are OVN-IC's"), ("mine", "no weft-owner")):
        said = await ctl("explain", "Logical_Switch", name)
        assert words in said.lines[1]
        assert "never touched" in said.lines[1]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["explain", "nonsense"], 2, "expected the UUID of a row, TABLE NAME, or KIND/NAME"),
        (
            ["explain", "ACL2", "x"],
            2,
            "no table that the fabric writes; allowed are ACL, Address_Set, DHCP_Options, Host",
        ),
        (["explain", "Logical_Switch", "x"], 1, "table Logical_Switch has no row of the name x"),
        (["explain", "11111111-1111-1111-1111-111111111111"], 1, "no table that the fabric writes has such a row"),
        (["why", "nonsense/x"], 2, "nonsense"),
        (["why", "subnet/a/b"], 2, "expected Subnet/NAME"),
        (["why", "pod"], 2, "expected Pod/NAMESPACE/NAME, or Pod/NAME with -n"),
    ],
)
async def test_what_cannot_be_asked(made: Fabric, words: list[str], code: int, text: str) -> None:
    async with made.controller():
        said = await Weftctl(made.ovn)(*words)
    assert (said.code, text in said.err) == (code, True), said.err


async def test_an_object_without_rows(made: Fabric) -> None:
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("big", ovn__kubernetes__io="x")))
        await made.settled(controller)
        ctl = Weftctl(made.ovn)
        assert (await ctl("explain", "subnet/none")).lines == ["Subnet/none owns no rows, and does not exist"]


async def test_with_objects_in_kubernetes_rows_are_explained_and_conditions_are_kubectls(made: Fabric) -> None:
    """As it looks there: rows, and no object in the fabric's own store."""
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await made.apply(join(NAMESPACES, SUBNET, pod("web")))
        await made.settled(controller)
    await made.client.commit([{"op": "delete", "table": "Object", "where": []}])
    said = await ctl("explain", "Logical_Switch_Port", "web.ns1")
    assert said.lines[1] == "  made by Pod/ns1/web"
    assert "kubectl describe" in said.lines[-1]
    said = await ctl("why", "Pod/ns1/web")
    assert "kubectl describe" in said.out
    assert "port web.ns1 is not bound on host h1" in said.out
