# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a database server listens, in Open vSwitch's words (ovsdb(7)): unix:PATH, tcp:HOST:PORT, ssl:HOST:PORT."""

from __future__ import annotations

import re
import socket
import ssl

FORM = re.compile(r"^(tcp|ssl):(\[[0-9a-fA-F:.]+\]|[^:\[\]]+):([0-9]+)$")
TLS_FILES = ("private_key", "certificate", "ca_cert")


class RemoteError(ValueError):
    """A remote that cannot be understood, or used with what was given."""


def split(remote):
    """Return the parts of a list of remotes: the members of a cluster."""
    return [part.strip() for part in remote.split(",") if part.strip()]


def open_socket(remote, timeout, tls=None):
    """Connect to one remote; `tls` has the paths of private_key, certificate and ca_cert.

    Raises OSError (of which ssl.SSLError is one) when nobody answers, RemoteError when it makes no sense.
    """
    if remote.startswith(("unix:", "/")):
        return _connected(socket.AF_UNIX, remote[5:] if remote.startswith("unix:") else remote, timeout)
    found = FORM.match(remote)
    if not found:
        raise RemoteError("remote %r: unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT is allowed" % remote)
    scheme, host, port = found.groups()
    context = _context(remote, tls or {}) if scheme == "ssl" else None
    plain = socket.create_connection((host.strip("[]"), int(port)), timeout)
    try:
        return context.wrap_socket(plain) if context else plain
    except OSError:
        plain.close()
        raise


def _connected(family, address, timeout):
    made = socket.socket(family, socket.SOCK_STREAM)
    made.settimeout(timeout)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made


def _context(remote, tls):
    """Return a context as Open vSwitch's own: both sides show certificates of a known authority, names do not count."""
    if missing := [name for name in TLS_FILES if not tls.get(name)]:
        raise RemoteError("remote %s: needs %s" % (remote, ", ".join(missing)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.load_verify_locations(tls["ca_cert"])
        context.load_cert_chain(tls["certificate"], tls["private_key"])
    except OSError as error:
        files = ", ".join(tls[name] for name in TLS_FILES)
        raise RemoteError("remote %s: %s cannot be used: %s" % (remote, files, error)) from error
    return context
