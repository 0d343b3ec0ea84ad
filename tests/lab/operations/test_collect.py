"""Everything of all hosts comes into one archive, and no secret with it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import operation, status
from tests.support.play import Play

SECRET = "hunter2VerySecret"
PLANTED = {
    "/etc/weft/planted.json": json.dumps({"remote": {"password": SECRET}, "uri": f"https://weft:{SECRET}@192.0.2.1/"}),
    "/etc/weft/planted.toml": f'api_token = "{SECRET}"\n',
    "/etc/weft/kubeconfig": f"users: [{{user: {{token: {SECRET}}}}}]\n",
    "/var/log/ovn/planted.log": f"Authorization: Bearer {SECRET}\n",
}


@pytest.fixture
def planted(lab: Lab) -> Iterator[None]:
    """Secrets where people and programs leave them: in files, in a log, in a journal, in the switch's database."""
    host = lab["lab2"]
    before = host.run("cat /etc/weft/kubeconfig 2>/dev/null", check=False).stdout
    for path, text in PLANTED.items():
        host.run(f"cat >{path}", stdin=text)
    host.run("cat /etc/weft/pki/host.key >>/var/log/ovn/planted.log")
    host.run(f"systemd-run --quiet --wait --unit weft-planted sh -c 'echo password={SECRET}'")
    host.run(f"ovs-vsctl set Open_vSwitch . external_ids:psk={SECRET}")
    yield
    host.run("ovs-vsctl remove Open_vSwitch . external_ids psk")
    host.run(f"rm -f {' '.join(PLANTED)}")
    if before:
        host.run("cat >/etc/weft/kubeconfig", stdin=before)


def collected(seen: Play, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files of the one archive that the run made."""
    (path,) = folder.glob("*.tar.gz")
    assert str(path) in seen.text
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        files = {
            name.name.partition("/")[2]: stream.read()
            for name in archive.getmembers()
            if name.isfile() and (stream := archive.extractfile(name))
        }
    assert list(folder.iterdir()) == [path], "nothing is left beside it"
    return json.loads(files.pop("manifest.json")), files


def test_an_archive_has_all_layers_and_no_secret(lab: Lab, planted: None, tmp_path: Path) -> None:
    before = status(lab)
    key = lab["lab2"].run("sed -n 2p /etc/weft/pki/host.key").stdout.strip()
    seen = operation("collect", collect_directory=str(tmp_path), since="30 minutes ago").succeeded()
    manifest, files = collected(seen, tmp_path)
    for host in ("lab1", "lab2", "lab3"):
        layers = {path.split("/")[1] for path in files if path.startswith(f"{host}/")}
        assert layers >= {
            "host", "openvswitch", "databases", "relays", "northd", "ovn-controller", "weft", "configuration", "units",
            "logs", "journal", "metrics",
        }  # fmt: skip
        assert manifest["hosts"][host]["failed"] == {}
    said = {f"{host}/{path}" for host, about in manifest["hosts"].items() for path in about["files"]}
    assert said == set(files)
    for host, about in manifest["hosts"].items():
        for path, entry in about["files"].items():
            content = files[f"{host}/{path}"]
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["size"]), path
    for secret in (SECRET, key):
        assert [path for path, content in files.items() if secret.encode() in content] == []
    for path in ("configuration/planted.json", "logs/planted.log", "journal/fabric.txt", "openvswitch/database.json"):
        assert manifest["hosts"]["lab2"]["files"][path]["hidden"] >= 1, path
    assert b"lab3" in files["lab1/databases/OVN_Southbound.json"]
    assert b"table=" in files["lab1/openvswitch/br-int/flows.txt"]
    assert lab["lab2"].run("ls /var/tmp /tmp | grep -c weft-collected", check=False).stdout.strip() == "0"
    assert status(lab) == before


@pytest.mark.operations
def test_what_is_long_is_cut(lab: Lab, tmp_path: Path) -> None:
    lab["lab1"].run("seq -f 'line %.0f of a log' 200000 >/var/log/ovn/long.log")
    try:
        seen = operation("collect", collect_directory=str(tmp_path), since="1 minute ago", limit_mb=1).succeeded()
    finally:
        lab["lab1"].run("rm /var/log/ovn/long.log")
    manifest, files = collected(seen, tmp_path)
    assert len(files["lab1/logs/long.log"]) == 1_000_000
    assert files["lab1/logs/long.log"].endswith(b"line 200000 of a log\n"), "the end of a log is what happened last"
    assert manifest["hosts"]["lab1"]["files"]["logs/long.log"]["cut"] > 0


@pytest.mark.operations
def test_a_dead_host_and_a_dead_daemon_do_not_stop_it(lab: Lab, tmp_path: Path) -> None:
    subprocess.run(["podman", "pause", lab["lab3"].container], check=True, capture_output=True)
    lab["lab1"].run(["systemctl", "kill", "--signal=STOP", "ovn-northd"])
    try:
        seen = operation("collect", collect_directory=str(tmp_path), since="1 minute ago").succeeded()
    finally:
        lab["lab1"].run(["systemctl", "kill", "--signal=CONT", "ovn-northd"])
        subprocess.run(["podman", "unpause", lab["lab3"].container], check=True, capture_output=True)
    manifest, files = collected(seen, tmp_path)
    assert manifest["hosts"]["lab3"] == {"files": {}, "failed": {"host": "it cannot be reached"}}
    assert any("ovn-northd" in source for source in manifest["hosts"]["lab1"]["failed"])
    assert "lab2/databases/Weft.json" in files


@pytest.mark.operations
@pytest.mark.parametrize(
    ("options", "words"),
    [({"limit_mb": 0}, "operation_limit_mb: got 0"), ({"since": " "}, "operation_since is empty")],
)
def test_what_cannot_be_collected_is_refused(lab: Lab, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    operation("collect", collect_directory=str(tmp_path), **options).refused(words)


@pytest.mark.operations
def test_check_mode_collects_nothing(lab: Lab, tmp_path: Path) -> None:
    seen = operation("collect", "--check", collect_directory=str(tmp_path)).succeeded()
    assert "the fabric is only read" in seen.text
    assert list(tmp_path.iterdir()) == []
