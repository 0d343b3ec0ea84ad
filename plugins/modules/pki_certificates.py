#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_certificates
short_description: Certificate authority of a fabric, signing for all its hosts at once
version_added: 0.1.0
author: The Weft authors (@weft)
description:
  - Makes the authority where it is missing, looks at the certificates that the hosts have, and signs new ones for
    those that are missing, wrong or near their end.
  - It can be replaced by another authority, step by step, so that hosts trust both in between (O(succession)).
  - What a certificate says is decided here, from the inventory. A host only contributes its public key, so it cannot
    ask for the name of another.
requirements:
  - cryptography (Python library)
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    support: full
    description: Nothing is written; what would change is reported.
  diff_mode:
    support: full
    description: What would change or changed is shown.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
options:
  directory:
    description: Directory of the authority's key and certificate, on the machine where the module runs.
    type: path
    required: true
  common_name:
    description: Name of the authority.
    type: str
    default: Weft fabric CA
  passphrase:
    description: Encrypts the authority's private key.
    type: str
  ca_validity_days:
    description: Days that the authority's certificate is valid.
    type: int
    default: 3650
  validity_days:
    description: Days that a certificate is valid.
    type: int
    default: 825
  renew_before_days:
    description: A certificate is renewed when fewer days than this remain.
    type: int
    default: 30
  succession:
    description:
      - A step by which another authority takes the place of this one. A step that was taken already changes nothing.
      - With V(introduce) there is a next authority, which hosts trust and which signs nothing yet. With V(abandon)
        it goes again.
      - With V(promote) the next authority signs, and the one before, whose key is gone then, is still trusted.
      - With V(narrow) hosts are told to trust only the one that signs, and with V(retire) the one before is forgotten.
    type: str
    choices: [keep, introduce, abandon, promote, narrow, retire]
    default: keep
  requests:
    description: The certificates that hosts must have.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: Name of the host.
        type: str
        required: true
      name:
        description: Base name of the certificate's file on the host.
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
      public_key:
        description: PEM text of the host's public key. Empty when check mode has not made the key.
        type: str
        default: ""
      certificate:
        description: PEM text of the certificate that the host has, empty when it has none.
        type: str
        default: ""
"""

EXAMPLES = r"""
- name: The authority signs what is due
  weft.ovn.pki_certificates:
    directory: /srv/weft/pki
    requests:
      - host: host1
        name: host
        common_name: host1
        subject_alt_names: [host1, 192.0.2.11]
        public_key: "{{ keys.public_keys.host }}"
        certificate: "{{ keys.certificates.host }}"
  delegate_to: localhost
"""

RETURN = r"""
ca_certificate:
  description: PEM text of the certificates of all authorities that are to be trusted, the one that signs first.
  type: str
  returned: always
signer:
  description: PEM text of the certificate of the authority that signs.
  type: str
  returned: always
certificates:
  description: PEM text of the certificates that were signed now, by host and name.
  type: dict
  returned: always
due:
  description: Why each of them was signed, by host and name.
  type: dict
  returned: always
  sample: {host1: {host: "expires 2026-03-01, within 30 days"}}
phase:
  description: How far another authority has taken the place of this one, V(single), V(introduced) or V(promoted).
  type: str
  returned: always
authorities:
  description: Serial number and end of the authorities that are known, by C(signs), C(next) and C(previous).
  type: dict
  returned: always
"""

import datetime as dt

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.weft.ovn.plugins.module_utils.pki.authority import (
    HAS_CRYPTOGRAPHY,
    alternatives,
    end,
    now,
    pem,
    public_bytes,
)
from ansible_collections.weft.ovn.plugins.module_utils.pki.succession import STEPS, Succession

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import NameOID
except ImportError:
    pass


def described(certificate):
    """Return (common name, alternative names) of a certificate, comparable with a request's."""
    attributes = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    return (attributes[0].value if attributes else ""), {str(name.value) for name in names}


def due(request, authority, renew_before_days):
    """Return why the host needs a new certificate, or None."""
    if not request["certificate"]:
        return "missing"
    try:
        certificate = x509.load_pem_x509_certificate(request["certificate"].encode())
    except ValueError as error:
        return "unreadable: %s" % error
    return mismatch(request, certificate, authority) or ending(certificate, renew_before_days)


def mismatch(request, certificate, authority):
    """Return what the certificate says that the request does not, or None."""
    if not authority.issued(certificate):
        return "signed by another authority"
    wanted = (request["common_name"], {str(name.value) for name in alternatives(request["subject_alt_names"])})
    if described(certificate) != wanted:
        return "names %s, wanted %s" % (shown(described(certificate)), shown(wanted))
    public = serialization.load_pem_public_key(request["public_key"].encode()) if request["public_key"] else None
    if public is None or public_bytes(public) != public_bytes(certificate.public_key()):
        return "made for another key"
    return None


def ending(certificate, renew_before_days):
    if end(certificate) - now() < dt.timedelta(days=renew_before_days):
        return "expires %s, within %d days" % (end(certificate).date(), renew_before_days)
    return None


def shown(names):
    return "%s (%s)" % (names[0], ", ".join(sorted(names[1])))


def arguments():
    request = {
        "host": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "common_name": {"type": "str", "required": True},
        "subject_alt_names": {"type": "list", "elements": "str", "default": []},
        "public_key": {"type": "str", "default": "", "no_log": False},
        "certificate": {"type": "str", "default": ""},
    }
    return {
        "directory": {"type": "path", "required": True},
        "common_name": {"type": "str", "default": "Weft fabric CA"},
        "passphrase": {"type": "str", "no_log": True},
        "ca_validity_days": {"type": "int", "default": 3650},
        "validity_days": {"type": "int", "default": 825},
        "renew_before_days": {"type": "int", "default": 30},
        "succession": {"type": "str", "choices": list(STEPS), "default": "keep"},
        "requests": {"type": "list", "elements": "dict", "required": True, "options": request},
    }


def run(module):
    params = module.params
    succession = Succession(params, module.check_mode)
    succession.take(params["succession"])
    authority = succession.authority
    reasons, signed = {}, {}
    for request in params["requests"]:
        reason = due(request, authority, params["renew_before_days"])
        if reason is None:
            continue
        reasons.setdefault(request["host"], {})[request["name"]] = reason
        if not module.check_mode:
            signed.setdefault(request["host"], {})[request["name"]] = pem(authority.sign(request))
    if authority.new and not module.check_mode:
        authority.save()
    module.exit_json(
        changed=authority.new or succession.changed or bool(reasons),
        ca_certificate=succession.trusted(params["succession"]),
        phase=succession.phase,
        authorities=succession.described(),
        signer=pem(authority.certificate),
        certificates=signed,
        due=reasons,
        diff={"before": {}, "after": {"certificates to sign": reasons} if reasons else {}},
    )


def main():
    module = AnsibleModule(argument_spec=arguments(), supports_check_mode=True)
    if not HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography"))
    try:
        run(module)
    except (OSError, ValueError, TypeError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
