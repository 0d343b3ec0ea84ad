"""The operations of a fabric in AWX: what the playbook makes there, by the modules of awx.awx and what they send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.support.awx import Awx, awx
from tests.support.play import CHECKOUT, Play, play

SPECS: dict[str, Any] = yaml.safe_load((CHECKOUT / "roles/operation/meta/argument_specs.yml").read_text())[
    "argument_specs"
]
GIVEN = {"awx_project_url": "https://git.example.org/fabric.git", "awx_credentials": ["lab SSH"]}


def run(server: Awx, *arguments: str) -> Play:
    server.writes.clear()
    environment = {"CONTROLLER_HOST": server.url, "CONTROLLER_OAUTH_TOKEN": "a-token-that-nobody-sees"}
    done = play("playbooks/awx.yml", *arguments, variables=GIVEN, environment=environment).succeeded()
    assert "a-token-that-nobody-sees" not in done.text
    return done


def test_operations_in_awx() -> None:
    with awx() as server:
        assert run(server).changed["localhost"] > 0
        templates = server.named("job_templates")
        for name, entry in SPECS.items():
            title = f"Weft: {name.replace('_', ' ')}"
            assert (CHECKOUT / templates[title]["playbook"]).is_file()
            asked = {question["variable"]: question for question in server.survey("job_templates", title)}
            assert asked.keys() == entry.get("options", {}).keys(), title
            for option, question in asked.items():
                assert question["required"] is entry["options"][option].get("required", False), option
        (workflow,) = server.named("workflow_job_templates").values()
        nodes = server.named("workflow_job_template_nodes")
        assert {node["workflow_job_template"] for node in nodes.values()} == {workflow["id"]}
        assert server.linked[nodes["backup"]["related"]["success_nodes"]] == [nodes["site"]["id"]]
        assert Path(CHECKOUT / server.named("inventory_sources")["Weft"]["source_path"]).exists()

        assert run(server).changed["localhost"] == 0
        assert server.writes == []

        assert run(server, "--check", "--extra-vars", "awx_project_branch=v2").changed["localhost"] == 1
        assert server.writes == []
