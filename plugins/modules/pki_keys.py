#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_keys
short_description: Keep a host's private keys, and the certificates made for them
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Makes the private keys that are missing, on the host that uses them, and returns their public halves. A private key
    never leaves the host and never appears in a result.
  - With O(certificates) and O(ca_certificate) it also installs what M(weft.ovn.pki_certificates) signed.
  - Needs the program openssl, which Open vSwitch brings with it.
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is written; what would change is reported.
  diff_mode:
    support: none
    description: M(weft.ovn.pki_certificates) shows which certificates change.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  directory:
    description: Directory of the keys and certificates.
    type: path
    required: true
  group:
    description: Group that may read the private keys.
    type: str
    default: root
  host:
    description: Name under which the requests are returned.
    type: str
    required: true
  requests:
    description: The certificates that the host must have.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Base name of the files.
        type: str
        required: true
      common_name:
        description: Common name of the subject.
        type: str
        required: true
      subject_alt_names:
        description: Host names and addresses.
        type: list
        elements: str
        default: []
  ca_certificate:
    description: PEM text of the authority's certificate, kept as C(ca.crt).
    type: str
  certificates:
    description: PEM text of the certificates by name.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: The host has its keys
  weft.ovn.pki_keys:
    directory: /etc/weft/pki
    host: host1
    requests:
      - name: host
        common_name: host1
        subject_alt_names: [host1, 192.0.2.11]
  register: keys
"""

RETURN = r"""
requests:
  description:
    - The requests, each with the host's name, the public key and the certificate that the host has (empty when it has
      none), as M(weft.ovn.pki_certificates) takes them. In check mode the public key of a key that would be made is
      empty.
  type: list
  elements: dict
  returned: always
ca_certificate:
  description: PEM text of the authority's certificate that the host has.
  type: str
  returned: always
"""

import grp
import os

from ansible.module_utils.basic import AnsibleModule


def read(path):
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


class Directory:
    """The directory of keys, written with the right permissions from the first byte on."""

    def __init__(self, module):
        self._module = module
        self._path = module.params["directory"]
        self.changed = False
        try:
            self._group = grp.getgrnam(module.params["group"]).gr_gid
        except KeyError:
            module.fail_json(msg="group: %s does not exist on the host" % module.params["group"])

    def path(self, name):
        return os.path.join(self._path, name)

    def make(self):
        if not os.path.isdir(self._path):
            self.changed = True
            if not self._module.check_mode:
                os.makedirs(self._path, mode=0o755)

    def key(self, name):
        """Return the public half of the key, making the key where it is missing."""
        path = self.path(name + ".key")
        if not os.path.exists(path):
            self.changed = True
            if self._module.check_mode:
                return None
            self._generate(path)
        if not self._module.check_mode and os.stat(path).st_gid != self._group:
            os.chown(path, 0, self._group)
            self.changed = True
        return self._openssl("pkey", "-in", path, "-pubout")

    def _generate(self, path):
        temporary = path + ".new"
        mask = os.umask(0o077)
        try:
            self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", temporary)
        finally:
            os.umask(mask)
        os.chown(temporary, 0, self._group)
        os.chmod(temporary, 0o640)
        os.rename(temporary, path)

    def write(self, name, text):
        path = self.path(name)
        if read(path) == text:
            return False
        self.changed = True
        if self._module.check_mode:
            return False
        with open(path + ".new", "w", encoding="ascii") as stream:
            stream.write(text)
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)
        return True

    def certificate(self, name, text):
        """Write a certificate, then touch its key: OVS reads neither file again before the key's time has changed."""
        if self.write(name + ".crt", text):
            os.utime(self.path(name + ".key"))

    def _openssl(self, *arguments):
        status, output, error = self._module.run_command(["openssl", *arguments])
        if status != 0:
            self._module.fail_json(msg="openssl %s failed: %s" % (arguments[0], error.strip()))
        return output


def main():
    request = {
        "name": {"type": "str", "required": True},
        "common_name": {"type": "str", "required": True},
        "subject_alt_names": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "group": {"type": "str", "default": "root"},
            "host": {"type": "str", "required": True},
            "requests": {"type": "list", "elements": "dict", "required": True, "options": request},
            "ca_certificate": {"type": "str"},
            "certificates": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params
    directory = Directory(module)
    directory.make()
    requests = []
    for item in params["requests"]:
        public_key = directory.key(item["name"]) or ""
        certificate = read(directory.path(item["name"] + ".crt"))
        requests.append({**item, "host": params["host"], "public_key": public_key, "certificate": certificate})
    if params["ca_certificate"]:
        directory.write("ca.crt", params["ca_certificate"])
    for name, text in sorted(params["certificates"].items()):
        directory.certificate(name, text)
    module.exit_json(
        changed=directory.changed,
        requests=requests,
        ca_certificate=read(directory.path("ca.crt")),
    )


if __name__ == "__main__":
    main()
