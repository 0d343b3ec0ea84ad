"""Whatever a document holds, it is an object or it is refused: nothing else, and never a crash.

Two ways to find the edge. From the schema of a kind: documents that are right in their structure and wrong in their
values. From its example: right documents with one thing replaced by anything.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.examples import OURS, example
from weft.api.base import Resource
from weft.api.documents import parse_document
from weft.api.generate.crd import spec_of
from weft.api.generate.schema import structural
from weft.api.kinds import KINDS
from weft.api.problem import InvalidError
from weft.topology.engine import Engine
from weft.topology.status import pending_fields

ADDRESSES = st.ip_addresses().map(str) | st.sampled_from(
    ["10.0.0.0/8", "fd00::/64", "::/0", "10.0.0.1..10.0.0.9", "", ","]
)
TEXTS = st.text(max_size=20) | ADDRESSES | st.sampled_from(["a", "web.ns1", "80", "90s", "a: b", "0a:58:00:00:00:01"])
NUMBERS = st.integers() | st.sampled_from([0, 1, -1, 65535, 65536, 2**31, 2**63, 2**64, 10**40])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXTS | st.binary(max_size=3) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of the right type, often outside of what is allowed."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            required = {
                name: values(node) for name, node in schema["properties"].items() if name in schema.get("required", ())
            }
            optional = {name: values(node) for name, node in schema["properties"].items() if name not in required}
            return st.fixed_dictionaries(required, optional=optional)
        case "object":
            return st.dictionaries(TEXTS, values(schema.get("additionalProperties", {"type": "string"})), max_size=2)
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "boolean":
            return st.booleans()
        case "integer":
            return NUMBERS
    return TEXTS


def _judge(document: Any) -> Resource | None:
    """The object, or None; anything but InvalidError fails the test. What is refused is refused with words."""
    try:
        return parse_document(document, "fuzz.yml:1")
    except InvalidError as error:
        problems = error.problems
    assert problems
    assert all(str(problem).isprintable() for problem in problems)
    return None


def _use(resource: Resource) -> None:
    """What the store and the controller do with every object."""
    stored = json.loads(json.dumps(resource.spec_document()))
    again = parse_document(
        {
            "apiVersion": resource.INFO.api_version,
            "kind": resource.INFO.kind,
            "metadata": {"name": resource.name, "namespace": resource.namespace},
            "spec": stored,
        }
    )
    assert again.spec_document() == stored
    assert list(again.changes(resource)) == []
    assert isinstance(pending_fields(resource), list)
    engine = Engine()
    engine.put(resource)
    engine.reserve(engine.take_dirty())
    engine.compile(resource.ref)
    engine.status(resource.ref)


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.parametrize("kind", OURS)
def test_documents_by_the_schema(kind: str) -> None:
    specs = values(structural(spec_of(KINDS[kind])))

    @FUZZ
    @given(specs)
    def check(spec: dict[str, Any]) -> None:
        resource = _judge({**example(kind), "spec": spec})
        if resource is not None:
            _use(resource)

    check()


@pytest.mark.parametrize("kind", OURS)
def test_the_example_with_anything_in_it(kind: str) -> None:
    @FUZZ
    @given(st.data(), ANYTHING)
    def check(data: st.DataObject, value: Any) -> None:
        document: Any = example(kind)
        here = document
        while True:
            key = data.draw(st.sampled_from(range(len(here)) if isinstance(here, list) else sorted(here)))
            if not isinstance(here[key], dict | list) or not here[key] or data.draw(st.integers(0, 2)) == 0:
                break
            here = here[key]
        here[key] = value
        resource = _judge(document)
        if resource is not None:
            _use(resource)

    check()


@FUZZ
@given(ANYTHING)
def test_anything_for_a_document(value: Any) -> None:
    assert _judge(value) is None
