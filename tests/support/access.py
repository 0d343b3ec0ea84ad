"""The fabric's databases with the listeners, roles and certificates that the roles pki and ovn_central give them.

All of it is in a network namespace of its own, so the ports are the real ones.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.weft.ovn.plugins.module_utils.pki.authority import Authority, pem
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from plugins.modules import ovsdb_rows
from tests.support.caller import Caller
from tests.support.ovn import ROOT, WEFT_SCHEMA, Daemon, OvnSandbox, program, run, schema

ADDRESS = "127.0.0.1"
TABLES = {"OVN_Northbound": "NB_Global", "OVN_Southbound": "SB_Global", "Weft": "Fabric"}


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
        self.databases = {name: self._database(name, path) for name, path in files.items()}
        rundir = self.ovn.folder / "northd"
        rundir.mkdir()
        remotes = (f"--ovnnb-db=ssl:{ADDRESS}:6641", f"--ovnsb-db=ssl:{ADDRESS}:16642")
        self.ovn.daemon(
            "ovn-northd", rundir, *remotes, f"--unixctl={rundir}/northd.ctl", *self.tls(), ns=self.namespace
        )

    def start_relay(self, name: str, port: int) -> Daemon:
        """A relay of a database as the role ovn_relay configures it, but for the port."""
        rundir = self.ovn.folder / f"relay-{name}"
        rundir.mkdir()
        config = rundir / "config.json"
        config.write_text(_relay_config(name, port))
        arguments = [f"--config-file={config}", f"--unixctl={rundir}/db.ctl", *self.tls()]
        return self.ovn.daemon("ovsdb-server", rundir, *arguments, ns=self.namespace)

    def northd_status(self) -> str:
        """`active`, or `standby` for one that has not the lock."""
        text = run(program("ovs-appctl"), "-t", str(self.ovn.folder / "northd/northd.ctl"), "status")
        return text.rpartition(" ")[2].strip()

    def socket(self, database: str) -> str:
        return f"{self.ovn.folder}/{database}/db.sock"

    def caller(self, port: int, certificate: tuple[Path, Path] | None = None) -> Caller:
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        context.check_hostname = False
        context.load_cert_chain(*(certificate or self.host))
        return Caller(self.namespace, (ADDRESS, port), context)

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


def _role(name: str, **given: Any) -> Templar:
    """The variables of a role, ready to be filled in."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for file in ("defaults", "vars"):
        variables |= loader.load_from_file(str(ROOT / f"roles/{name}/{file}/main.yml"), trusted_as_template=True)
    return Templar(loader=loader, variables=variables | given)


def _role_rows() -> list[dict[str, Any]]:
    """`ovn_central_rows` as the role says them without relays: then hosts reach the databases themselves."""
    role = _role("ovn_central", ovn_central_any=ADDRESS, ovn_central_relays=False)
    rows: list[dict[str, Any]] = role.template(role.available_variables["ovn_central_rows"])
    return rows


def _relay_config(name: str, port: int) -> str:
    role = _role("ovn_relay", ovn_relay_any=ADDRESS)
    relay = next(item for item in role.available_variables["ovn_relay_databases"] if item["name"] == name)
    own = {"port": port, "source": f"ssl:{ADDRESS}:{relay['port'] + 10000}"}
    role.available_variables = {**role.available_variables, "relay": {**relay, **own}}
    text = (ROOT / "roles/ovn_relay/templates/relay.json.j2").read_text()
    return str(role.template(trust_as_template(text)))
