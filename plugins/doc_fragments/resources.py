# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that manage objects: of one kind, and `common` to all."""

    COMMON = r"""
attributes:
  check_mode:
    support: full
    description: The store itself judges every change, without making it.
  diff_mode:
    support: full
    description: The objects that change.
  idempotent:
    support: full
    description: An object that is as asked is not written.
  platform:
    support: full
    platforms: posix
    description: Where the store can be reached.
options:
  store:
    description: Where objects are. V(kubernetes) is a cluster's API, V(fabric) the fabric's own store without one.
    type: str
    choices: [fabric, kubernetes]
    default: kubernetes
  wait:
    description:
      - Wait until the written objects are in effect and the deleted ones gone. When the time is over, the error says
        what they wait for.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 120
  planned:
    description:
      - Whether RV(planned) also says which rows the controller would write for the changes, in check mode too. It is
        computed before anything is written, by C(weftctl) on the host that the task runs on, with O(weftctl_config);
        with O(store=kubernetes) from all objects of the API, which takes the right to list them.
    type: bool
    default: false
  kubeconfig:
    description:
      - Path of the kubeconfig. By default that of E(K8S_AUTH_KUBECONFIG) or E(KUBECONFIG), or C(~/.kube/config), or the
        service account of the pod that this runs in.
    type: path
  context:
    description: Context of the kubeconfig. By default E(K8S_AUTH_CONTEXT), or its current one.
    type: str
  host:
    description: URL of the API, in place of a kubeconfig. By default E(K8S_AUTH_HOST).
    type: str
  api_key:
    description: Bearer token. By default E(K8S_AUTH_API_KEY).
    type: str
  validate_certs:
    description: Whether the API's certificate is verified. By default E(K8S_AUTH_VERIFY_SSL), or the kubeconfig's word.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description: Certificates that the API's must be signed by. By default E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description: Client certificate. By default E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description: Its key. By default E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
requirements:
  - The Python library C(kubernetes), for O(store=kubernetes).
  - C(weftctl) and an administrator's certificate, for O(store=fabric) and O(planned=true).
notes:
  - The connection's options can be given once for all of these modules, by C(module_defaults) of the action group
    C(group/weft.ovn.resources).
  - What the store refuses does not hold up the other objects of the list; the task fails and says which were refused,
    and RV(changes) has those that were made.
"""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(merged) has the listed objects with the given fields; other fields and other objects are left alone. Mappings
        are merged, lists are replaced.
      - V(replaced) has the listed objects with the given fields and no others.
      - V(overridden) is V(replaced), and deletes all other objects of the kind.
      - V(deleted) deletes the listed objects.
      - V(gathered) returns the objects that there are, as O(config).
      - V(rendered) returns the documents that O(config) stands for, and asks nobody.
    type: str
    choices: [merged, replaced, overridden, deleted, gathered, rendered]
    default: merged
  delete_system:
    description:
      - Whether O(state=overridden) also deletes what the fabric was born with and the list lacks, the subnets
        C(ovn-default) and C(join) and the VPC C(ovn-cluster).
    type: bool
    default: false
"""
