"""weft-webhook as a process beside a sandbox of a Kubernetes API, and the role's registration of it there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any

from tests.support.kubernetes import WEBHOOK, KubeSandbox, free_port
from tests.support.ovn import ROOT
from tests.support.play import Play, play
from tests.support.tls import self_signed

RBAC = ROOT / "roles/webhook/files/rbac.yaml"


class WebhookProcess:
    """The program with a configuration of its own; `log` is what it said."""

    def __init__(self, kube: KubeSandbox, folder: Path) -> None:
        self.kube = kube
        self.folder = folder
        self.port, self._metrics = free_port(), free_port()
        self.log = folder / "webhook.log"
        self._process: subprocess.Popen[bytes] | None = None
        certificate, key = self_signed("127.0.0.1")
        self.certificate = certificate
        (folder / "webhook.crt").write_bytes(certificate)
        (folder / "webhook.key").write_bytes(key)
        (folder / "webhook.toml").write_text(
            f'listen = "127.0.0.1:{self.port}"\n'
            f'[kubernetes]\nkubeconfig = "{kube.kubeconfig(WEBHOOK)}"\n'
            f'[tls]\ncertificate = "{folder}/webhook.crt"\nprivate_key = "{folder}/webhook.key"\n'
            f'[metrics]\nlisten = "127.0.0.1:{self._metrics}"\n'
        )
        kube.kubectl("apply", "--server-side", "--filename", str(RBAC))

    def start(self) -> None:
        command = (sys.executable, "-m", "weft.webhook.main", "--config", str(self.folder / "webhook.toml"))
        with self.log.open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "services")}
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._until_ready()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(10) == 0, self.log.read_text()
            self._process = None

    def page(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def reviews(self, **labels: str) -> int:
        """How many objects were judged, of one kind, operation or verdict."""
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        lines = self.page("/metrics")[1].splitlines()
        found = [line for line in lines if line.startswith("weft_webhook_reviews_total{")]
        return sum(int(float(line.rpartition(" ")[2])) for line in found if all(label in line for label in wanted))

    def register(self, *arguments: str, **variables: Any) -> Play:
        """By the role's own tasks."""
        path = self.folder / "register.yml"
        role = {"name": "weft.ovn.webhook", "tasks_from": "register"}
        given = {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "webhook_host": "127.0.0.1",
            "webhook_port": self.port,
            "webhook_ca_bundle": b64encode(self.certificate).decode(),
            "webhook_kubernetes_admin_kubeconfig": str(self.kube.kubeconfig()),
            **variables,
        }
        tasks = [{"ansible.builtin.import_role": role}]
        head = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": given}
        path.write_text(json.dumps([{**head, "tasks": tasks}]))
        return play(path, "--inventory=localhost,", *arguments).succeeded()

    def _until_ready(self) -> None:
        end = time.monotonic() + 20
        said = "no answer"
        while time.monotonic() < end:
            try:
                status, said = self.page("/readyz")
                if status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"not ready: {said}\n{self.log.read_text()[-3000:]}")
