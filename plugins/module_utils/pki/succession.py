# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How another authority takes the place of a fabric's, without a moment in which somebody trusts neither.

Beside C(ca.key) and C(ca.crt), which sign, the directory has C(next.key) and C(next.crt) of the one that will sign,
once everybody trusts it, and C(previous.crt) of the one that did sign, until nobody needs it any more. What is trusted
is told by the files alone, so that any run of the role tells hosts the same, also in between.
"""

from __future__ import annotations

import os

from ansible_collections.weft.ovn.plugins.module_utils.pki.authority import Authority, end, pem, read_certificate, write

STEPS = ("keep", "introduce", "abandon", "promote", "narrow", "retire")


class Succession:
    """Who signs, and who is trusted beside it."""

    def __init__(self, params, check_mode=False):
        self._params = params
        self._check_mode = check_mode
        self._next_key = self._path("next.key")
        self._next_certificate = self._path("next.crt")
        self._previous_certificate = self._path("previous.crt")
        self.changed = False
        self._load()

    def _path(self, name):
        return os.path.join(self._params["directory"], name)

    def _load(self):
        promoted_half = os.path.exists(self._next_certificate) and not os.path.exists(self._next_key)
        if promoted_half and not self._check_mode:
            os.rename(self._next_certificate, self._path("ca.crt"))
            promoted_half = False
        self.authority = Authority(self._params, certificate="next.crt" if promoted_half else "ca.crt")
        has_next = os.path.exists(self._next_key)
        self.next = self._make_next() if has_next else None
        has_previous = os.path.exists(self._previous_certificate)
        self.previous = read_certificate(self._previous_certificate) if has_previous else None

    def _make_next(self):
        made = Authority(self._params, "next.key", "next.crt")
        if made.new and not self._check_mode:
            made.save()
        return made

    @property
    def phase(self):
        """Return how far it is: C(introduced) is the next one, C(promoted) it was, C(single) is neither."""
        if self.next:
            return "introduced"
        return "promoted" if self.previous else "single"

    def take(self, step):
        """Take a step. One that was taken already, or that another has made needless, changes nothing."""
        if step not in STEPS:
            raise ValueError("succession: got %r, allowed are %s" % (step, ", ".join(STEPS)))
        getattr(self, "_" + step)()

    def trusted(self, step="keep"):
        """Return the certificates that hosts trust, who signs first."""
        others = [self.next.certificate] if self.next else []
        if self.previous and step not in ("narrow", "retire"):
            others.append(self.previous)
        texts = [pem(certificate) for certificate in [self.authority.certificate, *others]]
        return "".join(dict.fromkeys(texts))

    def described(self):
        """Return what a person wants to know of each authority that is trusted."""
        found = {"signs": self.authority.certificate}
        if self.next:
            found["next"] = self.next.certificate
        if self.previous:
            found["previous"] = self.previous
        return {
            role: {"serial": "%x" % certificate.serial_number, "expires": end(certificate).isoformat()}
            for role, certificate in found.items()
        }

    def _keep(self):
        """Leave all as it is."""

    def _narrow(self):
        """Leave the files as they are: only what hosts are told changes."""

    def _introduce(self):
        if self.phase != "single" or self.authority.new:
            return
        self.next, self.changed = self._make_next(), True

    def _abandon(self):
        if not self.next:
            return
        self.next, self.changed = None, True
        if not self._check_mode:
            _remove(self._next_certificate)
            _remove(self._next_key)

    def _promote(self):
        """Let the next one sign. Its key changes its place first: from then on any run finishes the step."""
        if not self.next:
            return
        self.changed = True
        if not self._check_mode:
            write(self._previous_certificate, pem(self.authority.certificate).encode())
            os.rename(self._next_key, self._path("ca.key"))
            os.rename(self._next_certificate, self._path("ca.crt"))
        self.previous = self.authority.certificate
        self.authority = self.next if self._check_mode else Authority(self._params)
        self.next = None

    def _retire(self):
        if self.phase != "promoted":
            return
        self.previous, self.changed = None, True
        if not self._check_mode:
            _remove(self._previous_certificate)


def _remove(path):
    if os.path.exists(path):
        os.unlink(path)
