"""Tests of tape and plans that say nothing of a GPU, by the reason: with everything on one they are passed over."""

EXCEPTED = {
    "memory that tensors share with numpy's arrays is the processor's": [
        "dynamic/test_versions.py::test_from_numpy_and_numpy_share_memory_both_ways",
    ],
    "the text of a plan, its machine code and its own lines are the processor's": [
        "static/test_plan.py::test_the_source_is_one_readable_line_a_node",
        "static/test_plan.py::test_a_failing_kernel_names_its_node_and_the_line",
        "static/test_plan.py::test_what_variables_are_changed_by_lasts_until_they_are_changed",
    ],
    "what is interpreted is computed on the processor, whose functions have other last bits than a GPU's kernels": [
        "static/test_plan.py::test_interpreting_without_commit_leaves_everything_as_it_was",
        "static/test_plan.py::test_long_plans_and_short_ones_agree",
    ],
}
"""Names of tests, or of whole modules or classes, below ``tests/``."""

_REASONS = {f"tests/{name}": reason for reason, names in EXCEPTED.items() for name in names}


def excepted(test: str) -> str:
    """Why a test, by its node id, is not run with everything on a GPU; empty where it is."""
    whole = test.partition("[")[0]
    parts = whole.split("::")
    names = ["::".join(parts[: at + 1]) for at in range(len(parts))]
    return next((_REASONS[name] for name in [test, *names] if name in _REASONS), "")
