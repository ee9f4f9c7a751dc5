"""``debug`` for tapes: a program's operations one at a time, forward, backward and in updates, back, and with other values.

Python cannot be run backwards, so what ran is written down: which op, on which values, and copies of what it gave. Going
back shows these. A value that is changed is changed in the program's own memory as well, and the operations that depend on
it are run again from what was written down; what Python itself had read of them before (a branch, a number) it has read, and
the change says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dynamic import listening, tape
from dynamic.changes import Changes
from dynamic.recorder import Recorder
from dynamic.watching import reads
from graphs.inspection.moments import Emit
from graphs.inspection.stepper import BUDGET, Stepper
from graphs.updates import Rule


@contextmanager
def stepping(emit: Emit, budget: int = BUDGET) -> Iterator[None]:
    """Have every operation of this thread inside told of to ``emit`` when it has run, and let it wait there."""
    recorder = Recorder(emit, budget)
    become, kernel_of, watched = Changes._become, Rule.kernel, tape.watched

    def became(self: Any, value: Any) -> Any:
        if threading.get_ident() != recorder.thread:
            return become(self, value)
        operand, others = recorder.cell(value), recorder.sharing(self._array)
        result = become(self, value)
        recorder.became(self, operand, others)
        return result

    def kernel(rule: Rule, dtype: Any) -> Any:
        plain = kernel_of(rule, dtype)

        def run(inputs: Any, outs: Any = None) -> Any:
            if threading.get_ident() != recorder.thread:
                return plain(inputs, outs)
            operands = tuple([recorder.cell(x) for x in inputs])
            made = plain(inputs, outs)
            recorder.updated(rule, operands, made if outs is None else outs, plain)
            return made

        return run

    Changes._become, Rule.kernel, tape.watched = became, kernel, True  # type: ignore[method-assign, assignment]
    listening.listen(recorder)
    try:
        with reads(recorder):
            yield
    finally:
        listening.leave(recorder)
        Changes._become, Rule.kernel, tape.watched = become, kernel_of, watched  # type: ignore[method-assign]


def debug(program: Callable[..., Any], *args: Any, budget: int = BUDGET, **settings: Any) -> Stepper:
    """A stepper over ``program(*args, **settings)``: nothing has run yet.

    Args:
        program: a function; what it runs on tensors is stepped through, backward passes and updates among it.
        args, settings: what it is given.
        budget: how many bytes of values are kept; older ones are computed again when somebody looks at them.

    ``dynamic.debug(train, batch).interact()`` asks for commands.
    """
    return Stepper(lambda: program(*args, **settings), [lambda emit: stepping(emit, budget)])
