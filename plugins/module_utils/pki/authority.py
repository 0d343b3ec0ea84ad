# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fabric's certificate authority: its key and certificate, what it signs, and how another one takes its place."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os

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


def read_certificate(path):
    with open(path, "rb") as stream:
        return x509.load_pem_x509_certificate(stream.read())


def write(path, content):
    """Write a file that only its owner reads, whole or not at all."""
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    os.rename(path + ".new", path)


class Authority:
    """The authority's key and certificate, in memory and on disk."""

    def __init__(self, params, key="ca.key", certificate="ca.crt"):
        self._directory = params["directory"]
        self.key_path = os.path.join(self._directory, key)
        self.certificate_path = os.path.join(self._directory, certificate)
        self._params = params
        self._passphrase = params["passphrase"].encode() if params["passphrase"] else None
        has_certificate = os.path.exists(self.certificate_path)
        has_key = os.path.exists(self.key_path)
        if has_certificate and not has_key:
            raise ValueError("%s exists without its key %s: put the key back" % (self.certificate_path, self.key_path))
        self._key = self._load_key() if has_key else ec.generate_private_key(ec.SECP256R1())
        self.certificate = read_certificate(self.certificate_path) if has_certificate else self._self_signed()
        self.new = not has_certificate

    def _load_key(self):
        with open(self.key_path, "rb") as stream:
            return serialization.load_pem_private_key(stream.read(), self._passphrase)

    def save(self):
        """Write what is missing, the key first: from a key alone the next run makes the certificate."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        encryption = serialization.NoEncryption()
        if self._passphrase:
            encryption = serialization.BestAvailableEncryption(self._passphrase)
        text = self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        for path, content in ((self.key_path, text), (self.certificate_path, pem(self.certificate).encode())):
            if not os.path.exists(path):
                write(path, content)

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
