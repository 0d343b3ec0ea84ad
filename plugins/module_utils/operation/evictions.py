# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May Kubernetes' pods leave a host: every reason why not, and what is done to the node and to which pods.

Beside what others need, the look has C(kubernetes): documents by kind (the C(Node), the C(Pod) objects that are there,
each C(PodDisruptionBudget)), or C(failed) with the reason why there are none.
"""

from __future__ import annotations

from ansible_collections.weft.ovn.plugins.module_utils.operation.look import named, problem
from ansible_collections.weft.ovn.plugins.module_utils.operation.nodes import remove_node

LEAVING = "weft.ovn/leaving"
"""Taint of a node whose host is no part of the fabric; its value tells whether the node was C(open) or C(cordoned)."""
OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
"""What a person says to Kubernetes of a machine that is off: its pods are deleted though no kubelet confirms it."""
MIRROR = "kubernetes.io/config.mirror"
FINISHED = ("Succeeded", "Failed")


def leave(look, options):
    """Return the plan of remove_node."""
    problems = remove_node(look, options)
    known = look.get("kubernetes")
    if known is None:
        return {"problems": problems, "story": [], "taints": [], "daemons": []}
    if "failed" in known:
        advice = "is it up, is controller_kubernetes_admin_kubeconfig right? 'kubectl get nodes' has to work"
        problems.append(problem("Kubernetes does not answer: %s" % known["failed"], advice))
        known = {}
    return _Eviction(known, options).plan(problems)


def left(node):
    """Return what the node C(was) when its host left, and the C(taints) that it has since; None when no host left."""
    taints = (node.get("spec") or {}).get("taints") or []
    was = next((taint.get("value") or "open" for taint in taints if taint["key"] == LEAVING), None)
    ours = [taint for taint in taints if taint["key"] in (LEAVING, OUT_OF_SERVICE["key"])]
    return None if was is None else {"was": was, "taints": ours}


class _Eviction:
    """What is due for the pods of one node."""

    def __init__(self, known, options):
        self.node = next(iter(known.get("Node") or []), None)
        self.budgets = [_Budget(item) for item in known.get("PodDisruptionBudget") or []]
        self.host, self.dead = options["host"], options["dead"]
        there = [pod for pod in known.get("Pod") or [] if _runs(pod)] if options["workloads"] == "drain" else []
        self.daemons = [pod for pod in there if _owner(pod) == "DaemonSet" and _has_network(pod)]
        self.bare = [pod for pod in there if not _owner(pod)]
        self.evicted = [pod for pod in there if _owner(pod) not in ("", "DaemonSet")]

    def plan(self, problems):
        return {
            "problems": problems + self._stubborn() + ([] if self.dead else self._bare() + self._held()),
            "story": self._story(),
            "taints": self._taints(),
            "daemons": [{"apiVersion": "v1", "kind": "Pod", "metadata": _place(pod)} for pod in self.daemons],
        }

    def _taints(self):
        if self.node is None:
            return []
        now = "cordoned" if self.node["spec"].get("unschedulable") else "open"
        mark = {"key": LEAVING, "value": (left(self.node) or {"was": now})["was"], "effect": "NoSchedule"}
        return [mark, OUT_OF_SERVICE] if self.dead else [mark]

    def _story(self):
        if self.node is None:
            return []
        found = ["Node/%s takes no new pods" % self.host]
        if self.evicted or (self.dead and self.bare):
            how = "deleted, since their host is dead" if self.dead else "evicted, as their budgets allow"
            pods = self.evicted + (self.bare if self.dead else [])
            found.append("%d pods are %s: %s" % (len(pods), how, _names(pods)))
        if self.daemons:
            found.append("%d pods of DaemonSets are deleted, and not made again there: %s" % _counted(self.daemons))
        return found

    def _bare(self):
        if not self.bare:
            return []
        text = "nothing would make %d pods anew elsewhere: %s" % _counted(self.bare)
        return [problem(text, "delete them, and make them again on another host")]

    def _stubborn(self):
        """A DaemonSet makes its pods again on a node whose taint they tolerate."""
        found = [pod for pod in self.daemons if _tolerates(pod)]
        if not found:
            return []
        text = "%d pods of DaemonSets tolerate any taint, so they would be made again there: %s" % _counted(found)
        return [problem(text, "keep the DaemonSet off the node by its affinity, or tolerate less")]

    def _held(self):
        """Budgets by which Kubernetes would evict nothing now. Those that allow some are waited for."""
        found = []
        for budget in self.budgets:
            pods = [pod for pod in self.evicted if budget.holds(pod)]
            if pods:
                text = "PodDisruptionBudget/%s lets none of its pods go now: %s" % (budget.name, _names(pods))
                found.append(
                    problem(text, "see to it that more of its pods are ready, elsewhere: 'kubectl get pdb -A'")
                )
        twice = [pod for pod in self.evicted if sum(budget.covers(pod) for budget in self.budgets) > 1]
        if twice:
            text = "%d pods have more than one PodDisruptionBudget: %s" % _counted(twice)
            found.append(problem(text, "Kubernetes evicts no such pod: leave it one"))
        return found


class _Budget:
    """A PodDisruptionBudget."""

    def __init__(self, document):
        self.namespace = document["metadata"]["namespace"]
        self.name = "%s/%s" % (self.namespace, document["metadata"]["name"])
        self.spec, self.status = document.get("spec") or {}, document.get("status") or {}

    def covers(self, pod):
        labels, selector = pod["metadata"].get("labels") or {}, self.spec.get("selector")
        if pod["metadata"]["namespace"] != self.namespace or selector is None:
            return False
        wanted = (selector.get("matchLabels") or {}).items()
        return all(labels.get(key) == value for key, value in wanted) and all(
            _matches(labels, item) for item in selector.get("matchExpressions") or []
        )

    def holds(self, pod):
        """Whether an eviction would be refused now, as the API server judges it (policy/v1)."""
        status = pod.get("status") or {}
        if not self.covers(pod) or self.status.get("disruptionsAllowed", 0) > 0 or status.get("phase") == "Pending":
            return False
        conditions = status.get("conditions") or []
        if any(item["type"] == "Ready" and item["status"] == "True" for item in conditions):
            return True
        enough = self.status.get("currentHealthy", 0) >= self.status.get("desiredHealthy", 0) > 0
        return not enough and self.spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow"


def _matches(labels, expression):
    """Whether labels fulfil one of matchExpressions (meta/v1 LabelSelectorRequirement)."""
    key, values = expression["key"], expression.get("values") or []
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def _runs(pod):
    """Not a file's on the host, which nobody can evict, and not one that has come to its end."""
    mirror = MIRROR in (pod["metadata"].get("annotations") or {})
    return not mirror and (pod.get("status") or {}).get("phase") not in FINISHED


def _has_network(pod):
    return not pod["spec"].get("hostNetwork")


def _owner(pod):
    """The kind of who makes it anew; empty when nobody does."""
    return next((item["kind"] for item in pod["metadata"].get("ownerReferences") or [] if item.get("controller")), "")


def _tolerates(pod):
    """Whether the taint of a host that leaves does not keep it away."""
    return any(
        item.get("key") in (None, "", LEAVING)
        and item.get("effect") in (None, "", "NoSchedule")
        and (item.get("operator") == "Exists" or item.get("value") in ("open", "cordoned"))
        for item in pod["spec"].get("tolerations") or []
    )


def _place(pod):
    return {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}


def _names(pods):
    return named("%(namespace)s/%(name)s" % _place(pod) for pod in pods)


def _counted(pods):
    return len(pods), _names(pods)
