# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a target."""

from __future__ import annotations


class TargetError(Exception):
    """The whole task failed: nothing can be read, or nothing could be written."""


class NoSuchKindError(TargetError):
    """The target does not have the kind."""


class RefusedError(Exception):
    """One object was refused; the text is the target's own."""
