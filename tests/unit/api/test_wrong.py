"""What is wrong with a document is said in words that name the object, the field, the value and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.examples import OURS, Absent, changed, example
from tests.support.wrong import WRONG, Wrong
from weft.api.base import Resource
from weft.api.documents import load_documents, parse_document
from weft.api.kinds import KINDS
from weft.api.problem import InvalidError

ROWS = [pytest.param(kind, wrong, id=f"{kind} {wrong}") for kind, rows in WRONG.items() for wrong in rows]


def _problems(document: dict[str, Any], source: str = "net.yml:7") -> list[str]:
    with pytest.raises(InvalidError) as caught:
        parse_document(document, source)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("kind", OURS)
def test_the_example_is_accepted_and_kept_as_it_was_given(kind: str) -> None:
    assert parse_document(example(kind)).spec_document() == example(kind)["spec"]


@pytest.mark.parametrize(("kind", "wrong"), ROWS)
def test_a_wrong_document_is_refused(kind: str, wrong: Wrong) -> None:
    document = changed(kind, wrong.path, wrong.value)
    if wrong.path.startswith("metadata."):
        assert [problem.partition(": metadata.")[2] for problem in _problems(document)] == [
            f"{wrong.blamed.removeprefix('metadata.')}: {wrong.message}"
        ]
        return
    ref = parse_document(example(kind)).ref
    assert _problems(document) == [f"net.yml:7: {ref}: {wrong.blamed}: {wrong.message}"]


def test_there_are_wrong_documents_of_every_kind() -> None:
    assert WRONG.keys() == set(OURS)
    assert len(ROWS) >= 60


@pytest.mark.parametrize(("kind", "wrong"), ROWS)
def test_a_message_is_one_line_that_can_be_read(kind: str, wrong: Wrong) -> None:
    for problem in _problems(changed(kind, wrong.path, wrong.value)):
        assert problem.isprintable()
        assert len(problem) < 600


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("place", ["", "spec"])
def test_an_unknown_field_is_named(kind: str, place: str) -> None:
    path = f"{place}.bogus" if place else "bogus"
    assert _problems(changed(kind, path, 1), "") == [f"{parse_document(example(kind)).ref}: {path}: no such field"]


@pytest.mark.parametrize("value", [None, 3, "text", [], True], ids=repr)
@pytest.mark.parametrize("kind", OURS)
def test_a_spec_is_a_mapping(kind: str, value: Any) -> None:
    document = changed(kind, "spec", value)
    if value is None and not KINDS[kind].model_fields["spec"].is_required():
        assert parse_document(document).spec_document() == {}
        return
    assert all(": spec: " in problem for problem in _problems(document))


def test_null_is_as_if_the_field_were_absent() -> None:
    document = changed("Subnet", "spec.private", None)
    document["metadata"]["labels"] = None
    assert "private" not in parse_document(document).spec_document()


# -- hostile texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        pytest.param("a\nb", r"'a\nb'", id="line break"),
        pytest.param("\x1b[31m", r"'\x1b[31m'", id="terminal's colours"),
        pytest.param("\u202egnp.exe", r"'\u202egnp.exe'", id="right to left"),
        pytest.param("k" * 1000, f"'{'k' * 118}…", id="giant"),
        pytest.param("ключ", "ключ", id="another script"),
    ],
)
def test_a_hostile_field_name_cannot_break_the_message(key: str, shown: str) -> None:
    document = example("Vlan")
    document["spec"][key] = 1
    assert _problems(document, "") == [f"Vlan/vlan204: spec.{shown}: no such field"]


def test_a_hostile_object_name_cannot_break_the_message() -> None:
    problems = _problems(changed("Vlan", "metadata.name", "a\nVlan/b: all is well"), "")
    assert problems[0].startswith(r"Vlan/'a\nVlan/b: all is well': metadata.name: ")


def test_no_message_shows_a_password() -> None:
    for path, kind in (("spec.password", "BgpConf"), ("spec.bgpSpeaker.password", "VpcNatGateway")):
        assert "hunter2" not in "".join(_problems(changed(kind, path, "hunter2" * 20)))


def test_a_number_too_big_to_be_written_out_is_refused() -> None:
    document = changed("Vlan", "spec.id", 1 << 20_000)
    assert _problems(document, "") == [
        "Vlan/vlan204: spec.id: a number of 20001 bits: Input should be less than or equal to 4095"
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 20_000 + "]" * 20_000, id="deep lists"),
        pytest.param("{a: " * 20_000 + "}" * 20_000, id="deep mappings"),
        pytest.param("[" * 20_000, id="deep and not closed"),
        pytest.param("kind: " + "[" * 20_000 + "]" * 20_000, id="deep kind"),
        pytest.param(
            "apiVersion: kubeovn.io/v1\nkind: VpcNatGateway\nmetadata: {name: a}\nspec:\n  affinity: "
            + "{a: " * 5_000
            + "}" * 5_000,
            id="deep where anything is allowed",
        ),
        pytest.param("a: &a [*a]\nkind: Vpc\napiVersion: kubeovn.io/v1\n", id="a list in itself"),
        pytest.param(
            "apiVersion: kubeovn.io/v1\nkind: Vpc\nmetadata: {name: a}\nspec: &s\n  bfdPort: *s\n",
            id="a spec in itself",
        ),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
            "d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\n"
            "g: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nkind: [*g,*g,*g,*g,*g,*g,*g,*g]",
            id="a billion laughs",
        ),
        pytest.param("a: 0x" + "f" * 100_000, id="giant number"),
        pytest.param('kind: "\\ud800"', id="half a character"),
        pytest.param("kind: !!python/object/apply:os.system [reboot]", id="a call"),
        pytest.param("? [a, b]\n: c\n", id="a list for a key"),
        pytest.param("kind: Vpc\napiVersion: kubeovn.io/v1\nmetadata: {1: 2}\n", id="a number for a key"),
        pytest.param("spec: !!set {a, b}\nkind: Vpc\napiVersion: kubeovn.io/v1\n", id="a set"),
        pytest.param("\x00", id="zero"),
        pytest.param("%YAML 9.9\n--- a\n", id="another YAML"),
    ],
)
def test_a_hostile_text_is_a_problem_and_no_crash(text: str) -> None:
    loaded = load_documents(text, "net.yml")
    assert loaded.documents == []
    assert loaded.problems
    assert all(len(str(problem)) < 2000 and str(problem).isprintable() for problem in loaded.problems)


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "path", "value", "problem"),
    [
        ("IP", "spec.subnet", "other", "spec.subnet: 'other': cannot be changed from 'subnet1'"),
        ("IP", "spec.subnet", Absent, "spec.subnet: '': cannot be changed from 'subnet1'"),
        ("Vip", "spec.subnet", "other", "spec.subnet: 'other': cannot be changed from 'ovn-default'"),
        ("IPPool", "spec.subnet", "other", "spec.subnet: 'other': cannot be changed from 'ovn-default'"),
        ("OvnEip", "spec.type", "lrp", "spec.type: 'lrp': cannot be changed from 'nat'"),
        (
            "OvnEip",
            "spec.externalSubnet",
            "extra",
            "spec.externalSubnet: 'extra': cannot be changed from 'external204'",
        ),
        (
            "IptablesEIP",
            "spec.externalSubnet",
            "other",
            "spec.externalSubnet: 'other': cannot be changed from 'ovn-vpc-external-network'",
        ),
        (
            "DNSNameResolver",
            "spec.name",
            "www.example.org.",
            "spec.name: 'www.example.org.': cannot be changed from '*.example.com.'",
        ),
    ],
)
def test_what_cannot_be_changed(kind: str, path: str, value: Any, problem: str) -> None:
    old, new = parse_document(example(kind)), parse_document(changed(kind, path, value))
    assert [f"{p.field}: {p.message}" for p in new.changes(old)] == [problem]
    assert list(new.changes(new)) == []


def test_what_was_not_given_can_be_given() -> None:
    prefix = "spec.prefix"
    bare, named = parse_document(example("VpcEgressGateway")), parse_document(changed("VpcEgressGateway", prefix, "a-"))
    other = parse_document(changed("VpcEgressGateway", prefix, "b-"))
    assert list(named.changes(bare)) == []
    assert [p.message for p in other.changes(named)] == ["'b-': cannot be changed from 'a-'"]


def test_an_object_of_a_kind_without_a_spec_of_ours_has_nothing_fixed() -> None:
    pod: Resource = parse_document({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})
    assert list(pod.changes(pod)) == []
