# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How modules reach a zone's databases and those of the interconnection."""

    DOCUMENTATION = r"""
options:
  northbound:
    description: Where the zone's Northbound listens; several remotes are separated by commas.
    type: str
    default: unix:/run/ovn/ovnnb_db.sock
  private_key:
    description: Private key for remotes of the form C(ssl:HOST:PORT).
    type: path
    default: /etc/weft/pki/ovn-central.key
  certificate:
    description: Its certificate.
    type: path
    default: /etc/weft/pki/ovn-central.crt
  ca_cert:
    description: Certificates of the authorities that the databases' certificates may be of.
    type: path
    default: /etc/weft/interconnect/ca.crt
  timeout:
    description: Seconds to wait for databases.
    type: int
    default: 30
"""
