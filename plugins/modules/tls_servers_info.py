#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_servers_info
short_description: Whether OVSDB servers of the host show the certificates that its files have
version_added: 0.3.0
author: The Weft authors (@weft)
description:
  - Connects to each server as a client with the certificate of the same file, sends an echo request, and compares the
    certificate that the server shows with the file.
  - A server that was given a new file shows it to new connections some time later. Ask until RV(problems) is empty.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It only reads.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  address:
    description: Address of the servers.
    type: str
    default: 127.0.0.1
  authority:
    description: PEM text of the one authority that is trusted here.
    type: str
    required: true
  timeout:
    description: Seconds to wait for a server.
    type: float
    default: 5
  servers:
    description: The servers.
    type: list
    elements: dict
    required: true
    suboptions:
      port:
        description: Port of the server.
        type: int
        required: true
      certificate:
        description: Path of the certificate that it must show.
        type: path
        required: true
      private_key:
        description: Path of its key.
        type: path
        required: true
"""

EXAMPLES = r"""
- name: The Northbound's server shows its certificate
  weft.ovn.tls_servers_info:
    authority: "{{ signed.signer }}"
    servers:
      - port: 6641
        certificate: /etc/weft/pki/ovn-central.crt
        private_key: /etc/weft/pki/ovn-central.key
  register: served
  until: served.problems | length == 0
"""

RETURN = r"""
problems:
  description: What is wrong with servers, by port. Empty when all is well.
  type: dict
  returned: always
  sample: {"6641": "shows another certificate than /etc/weft/pki/ovn-central.crt"}
"""

import socket
import ssl

from ansible.module_utils.basic import AnsibleModule

ECHO = b'{"id":"echo","method":"echo","params":[]}'


def problem(server, params):
    """Return what is wrong with a server, or an empty text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=params["authority"])
    try:
        context.load_cert_chain(server["certificate"], server["private_key"])
        with open(server["certificate"], encoding="ascii") as stream:
            wanted = ssl.PEM_cert_to_DER_cert(stream.read())
        address = (params["address"], server["port"])
        with socket.create_connection(address, params["timeout"]) as plain, context.wrap_socket(plain) as wrapped:
            if wrapped.getpeercert(binary_form=True) != wanted:
                return "shows another certificate than %s" % server["certificate"]
            wrapped.sendall(ECHO)
            return "" if wrapped.recv(4096) else "ended the connection"
    except (OSError, ValueError) as error:
        return str(error)


def main():
    server = {
        "port": {"type": "int", "required": True},
        "certificate": {"type": "path", "required": True},
        "private_key": {"type": "path", "required": True, "no_log": False},
    }
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "default": "127.0.0.1"},
            "authority": {"type": "str", "required": True},
            "timeout": {"type": "float", "default": 5.0},
            "servers": {"type": "list", "elements": "dict", "required": True, "options": server},
        },
        supports_check_mode=True,
    )
    found = {str(server["port"]): problem(server, module.params) for server in module.params["servers"]}
    module.exit_json(changed=False, problems={port: text for port, text in found.items() if text})


if __name__ == "__main__":
    main()
