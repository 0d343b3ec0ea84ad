"""Inventory plugin weft.ovn.fabric: the lab's hosts by what its databases say of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.conftest import CHECKOUT, NAMES, Lab

pytestmark = pytest.mark.lab


def inventory(folder: Path, **options: Any) -> dict[str, Any]:
    source = folder / "fabric.yml"
    source.write_text(yaml.safe_dump({"plugin": "weft.ovn.fabric", **options}))
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "--list", "--inventory", str(source)]
    environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout, object_hook=lambda item: item.get("__ansible_unsafe", item)))


def test_the_hosts_and_who_leads(lab: Lab, tmp_path: Path) -> None:
    weftctl = lab.hosts["lab1"].argv(["/opt/weft/bin/weftctl"])
    found = inventory(
        tmp_path,
        weftctl=weftctl,
        keyed_groups=[{"key": "weft_datapath_type", "prefix": "on"}],
        groups={"current": "weft_versions.ovn is version('25.03', '>=')"},
        compose={"encap": "weft_encap_type ~ ':' ~ weft_encap_ip"},
    )
    for group in ("weft_hosts", "weft_ready", "weft_databases", "on_netdev", "current"):
        assert sorted(found[group]["hosts"]) == sorted(NAMES), group
    variables = found["_meta"]["hostvars"]
    leaders = {name: found[f"weft_leader_{name}"]["hosts"] for name in ("ovn_northbound", "ovn_southbound", "weft")}
    for name, hosts in leaders.items():
        assert len(hosts) == 1, leaders
        assert name in [database.lower() for database in variables[hosts[0]]["weft_leads"]]
    assert variables["lab2"]["ansible_host"] == "172.30.0.12"
    assert variables["lab2"]["encap"] == "geneve:172.31.0.12"
    assert variables["lab2"]["weft_state"] == "ready"


def test_a_weftctl_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="/nowhere/weftctl"):
        inventory(tmp_path, weftctl=["/nowhere/weftctl"])
