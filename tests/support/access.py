"""The fabric's databases with the listeners, roles and certificates that the roles pki and ovn_central give them.

All of it is in a network namespace of its own, so the ports are the real ones. `Caller` is whoever has a certificate.
"""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from plugins.modules import ovsdb_rows
from plugins.modules.pki_certificates import Authority, pem
from tests.support.ovn import ROOT, WEFT_SCHEMA, Daemon, OvnSandbox, program, run, schema
from weft.agent import netlink

ADDRESS = "127.0.0.1"
TABLES = {"OVN_Northbound": "NB_Global", "OVN_Southbound": "SB_Global", "Weft": "Fabric"}


class RefusedError(Exception):
    """What a database says no with."""


class Certificates:
    """An authority as the role pki has it, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        days = {"ca_validity_days": 2, "validity_days": 2}
        self._authority = Authority({"directory": str(folder / "ca"), "common_name": "CA", "passphrase": None, **days})
        self._authority.save()
        self.ca = folder / "ca/ca.crt"

    def sign(self, name: str, common_name: str) -> tuple[Path, Path]:
        """The files of certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        request = {
            "host": common_name, "name": name, "common_name": common_name, "public_key": public.decode(),
            "subject_alt_names": [common_name, ADDRESS], "certificate": "",
        }  # fmt: skip
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate_path, key_path = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate_path.write_text(pem(self._authority.sign(request)))
        key_path.write_bytes(private)
        return certificate_path, key_path


class Caller:
    """A connection to a listener with a certificate: RFC 7047, a request at a time."""

    def __init__(self, central: Central, port: int, certificate: tuple[Path, Path]) -> None:
        context = ssl.create_default_context(cafile=str(central.certificates.ca))
        context.check_hostname = False
        context.load_cert_chain(*certificate)
        plain = netlink.in_namespace(f"/run/netns/{central.namespace}", socket.create_connection, (ADDRESS, port), 5)
        self._channel = context.wrap_socket(plain)
        self._channel.settimeout(10)
        self._decoder = json.JSONDecoder()
        self._text = ""
        self.notices: list[str] = []
        """Methods of what the server said of its own accord."""

    def close(self) -> None:
        self._channel.close()

    def call(self, method: str, *parameters: Any) -> Any:
        self._send({"id": 1, "method": method, "params": list(parameters)})
        while True:
            message = self._receive()
            if message.get("method") == "echo":
                self._send({"id": message["id"], "result": message["params"], "error": None})
            elif "method" in message:
                self.notices.append(message["method"])
            elif message.get("error"):
                raise RefusedError(message["error"])
            else:
                return message["result"]

    def transact(self, database: str, *operations: dict[str, Any]) -> Any:
        """The results. Raises RefusedError when one is an error."""
        results = self.call("transact", database, *operations)
        for result in results:
            if result and "error" in result:
                raise RefusedError(f"{result['error']}: {result.get('details')}")
        return results

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.sendall(json.dumps(message).encode())

    def _receive(self) -> dict[str, Any]:
        while True:
            try:
                message, end = self._decoder.raw_decode(self._text)
            except ValueError:
                data = self._channel.recv(65536)
                if not data:
                    raise RefusedError("the connection was closed") from None
                self._text += data.decode()
            else:
                self._text = self._text[end:].lstrip()
                return dict(message)


class Central:
    """A member: its databases and northd, as the role describes them."""

    def __init__(self, ovn: OvnSandbox, folder: Path) -> None:
        self.ovn = ovn
        self.namespace = ovn.add_namespace(f"{ovn.folder.name}-central")
        self.certificates = Certificates(folder)
        self.host = self.certificates.sign("host", "h1")
        self.other_host = self.certificates.sign("host2", "h2")
        self.controller = self.certificates.sign("controller", "weft-controller-h1")
        self._own = self.certificates.sign("ovn-central", "m1")
        self._rows = _role_rows()

    def tls(self) -> list[str]:
        certificate, key = self._own
        return [f"--private-key={key}", f"--certificate={certificate}", f"--ca-cert={self.certificates.ca}"]

    def start(self) -> None:
        files = {"OVN_Northbound": schema("ovn-nb"), "OVN_Southbound": schema("ovn-sb"), "Weft": WEFT_SCHEMA}
        for name, path in files.items():
            self._database(name, path)
        rundir = self.ovn.folder / "northd"
        rundir.mkdir()
        remotes = (f"--ovnnb-db=ssl:{ADDRESS}:6641", f"--ovnsb-db=ssl:{ADDRESS}:16642")
        self.ovn.daemon(
            "ovn-northd", rundir, *remotes, f"--unixctl={rundir}/northd.ctl", *self.tls(), ns=self.namespace
        )

    def start_relay(self, name: str, upstream: int, port: int, role: str) -> None:
        """A relay of a database, with a listener of its own that has a role (ovsdb(7), Relay Service Model)."""
        rundir = self.ovn.folder / f"relay-{name}"
        rundir.mkdir()
        config = run(program("ovsdb-tool"), "create", str(rundir / "config"), str(schema("local-config")))
        assert not config
        arguments = [
            f"--remote=punix:{rundir}/db.sock", "--remote=db:Local_Config,Config,connections",
            f"--unixctl={rundir}/db.ctl", *self.tls(), str(rundir / "config"), f"relay:{name}:ssl:{ADDRESS}:{upstream}",
        ]  # fmt: skip
        self.ovn.daemon("ovsdb-server", rundir, *arguments, ns=self.namespace)
        listener = {"target": f"pssl:{port}:{ADDRESS}", "role": role}
        insert = {"op": "insert", "table": "Connection", "uuid-name": "hosts", "row": listener}
        config_row = {"op": "insert", "table": "Config", "row": {"connections": ["named-uuid", "hosts"]}}
        self.ovn.transact(f"unix:{rundir}/db.sock", json.dumps(["Local_Config", insert, config_row]))

    def northd_status(self) -> str:
        """`active`, or `standby` for one that has not the lock."""
        text = run(program("ovs-appctl"), "-t", str(self.ovn.folder / "northd/northd.ctl"), "status")
        return text.rpartition(" ")[2].strip()

    def socket(self, database: str) -> str:
        return f"{self.ovn.folder}/{database}/db.sock"

    def caller(self, port: int, certificate: tuple[Path, Path] | None = None) -> Caller:
        return Caller(self, port, certificate or self.host)

    def _database(self, name: str, schema_file: Path) -> Daemon:
        rundir = self.ovn.folder / name
        rundir.mkdir()
        run(program("ovsdb-tool"), "create", str(rundir / "db"), str(schema_file))
        arguments = [
            f"--remote=punix:{rundir}/db.sock", f"--remote=db:{name},{TABLES[name]},connections",
            f"--unixctl={rundir}/db.ctl", *self.tls(), str(rundir / "db"),
        ]  # fmt: skip
        daemon = self.ovn.daemon("ovsdb-server", rundir, *arguments, ns=self.namespace)
        specs = next(item["rows"] for item in self._rows if item["name"] == name)
        empty = {"match": {}, "values": {}, "keys": {}, "elements": {}, "insert": {}, "id": None, "state": "present"}
        rows = [{**empty, **spec} for spec in specs]
        ovsdb_rows.attempt({"socket": self.socket(name), "database": name, "rows": rows, "schema": None}, [], True)
        return daemon


def _role_rows() -> list[dict[str, Any]]:
    """`ovn_central_rows` as the role says them, its variables filled in."""
    loader = DataLoader()
    variables = {
        **loader.load_from_file(str(ROOT / "roles/ovn_central/defaults/main.yml"), trusted_as_template=True),
        **loader.load_from_file(str(ROOT / "roles/ovn_central/vars/main.yml"), trusted_as_template=True),
        "ovn_central_any": ADDRESS,
    }
    rows: list[dict[str, Any]] = Templar(loader=loader, variables=variables).template(variables["ovn_central_rows"])
    return rows
