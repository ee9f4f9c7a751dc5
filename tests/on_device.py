"""Tests of tape and plans that say nothing of a GPU, by the reason: with everything on one they are passed over."""

EXCEPTED = {
    "memory that tensors share with numpy's arrays is the processor's": [
        "dynamic/test_arranging_against_torch.py::test_what_shares_memory",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[as_tensor shares]",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[asarray shares]",
        "dynamic/test_modes_and_hooks.py::test_a_shape_given_to_the_array_is_no_change_of_the_tensor",
        "dynamic/test_nn_utils_against_torch.py::test_clipping_leaves_small_gradients_alone_and_the_memory_in_place",
        "dynamic/test_optim.py::test_a_step_writes_into_the_parameter_s_memory",
        "dynamic/test_shapes_against_torch.py::test_what_shares_memory",
        "dynamic/test_versions.py::test_from_numpy_and_numpy_share_memory_both_ways",
    ],
    "what is printed of a tensor on a GPU, and its type, says so": [
        "dynamic/test_creation_against_torch.py::test_new_tensors[type-",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[default dtype]",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[typename]",
        "dynamic/test_containers.py::test_container[parameters by name",
        "dynamic/test_module.py::test_a_buffer_is_a_tensor",
        "dynamic/test_module.py::test_module[type]",
        "dynamic/test_module.py::test_parameter[<lambda>0]",
        "dynamic/test_order_against_torch.py::test_printed_results_name_their_fields",
        "dynamic/test_printing_against_torch.py::test_printing",
        "dynamic/test_surface_against_torch.py::test_printing",
        "dynamic/test_surface_against_torch.py::test_printing_of_results",
    ],
    "programs as their authors wrote them, which put nothing on a GPU and mix what numpy and loaders make": [
        "dynamic/test_programs.py",
    ],
    "it is about machines without a GPU": [
        "dynamic/test_amp_against_torch.py::test_without_a_gpu",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[a device of an accelerator]",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[accelerator",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[backends that are not there]",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[cuda",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[tensor on a GPU]",
        "dynamic/test_creation_against_torch.py::test_rows_data_and_settings[zeros on a GPU]",
    ],
    "Python does not count the memory of a GPU, and the stand-in keeps a note of all that it does": [
        "dynamic/test_checkpoint.py::test_functions_of_a_user_s_own_forget_and_run_again",
        "dynamic/test_checkpoint.py::test_what_is_computed_anew_is_freed_too",
        "dynamic/test_checkpoint.py::test_what_is_saved_is_forgotten",
    ],
    "native steps are the processor's": ["dynamic/test_recurrent.py::test_native_steps_compute_what_numpy_does"],
    "positions beyond the end wrap around on a GPU, where nobody waits for them to be looked at": [
        "dynamic/test_adaptive_pools_against_torch.py::test_unpooling[by default-2-{'kernel_size': 2}]",
        "dynamic/test_adaptive_pools_against_torch.py::test_unpooling[by default-3-{'kernel_size': 3, 'stride': 2}]",
        "dynamic/test_adaptive_pools_against_torch.py::test_unpooling[by default-3-{'kernel_size': 3, "
        "'stride': 2, 'padding': 1}]",
        "dynamic/test_adaptive_pools_against_torch.py::test_wrong_arguments[positions outside]",
        "dynamic/test_arranging_against_torch.py::test_same_as_pytorch[scatter beyond]",
        "dynamic/test_arranging_against_torch.py::test_same_in_float32[scatter beyond]",
        "dynamic/test_indexing_against_torch.py::test_what_is_changed[a tensor beyond]",
        "dynamic/test_indexing_against_torch.py::test_what_is_taken[a tensor below]",
        "dynamic/test_indexing_against_torch.py::test_what_is_taken[a tensor beyond]",
        "dynamic/test_shapes_against_torch.py::test_indices[beyond, tensor]",
        "dynamic/test_shapes_against_torch.py::test_shapes[gather beyond]",
    ],
    "rows and positions are not looked at in plans on a GPU, where that would wait for it": [
        "static/test_rows.py::test_a_run_that_fails_changes_no_row",
        "static/test_slices.py::test_an_index_outside_is_an_error",
        "static/test_scatter.py::test_positions_outside_are_refused_and_change_nothing[<lambda>0]",
        "static/test_variables.py::test_values_that_do_not_fit_are_refused_in_the_run[<lambda>-value4-row 2 "
        "is not one of the 2 of the variable]",
        "static/test_variables.py::test_values_that_do_not_fit_are_refused_in_the_run[<lambda>-value5-row -1 "
        "is not one of the 2 of the variable]",
    ],
    "cupy's linear algebra says nothing where there is no answer": [
        "dynamic/test_linalg_against_torch.py::test_what_has_no_answer_is_an_error_of_linear_algebra",
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
"""Names of tests, of whole modules, or how those of some of a test's cases begin, below ``tests/``."""

_REASONS = {f"tests/{name}": reason for reason, names in EXCEPTED.items() for name in names}


def excepted(test: str) -> str:
    """Why a test, by its node id, is not run with everything on a GPU; empty where it is."""
    whole, bracket, _ = test.partition("[")
    for name in (whole, whole.partition("::")[0]):
        if name in _REASONS:
            return _REASONS[name]
    return next((reason for name, reason in _REASONS.items() if bracket and "[" in name and test.startswith(name)), "")
