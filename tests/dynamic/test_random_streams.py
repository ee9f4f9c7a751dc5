"""Seeds and generators, and values of two modes in one call."""

import numpy as np
import pytest

import dynamic as torch
import static


# Beside the tape


def test_values_of_two_modes_do_not_mix():
    with static.Graph().as_default():
        s = static.constant(np.ones(2, "float32"))
        for mixed in (
            lambda: torch.ones(2) + s,
            lambda: s + torch.ones(2),
            lambda: torch.ones(2, 2).mm(s),
            lambda: static.add(s, torch.ones(2)),
        ):
            with pytest.raises(TypeError, match=r"(?s)(static\.Tensor.*dynamic\.Tensor|dynamic\.Tensor.*static\.Tensor)"):
                mixed()


DRAWS = {
    "randn": lambda g: torch.randn(40, generator=g),
    "rand": lambda g: torch.rand(40, generator=g),
    "randint": lambda g: torch.randint(0, 100, (40,), generator=g),
    "randperm": lambda g: torch.randperm(40, generator=g),
    "normal": lambda g: torch.normal(0.0, 1.0, (40,), generator=g),
    "bernoulli": lambda g: torch.bernoulli(torch.full((40,), 0.5), generator=g),
    "multinomial": lambda g: torch.multinomial(torch.ones(40), 30, generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_seeds_repeat_what_is_drawn(name):
    draw = DRAWS[name]
    torch.manual_seed(5)
    first, second = draw(None), draw(None)
    torch.manual_seed(5)
    assert (draw(None).tolist(), draw(None).tolist()) == (first.tolist(), second.tolist())
    assert first.tolist() != second.tolist()
    own = torch.Generator().manual_seed(5)
    assert draw(own).tolist() == first.tolist()
    torch.manual_seed(6)
    assert draw(None).tolist() != first.tolist()
    assert draw(own).tolist() == second.tolist()
