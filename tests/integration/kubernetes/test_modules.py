"""Modules of objects at a real Kubernetes API: each kind, each state, and what nobody should have to guess."""

from __future__ import annotations

import contextlib
import importlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.collection import alias
from tests.support.kubernetes import ADMIN, CONTROLLER, WEBHOOK, KubeSandbox, find_programs, free_port
from tests.support.module import run_module, succeeded
from tests.support.ovn import ROOT
from weft.api.generate.__main__ import EXAMPLES
from weft.api.generate.modules import MODULES, fields, to_options
from weft.api.kinds import KINDS

SUBNETS = [{"name": f"blue-{number}", "cidr_block": f"10.{number}.0.0/16", "vpc": "test"} for number in range(1, 6)]


@pytest.fixture(scope="module")
def kube() -> Iterator[KubeSandbox]:
    """An API of its own: `overridden` deletes whatever others have in one."""
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def at(kube: KubeSandbox) -> dict[str, Any]:
    """The connection's options; the API has the kinds."""
    kube.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "roles/crds/files"))
    kube.kubectl("wait", "--for=condition=Established", "crd", "--all")
    return {"kubeconfig": str(kube.kubeconfig())}


@pytest.fixture(autouse=True)
def _nothing_is_left(at: dict[str, Any], kube: KubeSandbox) -> Any:
    yield
    for module in ("subnets", "vpcs"):
        run_module(module, config=[], state="overridden", delete_system=True, **at)


def _item(kind: str) -> dict[str, Any]:
    document = yaml.safe_load((ROOT / EXAMPLES / f"{kind.lower()}.yml").read_text())
    metadata = {key: value for key, value in document["metadata"].items() if key in ("name", "namespace")}
    return {**metadata, **to_options(fields(KINDS[kind]), document["spec"])}


@pytest.mark.parametrize("name", MODULES.values())
def test_examples_are_what_the_api_takes(at: dict[str, Any], name: str) -> None:
    alias()
    for task in yaml.safe_load(importlib.import_module(f"plugins.modules.{name}").EXAMPLES):
        succeeded(name, check=True, **task[f"weft.ovn.{name}"], **at)


def test_check_mode_asks_the_api_and_writes_nothing(kube: KubeSandbox, at: dict[str, Any]) -> None:
    wrong = [*SUBNETS, {"name": "broken", "cidr_block": "10.300.0.0/16"}]
    result = run_module("subnets", check=True, config=wrong, **at)
    assert result["failed"]
    assert "broken" in result["refused"]
    assert "spec.cidrBlock" in result["msg"]
    assert "1 of 6 changes refused (the others are possible)" in result["msg"]
    assert succeeded("subnets", state="gathered", **at)["gathered"] == []


def test_what_is_refused_does_not_hold_up_the_others(at: dict[str, Any]) -> None:
    result = run_module("subnets", config=[*SUBNETS, {"name": "broken", "cidr_block": "10.300.0.0/16"}], **at)
    assert result["failed"]
    assert len(result["changes"]) == len(SUBNETS)
    assert list(result["refused"]) == ["broken"]
    assert {item["name"] for item in result["after"]} == {item["name"] for item in SUBNETS}


def test_overridden_leaves_what_the_fabric_was_born_with(at: dict[str, Any]) -> None:
    system = [{"name": "ovn-default", "cidr_block": "10.16.0.0/16"}, {"name": "join", "cidr_block": "100.64.0.0/16"}]
    succeeded("subnets", config=[*SUBNETS, *system], **at)
    result = succeeded("subnets", config=SUBNETS[:2], state="overridden", **at)
    assert {change["name"] for change in result["changes"]} == {item["name"] for item in SUBNETS[2:]}
    left = {item["name"] for item in succeeded("subnets", state="gathered", **at)["gathered"]}
    assert left == {"blue-1", "blue-2", "ovn-default", "join"}


def test_a_field_is_changed_and_the_others_stay(kube: KubeSandbox, at: dict[str, Any]) -> None:
    succeeded("subnets", config=[{**SUBNETS[0], "mtu": 1400, "exclude_ips": ["10.1.0.9"]}], **at)
    result = succeeded("subnets", config=[{"name": "blue-1", "mtu": 1300}], **at)
    assert result["diff"]["before"]["blue-1"]["mtu"] == 1400
    assert result["diff"]["after"]["blue-1"]["mtu"] == 1300
    spec = json.loads(kube.kubectl("get", "subnet", "blue-1", "--output=json"))["spec"]
    assert spec["excludeIps"] == ["10.1.0.9"]
    succeeded("subnets", config=[SUBNETS[0]], state="replaced", **at)
    assert "mtu" not in json.loads(kube.kubectl("get", "subnet", "blue-1", "--output=json"))["spec"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"config": [SUBNETS[0], SUBNETS[0]]}, "config: more than once in the list: blue-1"),
        ({"config": [{"cidr_block": "10.0.0.0/8"}]}, "missing required arguments: name"),
        ({"config": [{"name": "a", "cidrBlock": "10.0.0.0/8"}]}, "Unsupported parameters"),
        ({"config": [{"name": "a", "gateway_type": "other"}]}, "distributed, centralized"),
        ({"state": "merged"}, "config"),
        ({"config": [{"name": "Not A Name", "cidr_block": "10.1.0.0/16"}]}, "Not A Name"),
    ],
)
def test_wrong_input(at: dict[str, Any], options: dict[str, Any], words: str) -> None:
    result = run_module("subnets", **options, **at)
    assert result["failed"]
    assert words in result["msg"]


def test_an_api_that_is_not_there(tmp_path: Any) -> None:
    url = f"https://127.0.0.1:{free_port()}"
    result = run_module("subnets", config=SUBNETS, host=url, validate_certs=False, api_key="secret-token")
    assert result["failed"]
    assert result["msg"].startswith(f"{url}: no answer:")
    assert "secret-token" not in json.dumps(result)
    result = run_module("subnets", config=SUBNETS, kubeconfig=str(tmp_path / "none"))
    assert "kubeconfig" in result["msg"]


def test_who_may_not(kube: KubeSandbox) -> None:
    item = {**_item("BgpConf"), "password": "not-to-be-shown"}
    result = run_module("bgp_configs", config=[item], kubeconfig=str(kube.kubeconfig(CONTROLLER)))
    assert result["failed"]
    assert 'cannot list resource "bgp-confs"' in result["msg"]
    assert "not-to-be-shown" not in json.dumps(result)


@pytest.fixture(scope="module")
def reader(kube: KubeSandbox) -> dict[str, Any]:
    """The connection of somebody who may look at subnets and do no more, by a token."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "looker"}}
    kube.apply({**role, "rules": [{"apiGroups": ["kubeovn.io"], "resources": ["subnets"], "verbs": ["get", "list"]}]})
    kube.kubectl("create", "clusterrolebinding", "looker", "--clusterrole=looker", f"--user={WEBHOOK}")
    return {"host": kube.url, "ca_cert": str(kube.ca_cert), "api_key": kube.tokens[WEBHOOK]}


@pytest.mark.parametrize(
    "names",
    [
        ("K8S_AUTH_KUBECONFIG",),
        ("KUBECONFIG",),
        ("K8S_AUTH_HOST", "K8S_AUTH_API_KEY", "K8S_AUTH_SSL_CA_CERT"),
        ("K8S_AUTH_HOST", "K8S_AUTH_API_KEY", "K8S_AUTH_VERIFY_SSL"),
    ],
    ids=", ".join,
)
def test_the_environment_of_kubernetes_core(
    at: dict[str, Any], reader: dict[str, Any], names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "K8S_AUTH_KUBECONFIG": at["kubeconfig"],
        "KUBECONFIG": at["kubeconfig"],
        "K8S_AUTH_HOST": reader["host"],
        "K8S_AUTH_API_KEY": reader["api_key"],
        "K8S_AUTH_SSL_CA_CERT": reader["ca_cert"],
        "K8S_AUTH_VERIFY_SSL": "false",
    }
    for name, value in values.items():
        if name in names:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
    assert succeeded("subnets", state="gathered")["gathered"] == []


@pytest.mark.parametrize("check", [True, False])
def test_who_may_look_and_not_write(at: dict[str, Any], reader: dict[str, Any], check: bool) -> None:
    assert succeeded("subnets", state="gathered", **reader)["gathered"] == []
    result = run_module("subnets", check=check, config=SUBNETS[:2], **reader)
    assert result["msg"].startswith("Subnet: 2 of 2 changes refused: blue-1: ")
    assert f'User "{WEBHOOK}" cannot create resource "subnets"' in result["refused"]["blue-2"]
    assert (result["changed"], result["changes"]) == (False, [])
    assert reader["api_key"] not in json.dumps({**result, "invocation": {}})


def test_a_plan_that_cannot_be_made_stops_the_task_before_it_writes(at: dict[str, Any], reader: dict[str, Any]) -> None:
    result = run_module("subnets", planned=True, config=SUBNETS, **reader)
    assert "cannot list resource" in result["msg"]
    result = run_module("subnets", planned=True, config=SUBNETS, weftctl="/nowhere/weftctl", **at)
    assert result["failed"]
    assert result["msg"].startswith("planned: /nowhere/weftctl: cannot be run: No such file or directory")
    assert succeeded("subnets", state="gathered", **at)["gathered"] == []


def test_several_kinds_of_which_one_is_refused(at: dict[str, Any]) -> None:
    documents = [
        {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": "shop"}, "spec": spec}
        for kind, spec in (("Vpc", {}), ("Subnet", {"cidrBlock": "10.300.0.0/16"}), ("IPPool", {"subnet": "shop"}))
    ]
    result = run_module("resources", config=documents, **at)
    assert result["failed"]
    assert result["msg"].startswith("Subnet: 1 of 1 changes refused: shop: ")
    assert "spec.cidrBlock" in result["refused"]["shop"]
    assert [(change["kind"], change["action"]) for change in result["changes"]] == [("Vpc", "created")]


def test_a_password_is_stored_and_not_shown(kube: KubeSandbox, at: dict[str, Any]) -> None:
    item = {**_item("BgpConf"), "name": "secret", "password": "not-to-be-shown"}
    result = succeeded("bgp_configs", config=[item], **at)
    assert "not-to-be-shown" not in json.dumps(result)
    assert "not-to-be-shown" in kube.kubectl("get", "bgp-conf", "secret", "--output=yaml")
    assert "not-to-be-shown" not in json.dumps(succeeded("bgp_configs", state="gathered", **at))
    succeeded("bgp_configs", config=[{"name": "secret"}], state="deleted", **at)


def test_wait_says_what_it_waits_for(at: dict[str, Any]) -> None:
    result = run_module("subnets", config=SUBNETS[:1], wait=True, wait_timeout=1, **at)
    assert result["failed"]
    assert "blue-1: nobody has looked at it yet" in result["msg"]


@contextlib.contextmanager
def _killed_after(kube: KubeSandbox, writes: int) -> Iterator[None]:
    """The API server dies within the block, when so many more writes were made; after it there is one again."""
    before = len(kube.audit_writes(user=ADMIN))

    def kill() -> None:
        while len(kube.audit_writes(user=ADMIN)) < before + writes:
            time.sleep(0.02)
        kube.kill_apiserver()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
        kube.start_apiserver()


def test_an_api_that_goes_away_while_it_is_waited_for(kube: KubeSandbox, at: dict[str, Any]) -> None:
    """What was written is told all the same."""
    with _killed_after(kube, 2):
        result = run_module("subnets", config=SUBNETS[:2], wait=True, **at)
    assert result["msg"].startswith(f"Subnet: written, but not waited for: {kube.url}: no answer: ")
    assert [change["name"] for change in result["changes"]] == ["blue-1", "blue-2"]


def test_an_api_that_goes_away_while_it_is_written_to(kube: KubeSandbox, at: dict[str, Any]) -> None:
    """What was made is told, and what may have been made; the rest was not, and another run makes it."""
    vips = [{"name": f"v{number}", "subnet": "blue-1"} for number in range(800)]
    with _killed_after(kube, 50):
        result = run_module("vips", config=vips, **at)
    assert result["msg"].startswith("Vip: ")
    assert f" of {len(vips)} changes refused (the others are made): " in result["msg"]
    made = {change["name"] for change in result["changes"]}
    unsure = {name for name, why in result["refused"].items() if "it may be done or not" in why}
    there = {item["name"] for item in succeeded("vips", state="gathered", **at)["gathered"]}
    assert made
    assert made <= there <= made | unsure
    assert made | set(result["refused"]) == {item["name"] for item in vips}
    again = succeeded("vips", config=vips, **at)
    assert {change["name"] for change in again["changes"]} == {item["name"] for item in vips} - there
    succeeded("vips", config=[], state="overridden", **at)
