# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fabric
short_description: The hosts of a fabric, as its databases know them
version_added: 0.2.0
author: The Weft authors (@weft)
description:
  - Every host whose agent is known to the fabric, with what it is now, ready or not, gateway or not, and the members of
    the databases with their leaders. For day-2 playbooks that must not rely on a file that somebody forgot to change.
  - Groups are C(weft_hosts), C(weft_ready), C(weft_not_ready), C(weft_silent), C(weft_gateways), C(weft_databases),
    and of each database the leader, C(weft_leader_ovn_northbound), C(weft_leader_ovn_southbound) and
    C(weft_leader_weft).
  - Names of hosts are those of their chassis. A database's member is a host when its address is one of the host's;
    others are added under their addresses.
  - Variables are those of C(weftctl node --output json) with C(weft_) before their names, and C(weft_leads), the
    databases that the host leads.
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [weft.ovn.fabric]
  weftctl:
    description:
      - C(weftctl) as a command with its arguments, so that it may run elsewhere, as with C(ssh) on a member of
        C(ovn_central).
    type: list
    elements: str
    default: [/opt/weft/bin/weftctl]
  weftctl_config:
    description: Its configuration.
    type: path
    default: /etc/weft/weftctl.toml
  ansible_host:
    description: Whether C(ansible_host) is the first address that a host's agent tells of it.
    type: bool
    default: true
  timeout:
    description: Seconds after which C(weftctl) is not waited for any longer.
    type: int
    default: 30
"""

EXAMPLES = r"""
# fabric.yml, on a host with weftctl and an administrator's certificate
plugin: weft.ovn.fabric
---
# On a workstation, asking a member of ovn_central
plugin: weft.ovn.fabric
weftctl: [ssh, root@lab1, /opt/weft/bin/weftctl]
keyed_groups:
  - {key: weft_datapath_type, prefix: weft_datapath}
groups:
  weft_old_ovn: weft_versions.ovn is version('25.03', '<')
"""

import json
import subprocess
from urllib.parse import urlsplit

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable

HOSTS = "weft_hosts"
GATEWAYS = "weft_gateways"
DATABASES = "weft_databases"
LEADER = "weft_leader_"
STATES = {"ready": "weft_ready", "not ready": "weft_not_ready", "silent": "weft_silent"}


class InventoryModule(BaseInventoryPlugin, Constructable):
    """Asks weftctl twice, for hosts and for databases."""

    NAME = "weft.ovn.fabric"

    def verify_file(self, path):
        """Take files that are called so."""
        return super().verify_file(path) and path.endswith(("fabric.yml", "fabric.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for group in (HOSTS, *STATES.values(), GATEWAYS, DATABASES):
            self.inventory.add_group(group)
        nodes = self._ask("node")
        for node in nodes:
            self._add_node(node)
        self._add_databases(self._ask("status")["databases"], nodes)
        for name in list(self.inventory.hosts):
            self._construct(name)

    def _ask(self, verb):
        command = [*self.get_option("weftctl"), "--config", self.get_option("weftctl_config"), verb, "--output", "json"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=self.get_option("timeout"), check=False
            )
            return json.loads(done.stdout)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AnsibleParserError("%s: %s" % (" ".join(command), error)) from error
        except ValueError as error:
            said = (done.stderr or done.stdout).strip()
            raise AnsibleParserError("%s: exit code %d: %s" % (" ".join(command), done.returncode, said)) from error

    def _add_node(self, node):
        name = node["name"]
        self.inventory.add_host(name, group=HOSTS)
        self.inventory.add_child(STATES[node["state"]], name)
        if node["gateways"]:
            self.inventory.add_child(GATEWAYS, name)
        for key, value in node.items():
            if key != "name":
                self.inventory.set_variable(name, "weft_" + key, value)
        self.inventory.set_variable(name, "weft_leads", [])
        if node["addresses"] and self.get_option("ansible_host"):
            self.inventory.set_variable(name, "ansible_host", node["addresses"][0])

    def _add_databases(self, databases, nodes):
        known = {address: node["name"] for node in nodes for address in node["addresses"]}
        for database, members in databases.items():
            for member in members:
                address = address_of(member["remote"])
                if not address:
                    continue  # a socket of one machine: nobody else reaches it
                name = known.get(address) or self._add_stranger(address)
                self.inventory.add_child(DATABASES, name)
                if member["role"] == "leader":
                    self._add_leader(database, name)

    def _add_stranger(self, address):
        self.inventory.add_host(address, group=DATABASES)
        if not self.inventory.get_host(address).vars.get("weft_leads"):
            self.inventory.set_variable(address, "weft_leads", [])
        return address

    def _add_leader(self, database, name):
        group = self.inventory.add_group(LEADER + database.lower())
        self.inventory.add_child(group, name)
        leads = self.inventory.get_host(name).vars["weft_leads"]
        self.inventory.set_variable(name, "weft_leads", [*leads, database])

    def _construct(self, name):
        strict = self.get_option("strict")
        variables = self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        variables = self.inventory.get_host(name).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def address_of(remote):
    """Return the address of a remote like C(ssl:[fd00::1]:6641); none of a local socket."""
    scheme, _colon, rest = remote.partition(":")
    return urlsplit("//" + rest).hostname or "" if scheme in ("ssl", "tcp") else ""
