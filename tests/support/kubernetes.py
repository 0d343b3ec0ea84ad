"""A sandbox of a real Kubernetes API: etcd and kube-apiserver on loopback, in a scratch folder.

No controller-manager and no scheduler run: a deleted namespace stays `Terminating`, nothing collects what an owner left
behind, and a pod has the node that the test gives it. So tests own what they create, under names of their own.

    with KubeSandbox() as kube:
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blue"}})
        kube.kubectl("get", "namespaces", user=CONTROLLER)       # refused until RBAC says otherwise
        kube.audit_writes(user=CONTROLLER)                       # []

The port and the certificate stay the same while the server is killed and started again, so clients come back by
themselves. The programs are those of `$KUBEBUILDER_ASSETS`, else what tools/kube-tools made.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.ovn import CACHE, ROOT, run
from tests.support.tls import self_signed

ADMIN = "admin"
CONTROLLER = "weft-controller"
WEBHOOK = "weft-webhook"
USERS = {ADMIN: "system:masters", CONTROLLER: "", WEBHOOK: ""}
PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
# Reads are not recorded: a log of every list would cost more than what the tests measure.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]}],
}


def find_programs() -> Path | None:
    """The folder with etcd, kube-apiserver and kubectl, or None."""
    version = re.search(r"^readonly version=(\S+)$", (ROOT / "tools/kube-tools").read_text(), re.MULTILINE)
    assert version is not None, "tools/kube-tools names no version"
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or CACHE / f"kube-{version[1]}/bin")
    return folder if all((folder / name).exists() for name in PROGRAMS) else None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class AuditWrite:
    """One request that wanted to change something, also when it was refused (`code` 400 and above)."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    dry_run: bool = False

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> AuditWrite:
        subject = event.get("objectRef", {})
        return cls(
            user=event["user"]["username"],
            verb=event["verb"],
            resource=subject.get("resource", ""),
            subresource=subject.get("subresource", ""),
            namespace=subject.get("namespace", ""),
            name=subject.get("name", ""),
            code=event["responseStatus"]["code"],
            dry_run="dryRun=All" in event.get("requestURI", ""),
        )

    @property
    def made(self) -> bool:
        """Whether it changed something, or may have."""
        return self.code < 400 and not self.dry_run


class Server:
    """A child process with a log, that can be killed and started again."""

    def __init__(self, log: Path, *command: str) -> None:
        self.log = log
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.running():
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal, as in `send(signal.SIGSTOP)`: a server that hangs."""
        assert self.process is not None, f"{self.command[0]} was never started"
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, without a farewell to its clients."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wait(self, url: str, context: ssl.SSLContext | None, token: str = "", deadline: float = 60) -> None:
        """Wait until GET `url` answers 200; the error carries the end of the log."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(url, headers=headers)
        end = time.monotonic() + deadline
        while time.monotonic() < end and self.running():
            with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=2, context=context):
                return
            time.sleep(0.05)
        state = "runs, but does not answer" if self.running() else "ended"
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{self.command[0]} {state}: {url}\n{tail}")


class KubeSandbox:
    """A Kubernetes API that goes away with its folder. `logs` keeps the folder, to read what the servers said."""

    def __init__(self, logs: bool = False, apiserver_options: tuple[str, ...] = ()) -> None:
        programs = find_programs()
        if programs is None:
            raise FileNotFoundError(f"not all of {', '.join(PROGRAMS)} are there: run `make kube-tools`")
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="weft-kube-"))
        self.keep = logs or bool(os.environ.get("WEFT_KEEP_SANDBOX"))
        self.tokens = {user: secrets.token_hex(16) for user in USERS}
        self.etcd_url = f"http://127.0.0.1:{free_port()}"
        self._port = free_port()
        self.url = f"https://127.0.0.1:{self._port}"
        self._write_files()
        self._tls = ssl.create_default_context(cafile=str(self.ca_cert))
        self.etcd = Server(self.folder / "etcd.log", *self._etcd_command())
        self.apiserver = Server(self.folder / "apiserver.log", *self._apiserver_command(), *apiserver_options)

    # -- files ----------------------------------------------------------------------------------------------------

    @property
    def ca_cert(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    def kubeconfig(self, user: str = ADMIN) -> Path:
        return self.folder / f"{user}.kubeconfig"

    def _write_files(self) -> None:
        certificate, key = self_signed("127.0.0.1")
        self.ca_cert.write_bytes(certificate)
        (self.folder / "tls.key").write_bytes(key)
        (self.folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY))
        rows = [f'{self.tokens[user]},{user},{user},"{groups}"\n' for user, groups in USERS.items()]
        (self.folder / "tokens.csv").write_text("".join(rows))
        for user in USERS:
            self.kubeconfig(user).write_text(json.dumps(self._kubeconfig_of(user)))

    def _kubeconfig_of(self, user: str) -> dict[str, Any]:
        cluster = {"server": self.url, "certificate-authority": str(self.ca_cert)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
            "current-context": "sandbox",
        }

    def _etcd_command(self) -> list[str]:
        peer = f"http://127.0.0.1:{free_port()}"
        options = {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": self.etcd_url,
            "advertise-client-urls": self.etcd_url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "unsafe-no-fsync": "true",
        }
        return [str(self.programs / "etcd"), *_flags(options)]

    def _apiserver_command(self) -> list[str]:
        options = {
            "etcd-servers": self.etcd_url,
            "etcd-compaction-interval": 0,  # history goes when the test says so: compact()
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self._port,
            "cert-dir": self.folder,
            "tls-cert-file": self.ca_cert,
            "tls-private-key-file": self.folder / "tls.key",
            "service-account-key-file": self.folder / "tls.key",
            "service-account-signing-key-file": self.folder / "tls.key",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-cluster-ip-range": "10.96.0.0/16",
            "token-auth-file": self.folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",  # no controller-manager makes the accounts it asks for
            "endpoint-reconciler-type": "none",
            "allow-privileged": "true",
            "audit-policy-file": self.folder / "audit-policy.json",
            "audit-log-path": self.audit_log,
            "audit-log-maxsize": 4096,  # MB: a log that is rotated away counts nothing
        }
        return [str(self.programs / "kube-apiserver"), *_flags(options)]

    # -- servers --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.start_etcd()
        self.start_apiserver()

    def start_etcd(self) -> None:
        self.etcd.start()
        self.etcd.wait(f"{self.etcd_url}/health", None)

    def start_apiserver(self) -> None:
        self.apiserver.start()
        self.apiserver.wait(f"{self.url}/readyz", self._tls, self.tokens[ADMIN])

    def kill_apiserver(self) -> None:
        self.apiserver.kill()

    def restart_apiserver(self) -> None:
        """Kill it and wait until a new one is ready: every watch ends, and its cache of past events is empty."""
        self.kill_apiserver()
        self.start_apiserver()

    def compact(self) -> int:
        """Forget etcd's history and give the revision that is left.

        The API server answers most watches and pages from its own cache and does not notice: see `expire_history`, or
        start the sandbox with `--watch-cache=false`.
        """
        revision = int(self._etcd_call("range", {"key": "AA=="})["header"]["revision"])
        self._etcd_call("compaction", {"revision": revision, "physical": True})
        return revision

    def expire_history(self) -> None:
        """Make every resourceVersion seen before too old: resuming a watch or a paged list from it gets 410.

        A new server's cache begins with the present state; the write makes sure that this is later than what any client
        has seen.
        """
        self.kubectl("create", "configmap", f"expired-{secrets.token_hex(4)}", "--namespace=default")
        self.compact()
        self.restart_apiserver()

    def _etcd_call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Call etcd's key-value service through its JSON gateway."""
        request = urllib.request.Request(f"{self.etcd_url}/v3/kv/{method}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    def stop(self) -> None:
        """End both servers and remove the folder."""
        for server in (self.apiserver, self.etcd):
            server.kill()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> KubeSandbox:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- clients --------------------------------------------------------------------------------------------------

    def kubectl(self, *arguments: str, user: str = ADMIN) -> str:
        common = (f"--kubeconfig={self.kubeconfig(user)}", f"--cache-dir={self.folder}/cache-{user}")
        return run(str(self.programs / "kubectl"), *common, *arguments, timeout=60)

    def apply(self, *documents: Mapping[str, Any], user: str = ADMIN) -> str:
        """`kubectl apply` of documents in one list."""
        descriptor, name = tempfile.mkstemp(suffix=".json", dir=self.folder)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": documents}, file)
        return self.kubectl("apply", f"--filename={name}", user=user)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request as the administrator, for what kubectl would take half a second; the answer's document."""
        headers = {"Authorization": f"Bearer {self.tokens[ADMIN]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        while True:
            try:
                with urllib.request.urlopen(request, timeout=20, context=self._tls) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refusal:
                if refusal.code != 429:  # a kind that is new a moment ago has no storage yet
                    raise
                time.sleep(0.2)

    def audit_writes(self, user: str | None = None, resource: str | None = None) -> list[AuditWrite]:
        """What was asked to be written until now, in order; of one user, of one resource (`pods`, `subnets`).

        The server writes an entry when it has answered, so a client can be ahead of the log by some milliseconds.
        """
        lines = self.audit_log.read_text().splitlines(keepends=True) if self.audit_log.exists() else []
        # The last line may be only half written.
        writes = [AuditWrite.of(json.loads(line)) for line in lines if line.endswith("\n")]
        return [write for write in writes if user in (None, write.user) and resource in (None, write.resource)]


def _flags(options: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]
