# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that call weftctl."""

    DOCUMENTATION = r"""
options:
  weftctl:
    description: Path of C(weftctl) on the target.
    type: path
    default: /opt/weft/bin/weftctl
  weftctl_config:
    description: Its configuration; says where the databases are and with which certificate to ask them.
    type: path
    default: /etc/weft/weftctl.toml
"""
