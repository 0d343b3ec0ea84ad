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
  description: PEM text of the authority's certificate.
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
"""

import datetime as dt
import ipaddress
import os

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

CLOCK_SKEW = dt.timedelta(hours=1)


def now():
    return dt.datetime.now(dt.timezone.utc)


def end(certificate):
    """Return the end of validity with its time zone; releases before 42 only have the naive attribute."""
    try:
        return certificate.not_valid_after_utc
    except AttributeError:
        return certificate.not_valid_after.replace(tzinfo=dt.timezone.utc)


def name_of(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def alternatives(names):
    """Return the general names of a list of host names and addresses."""
    result = []
    for name in dict.fromkeys(names):
        address = address_of(name)
        result.append(x509.IPAddress(address) if address else x509.DNSName(name))
    return result


def address_of(name):
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def public_bytes(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """The authority's key and certificate, in memory and on disk."""

    def __init__(self, params):
        self._directory = params["directory"]
        self._key_path = os.path.join(self._directory, "ca.key")
        self._certificate_path = os.path.join(self._directory, "ca.crt")
        self._params = params
        self._passphrase = params["passphrase"].encode() if params["passphrase"] else None
        has_certificate = os.path.exists(self._certificate_path)
        has_key = os.path.exists(self._key_path)
        if has_certificate and not has_key:
            raise ValueError(
                "%s exists without its key %s: put the key back" % (self._certificate_path, self._key_path)
            )
        self._key = self._load_key() if has_key else ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._load_certificate() if has_certificate else self._self_signed()
        self.new = not has_certificate

    def _load_key(self):
        with open(self._key_path, "rb") as stream:
            return serialization.load_pem_private_key(stream.read(), self._passphrase)

    def _load_certificate(self):
        with open(self._certificate_path, "rb") as stream:
            return x509.load_pem_x509_certificate(stream.read())

    def save(self):
        """Write what is missing, the key first: from a key alone the next run makes the certificate."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        encryption = serialization.NoEncryption()
        if self._passphrase:
            encryption = serialization.BestAvailableEncryption(self._passphrase)
        text = self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        for path, content in ((self._key_path, text), (self._certificate_path, pem(self.certificate).encode())):
            if os.path.exists(path):
                continue
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)

    def _builder(self, subject, issuer, public_key, days):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - CLOCK_SKEW)
            .not_valid_after(now() + dt.timedelta(days=days))
        )

    def _usage(self, authority):
        return x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )

    def _self_signed(self):
        subject = name_of(self._params["common_name"])
        public = self._key.public_key()
        builder = self._builder(subject, subject, public, self._params["ca_validity_days"])
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(self._usage(authority=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def sign(self, request):
        """Return a certificate for servers and clients: members of a database cluster are both."""
        key = serialization.load_pem_public_key(request["public_key"].encode())
        subject = name_of(request["common_name"])
        builder = self._builder(subject, self.certificate.subject, key, self._params["validity_days"])
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(self._usage(authority=False), critical=True)
        builder = builder.add_extension(usages, critical=False)
        builder = builder.add_extension(issuer, critical=False)
        if request["subject_alt_names"]:
            names = x509.SubjectAlternativeName(alternatives(request["subject_alt_names"]))
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issued(self, certificate):
        try:
            algorithm = ec.ECDSA(certificate.signature_hash_algorithm)
            self._key.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, algorithm)
        except (InvalidSignature, TypeError):
            return False
        return True


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
        "requests": {"type": "list", "elements": "dict", "required": True, "options": request},
    }


def run(module):
    params = module.params
    authority = Authority(params)
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
        changed=authority.new or bool(reasons),
        ca_certificate=pem(authority.certificate),
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
