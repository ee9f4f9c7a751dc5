"""Tests of tape and plans that say nothing of a GPU, by the reason: with everything on one they are passed over."""

EXCEPTED = {
    "memory that tensors share with numpy's arrays is the processor's": [
        "dynamic/test_modes_and_hooks.py::test_a_shape_given_to_the_array_is_no_change_of_the_tensor",
        "dynamic/test_optim.py::test_a_step_writes_into_the_parameter_s_memory",
        "dynamic/test_shapes_against_torch.py::test_what_shares_memory",
        "dynamic/test_versions.py::test_from_numpy_and_numpy_share_memory_both_ways",
    ],
    "what is printed of a tensor on a GPU says so": ["dynamic/test_printing_against_torch.py::test_printing"],
    "programs as their authors wrote them, which put nothing on a GPU and mix what numpy and loaders make": [
        "dynamic/test_programs.py",
    ],
    "it is about machines without a GPU": ["dynamic/test_amp_against_torch.py::test_without_a_gpu"],
    "the stand-in keeps a note of all that it does": [
        "dynamic/test_freeing.py::test_training_does_not_grow_memory",
        "static/test_session.py::test_ten_thousand_steps_do_not_grow_memory",
    ],
    "native steps are the processor's": ["dynamic/test_recurrent.py::test_native_steps_compute_what_numpy_does"],
    "rows and positions are not looked at in plans on a GPU, where that would wait for it": [
        "static/test_rows.py::test_a_run_that_fails_changes_no_row",
        "static/test_slices.py::test_an_index_outside_is_an_error",
        "static/test_variables.py::test_values_that_do_not_fit_are_refused_in_the_run",
    ],
    "the stand-in is for one thread": ["static/test_hazards.py::test_sixteen_threads_on_two_sessions_of_one_graph"],
    "the text of a plan, its machine code and its own lines are the processor's": [
        "static/test_plan.py::test_the_source_is_one_readable_line_a_node",
        "static/test_plan.py::test_a_failing_kernel_names_its_node_and_the_line",
        "static/test_plan.py::test_results_and_constants_in_another_order_keep_it",
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
