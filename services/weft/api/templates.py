"""What makes pods, as far as a network needs to know it: the template that their annotations come from.

These are no kinds of a store. They are judged where they are written, since a pod that its maker asks for in vain is
refused where nobody looks.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from weft.api import workloads
from weft.api.base import KindInfo, Metadata, Projected, Resource
from weft.api.core import Pod, PodSpec


class TemplateMetadata(Projected):
    """What all pods of a template are given."""

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class PodTemplate(Projected):
    """The pods that are made."""

    metadata: TemplateMetadata = Field(default_factory=TemplateMetadata)
    spec: PodSpec = Field(default_factory=PodSpec)


class TemplateSpec(Projected):
    """Where the template is in most kinds."""

    template: PodTemplate = Field(default_factory=PodTemplate)


class CronSpec(Projected):
    """A CronJob has it in the jobs that it makes."""

    template: PodTemplate = Field(default_factory=PodTemplate)

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, value: Any) -> Any:
        job = value.get("jobTemplate") if isinstance(value, dict) else None
        return job.get("spec", {}) if isinstance(job, dict) else value


class PodMaker(Resource):
    """Something that makes pods. They are called after it: `<name>-…`."""

    WHERE: ClassVar[str] = "spec.template"
    spec: TemplateSpec | CronSpec

    @property
    def template(self) -> Pod:
        """A pod as it would be made."""
        given = self.spec.template
        metadata = Metadata(
            name=self.name,
            namespace=self.namespace,
            labels=given.metadata.labels,
            annotations=given.metadata.annotations,
        )
        return Pod(metadata=metadata, spec=given.spec)

    def makes(self, port: str) -> bool:
        """Whether a port of this name is of one of its pods."""
        pod, _, namespace = port.partition(".")
        return namespace.partition(".")[0] == self.namespace and pod.startswith(f"{self.name}-")


class Deployment(PodMaker):
    """Pods that are alike."""

    INFO: ClassVar = KindInfo("apps/v1", "Deployment", "deployments", namespaced=True)
    spec: TemplateSpec


class ReplicaSet(PodMaker):
    """Pods that are alike."""

    INFO: ClassVar = KindInfo("apps/v1", "ReplicaSet", "replicasets", namespaced=True)
    spec: TemplateSpec


class StatefulSetSpec(workloads.StatefulSetSpec, TemplateSpec):
    """Which pods, and of what template."""


class StatefulSet(workloads.StatefulSet, PodMaker):
    """Pods with names that last. Stores keep less of it."""

    spec: StatefulSetSpec = Field(default_factory=StatefulSetSpec)


class DaemonSet(PodMaker):
    """A pod on each node."""

    INFO: ClassVar = KindInfo("apps/v1", "DaemonSet", "daemonsets", namespaced=True)
    spec: TemplateSpec


class Job(PodMaker):
    """Pods that end."""

    INFO: ClassVar = KindInfo("batch/v1", "Job", "jobs", namespaced=True)
    spec: TemplateSpec


class CronJob(PodMaker):
    """Jobs at certain times."""

    INFO: ClassVar = KindInfo("batch/v1", "CronJob", "cronjobs", namespaced=True)
    WHERE: ClassVar = "spec.jobTemplate.spec.template"
    spec: CronSpec


class VirtualMachine(workloads.VirtualMachine, PodMaker):
    """A machine of KubeVirt. Its port is of its own name, in whatever pod it runs. Stores keep less of it."""

    spec: TemplateSpec = Field(default_factory=TemplateSpec)

    def makes(self, port: str) -> bool:
        return port == f"{self.name}.{self.namespace}" or port.startswith(f"{self.name}.{self.namespace}.")


MAKERS: dict[str, type[PodMaker]] = {
    cls.INFO.kind: cls for cls in (Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, VirtualMachine)
}
"""By kind."""
