"""What the pods of a template may not ask for, said of the object that has the template."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.problem import Problem
from weft.api.templates import PodMaker
from weft.topology.rules.wishes import check_wishes
from weft.topology.view import View


def check_template(view: View, maker: PodMaker) -> Iterator[Problem]:
    """What its pods would be refused for. That its own pods have the addresses already is no reason."""
    pod = maker.template
    if pod.spec.host_network:
        return
    for problem in list(pod.rules()) or check_wishes(view, pod, maker.makes):
        field = problem.field if problem.field == "metadata.namespace" else f"{maker.WHERE}.{problem.field}"
        yield maker.problem(field, problem.message)
