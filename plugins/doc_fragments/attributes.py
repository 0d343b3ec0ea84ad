# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that all modules have which work on a host."""

    DOCUMENTATION = r"""
attributes:
  idempotent:
    support: full
    description: What is as asked is left alone, and a second run changes nothing.
  platform:
    support: full
    platforms: posix
    description: The host runs Linux.
"""
