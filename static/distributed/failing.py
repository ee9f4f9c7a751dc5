"""What a session on a cluster raises where a part of a run has failed, or is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.control import bodies
from graphs.core.errors import at_line, listed
from static import errors
from static.distributed.partition import Edge
from static.distributed.placement import LOCAL
from static.distributed.rounds import culprit
from static.distributed.tasks import Tasks
from static.distributed.worker import HOME


class Failing(Tasks):
    """The part of ``ClusterSession`` that says what went wrong."""

    graph: Any

    def _checked(self, answers: Mapping[int, Mapping[str, Any]], plan: Any) -> None:
        """Raise what a run is to raise where a part has failed."""
        found = culprit(answers)
        if found is None:
            return
        place, error = found
        kind = getattr(errors, error["kind"], errors.InternalError)
        message = str(error["message"])
        if "raised" in error and isinstance(error["raised"], errors.OpError):
            raise error["raised"]
        edge = error.get("edge")
        if edge is not None and plan is not None:
            message = f"{self._about(plan.cut.edges[edge])}: {message}"
        task = LOCAL if place == HOME else str(self.tasks[place])
        if error.get("lost"):
            text = f"{task} is lost: {message}. {self._losses(place, plan)}"
            self.broken = text
            raise kind(None, f"{text}{at_line()}")
        op = self._operation(error.get("node"), plan)
        raise kind(op, f"{message} (on {task if op is None else self._where.device(place)})")

    def _about(self, edge: Edge) -> str:
        source, target = self._where.device(edge.source), self._where.device(edge.target)
        return f"what {edge.reader} on {target} is to receive of {edge.name} on {source}"

    def _losses(self, place: int, plan: Any) -> str:
        """What was on a worker that is lost."""
        variables = sorted(variable.name for variable, home in self._homes.items() if home == place)
        said = f"With it went {len(variables)} variables ({listed(variables)})" if variables else "No variable was on it"
        share = None if plan is None else plan.cut.shares.get(place)
        if share is None:
            return said
        nodes = [step.node.name for step in share.schedule.steps]
        return f"{said}; its part of this run was {len(nodes)} steps ({listed(nodes)})"

    def _operation(self, name: Any, plan: Any) -> Any:
        """The node that an error is about: an operation, or one in a body of a step."""
        if name is None:
            return None
        found = self.graph._operations.get(name)
        if found is not None or plan is None:
            return found
        stack = [body for step in plan.schedule.steps for body in bodies(step.node)]
        while stack:
            for node in stack.pop().nodes:
                if node.name == name:
                    return node
                stack += bodies(node)
        return None


__all__ = ["Failing"]
