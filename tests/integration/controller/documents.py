"""Documents that the tests share."""

from __future__ import annotations

NAMESPACES = "\n---\n".join(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}" for name in ("ns1", "ns2"))

SUBNET = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: subnet1}
spec:
  cidrBlock: 10.66.0.0/16
  excludeIps: [10.66.0.1..10.66.0.10, 10.66.0.101..10.66.0.151]
  namespaces: [ns1]
"""

DUAL = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: dual}
spec:
  cidrBlock: fd00:10:67::/64,10.67.0.0/16
  namespaces: [ns2]
"""

VPCS = "\n---\n".join(
    f"""
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {{name: test-vpc-{n}}}
spec: {{namespaces: [v{n}]}}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {{name: net{n}}}
spec: {{vpc: test-vpc-{n}, cidrBlock: 10.0.1.0/24, namespaces: [v{n}]}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: v{n}}}
"""
    for n in (1, 2)
)


def pod(name: str, namespace: str = "ns1", node: str = "h1", **annotations: str) -> str:
    marks = ", ".join(f"{key.replace('__', '/')}: '{value}'" for key, value in annotations.items())
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, annotations: {{{marks}}}}}\n"
        f"spec: {{nodeName: {node}}}\n"
    )


def join(*documents: str) -> str:
    return "\n---\n".join(documents)
