"""What is held to these figures, and the test modules that do it."""

from __future__ import annotations

from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]

SUBJECTS = {
    "graphs/core": ["graphs/core/*.py"],
    "static/passes": ["static/passes/*.py"],
    "static/session": [f"static/{name}.py" for name in ("session", "calling", "plan", "schedule", "emit", "rows", "growth")],
    "dynamic/autograd": ["dynamic/autograd/*.py"],
    "loaders": [
        *(f"static/{name}.py" for name in ("checkpoints", "checkpoint_state", "checkpoint_initializer", "saver")),
        "static/export/*.py",
        "dynamic/serialization.py",
        "dynamic/packing.py",
    ],
}
"""The parts, each with patterns of its files."""

_MODULES = {
    "agree": "bounded_passes golden_errors native_programs nobodys_programs random_programs regressions",
    "files": "damage failing_disk formats hostile loading tensorfile",
    "graphs": "codegen control core functions generated_text parts portable random_ops shapes_and_indices sums updates"
    " values",
    "graphs/inspection": "first_nan watch_dynamic",
    "graphs/rewrite": "checks engine hoist merge programs rounds rules",
    "static": "accumulate array_loops calling control effects export fused_nodes gradients graph hazards hostile_exports"
    " in_place inspection interrupts loop_passes on_device on_device_placement passes plan report rows saver scopes session"
    " tensor_array threads variables",
    "dynamic": "backward checkpoint corners_of_gradients derivatives_against_torch errors_of_gradients freeing"
    " func_against_torch graph_against_torch interrupts leftovers_against_torch modes_and_hooks"
    " own_functions_against_torch serialization threads user_functions versions",
}
TESTS = [f"tests/{part}/test_{name}.py" for part, names in _MODULES.items() for name in names.split()]
"""Modules of tests: those that are about these files."""

UNSEEN = ("tests/static/test_interrupts.py", "tests/dynamic/test_interrupts.py")
"""Modules whose tests follow programs with a tracer of their own, where coverage sees nothing: for lines without a test."""

SLOW = [
    "tests/dynamic/test_graph_against_torch.py::test_saving[changed_afterwards]",
    "tests/graphs/test_core.py::test_ancestors_do_not_recurse",
    "tests/static/test_effects.py::test_printed_text_is_tensorflows",
    "tests/static/test_export.py::test_a_graph_is_the_same_text_in_every_process",
    "tests/static/test_export.py::test_long_chains",
    "tests/static/test_plan.py::test_chains_of_a_hundred_thousand_operations",
    "tests/static/test_saver.py::test_a_kill_while_saving_leaves_the_old_or_the_new",
    "tests/static/test_session.py::test_ten_thousand_steps_do_not_grow_memory",
]
"""Tests in these modules that take long, and come by no other lines: they are left out."""


def files(subject: str) -> list[Path]:
    """The files of a part, in the order of their names."""
    return sorted({path for pattern in SUBJECTS[subject] for path in ROOT.glob(pattern)})
