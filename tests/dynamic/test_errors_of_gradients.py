"""What errors of backward passes tell, as a user reads it: the operation and line that saved, and the line that changed."""

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import detect_anomaly, set_detect_anomaly
from dynamic.autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled


def leaf(*numbers):
    return torch.from_numpy(np.array(numbers, "float64")).requires_grad_()


def lines(error):
    """The message without this file's path and line numbers."""
    found = []
    for line in str(error.value).splitlines():
        before, _, after = line.partition(__file__)
        found.append(before + after.partition("  ")[2] if after else line)
    return found


def test_the_text_of_a_second_pass():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError) as error:
        y.backward()
    assert lines(error) == [
        "Trying to backward through the graph a second time: the first pass freed what MulBackward0 had saved",
        "  at y = (x * x).sum()",
        "Give the first pass retain_graph=True, or compute the value again",
        "  at y.backward()",
    ]


CHANGES = {
    "recorded": lambda y: y.add_(1),
    "an operator": lambda y: y.__iadd__(1),
    "through a view": lambda y: y[0].mul_(2),
    "detached": lambda y: y.detach().zero_(),
    "filled": lambda y: y.fill_(3),
    "copied into": lambda y: y.copy_(torch.zeros(2)),
    "an item": lambda y: y.__setitem__(0, 9),
}


@pytest.mark.parametrize("saved", ["argument", "result"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_text_of_a_change_in_place(change, saved):
    x = leaf(1, 2)
    y = x.exp()  # saves its result
    z = y * y if saved == "argument" else y + 0  # saves its arguments
    CHANGES[change](y)  # the change
    with pytest.raises(RuntimeError) as error:
        z.sum().backward()  # the pass
    name, line = ("MulBackward0", "arguments") if saved == "argument" else ("ExpBackward0", "result")
    first, where, told, change_line, last, pass_line = lines(error)
    assert first.endswith(f"modified by an inplace operation: what {name} saved")
    assert where.endswith(f"# saves its {line}")
    assert told == "was changed"
    assert change_line.startswith("  at ")
    assert "lambda y: y" in change_line  # a line of the table above
    assert last == "before this backward pass"
    assert pass_line.endswith("# the pass")


def test_a_step_that_is_a_change_in_place_is_named():
    w = leaf(1, 2)
    optimizer = torch.optim.SGD([w], 0.1)
    loss = (w * w).sum()  # the graph
    loss.backward(retain_graph=True)
    with torch.autograd.strict_updates():
        optimizer.step()  # the step
    with pytest.raises(RuntimeError) as error:
        loss.backward()
    assert "# the graph" in str(error.value)
    assert "# the step" in str(error.value)


def test_the_texts_of_what_needs_a_gradient_or_gives_none():
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match=r"(?s)scalars only.*multiply.*\(2,\).*\(x \* 2\)\.backward"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match=r"(?s)does not require grad.*torch\.ones\(1\)\.backward"):
        torch.ones(1).backward()
    with pytest.raises(RuntimeError, match=r"(?s)leaf.*in-place.*x\.add_\(1\)"):
        x.add_(1)


# Anomalies


def test_a_nan_is_traced_to_the_operation_that_made_it():
    x = leaf(0.0)
    y = x * 1
    z = y.sqrt() * 0  # the culprit
    with pytest.warns(UserWarning, match="Anomaly"), detect_anomaly(), pytest.raises(RuntimeError) as error:
        (z + y).sum().backward()
    assert "Function 'SqrtBackward0' returned nan values in its 0th output" in str(error.value)
    assert "# the culprit" in str(error.value)


@pytest.mark.parametrize("create", [False, True])
def test_a_pass_without_nans_is_as_it_was(create):
    x, y = leaf(1, 2), leaf(1, 2)
    (x.sin() * x).sum().backward()
    with set_detect_anomaly(True):
        assert is_anomaly_enabled()
        assert is_anomaly_check_nan_enabled()
        loss = (y.sin() * y).sum()
        loss.backward(create_graph=create)
    assert not is_anomaly_enabled()
    assert x.grad.tolist() == y.grad.tolist()
    if not create:
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()


def test_without_the_mode_a_nan_flows_on():
    x = leaf(0.0)
    (x.sqrt() * 0).sum().backward()
    assert np.isnan(x.grad.numpy()).all()
    x.grad = None
    with pytest.warns(UserWarning, match="Anomaly"):
        mode = detect_anomaly(check_nan=False)
    with mode:
        assert is_anomaly_enabled()
        (x.sqrt() * 0).sum().backward()
    assert np.isnan(x.grad.numpy()).all()


def test_the_mode_is_set_at_once():
    set_detect_anomaly(True)
    try:
        with pytest.raises(RuntimeError, match="Function 'MulBackward0' returned nan values in its 1th output"):
            (leaf(0.0) / 0 * leaf(0.0)).sum().backward()
    finally:
        set_detect_anomaly(False)
    assert not is_anomaly_enabled()


def test_nans_of_a_user_s_function_and_with_hooks():
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * float("nan")

    seen = []
    x = leaf(1.0)
    y = x * 3
    y.register_hook(seen.append)
    with set_detect_anomaly(True), pytest.raises(RuntimeError, match="Function 'BadBackward' returned nan"):
        Bad.apply(y).sum().backward()
    with set_detect_anomaly(True):
        (y * 2).sum().backward()
    assert [g.tolist() for g in seen] == [[2.0]]
