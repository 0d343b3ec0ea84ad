"""Surveys of AWX from argument specs."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible", reason="needs ansible-core (make venv)")

from ansible.errors import AnsibleFilterError

from plugins.filter.awx import awx_survey


@pytest.mark.parametrize(
    ("option", "question"),
    [
        (
            {"type": "str", "required": True, "description": "Its name, as O(other) or V(x)."},
            {"type": "text", "required": True, "default": "", "question_description": "Its name, as other or x."},
        ),
        ({"type": "path", "default": "/var"}, {"type": "text", "required": False, "default": "/var"}),
        ({"type": "int", "default": 120}, {"type": "integer", "default": 120, "choices": [], "max": None}),
        ({"type": "bool", "default": False}, {"type": "multiplechoice", "default": "false", "required": False}),
        ({"type": "bool", "default": True}, {"default": "true", "choices": ["false", "true"]}),
        (
            {"type": "str", "choices": ["refuse", "drain"], "default": "refuse", "description": ["One.", "Two."]},
            {"type": "multiplechoice", "choices": ["refuse", "drain"], "question_description": "One. Two."},
        ),
    ],
)  # fmt: skip
def test_question(option: dict[str, Any], question: dict[str, Any]) -> None:
    (found,) = awx_survey({"operation_host": option})["spec"]
    assert found["variable"] == "operation_host"
    assert found["question_name"] == "Operation host"
    assert question.items() <= found.items()


@pytest.mark.parametrize("option", [{"type": "list", "elements": "str"}, {"type": "str", "no_log": True}])
def test_what_a_survey_cannot_ask_for(option: dict[str, Any]) -> None:
    with pytest.raises(AnsibleFilterError, match="option names: a survey cannot ask for it"):
        awx_survey({"names": option})


def test_no_options_no_questions() -> None:
    assert awx_survey(None)["spec"] == []
