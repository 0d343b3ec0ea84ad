"""The execution environment: ansible-core, as a base image has it, and this collection's Python packages, nothing else,
in a clean virtual environment; modules from the artefact.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support.kubernetes import KubeSandbox, find_programs
from tests.support.ovn import ROOT

ITEM = {"name": "blue", "cidr_block": "10.1.0.0/16"}


@dataclass(frozen=True)
class Environment:
    """A folder with the virtual environment and the artefact; commands there see nothing of the checkout."""

    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        variables = {
            "HOME": str(self.folder),
            "PATH": f"{self.folder}/venv/bin:/usr/bin:/bin",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "LANG": "C.UTF-8",
        }
        command = [str(self.folder / "venv/bin" / program), *arguments]
        return subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, check=False)

    def play(self, tasks: list[object], *options: str) -> subprocess.CompletedProcess[str]:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        return self.run("ansible-playbook", "-i", "localhost,", "-c", "local", *options, "play.yml")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment"))
    definition = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text())
    venv.create(made.folder / "venv", with_pip=True)
    packages = str(ROOT / definition["dependencies"]["python"])
    pip = [str(made.folder / "venv/bin/pip"), "install", "--quiet", "--no-compile", "ansible-core"]
    pinned = ["--constraint", str(ROOT / "requirements/constraints.txt")]
    subprocess.run([*pip, "--requirement", packages, *pinned], check=True)
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    subprocess.run([galaxy, "collection", "build", "--output-path", str(made.folder)], cwd=ROOT, check=True)
    (artefact,) = made.folder.glob("weft-ovn-*.tar.gz")
    installed = made.run("ansible-galaxy", "collection", "install", "--no-deps", "-p", "collections", str(artefact))
    assert installed.returncode == 0, installed.stderr
    return made


@pytest.fixture(scope="module")
def kube() -> Iterator[KubeSandbox]:
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.kubectl("apply", "--server-side", "-f", str(ROOT / "roles/crds/files"))
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield sandbox


def test_modules_of_the_artefact_run_with_these_packages(environment: Environment, kube: KubeSandbox) -> None:
    task = {"weft.ovn.subnets": {"config": [ITEM], "kubeconfig": str(kube.kubeconfig())}}
    for changed in (1, 0):
        done = environment.play([task])
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"changed={changed} " in done.stdout
    assert json.loads(kube.kubectl("get", "subnet", "blue", "--output=json"))["spec"]["cidrBlock"] == "10.1.0.0/16"


def test_a_secret_is_shown_by_no_verbosity(environment: Environment, kube: KubeSandbox) -> None:
    item = {"name": "peer", "password": "not-to-be-shown"}
    options = {"config": [item], "host": kube.url, "ca_cert": str(kube.ca_cert), "api_key": "wrong-and-secret"}
    done = environment.play([{"weft.ovn.bgp_configs": options}], "-vvv")
    assert done.returncode != 0
    assert "401" in done.stdout
    assert "not-to-be-shown" not in done.stdout + done.stderr
    assert "wrong-and-secret" not in done.stdout + done.stderr


def test_a_library_that_is_missing_is_named(environment: Environment, tmp_path: Path) -> None:
    """On a host whose Python lacks it."""
    venv.create(tmp_path / "bare", with_pip=False)
    variables = json.dumps({"ansible_python_interpreter": str(tmp_path / "bare/bin/python")})
    done = environment.play([{"weft.ovn.subnets": {"config": [ITEM]}}], "-e", variables)
    assert "Failed to import the required Python library (kubernetes)" in done.stdout, done.stdout
