"""Every program that the sources print or describe runs, and gives the numbers that it ought to."""

import functools
import itertools
import runpy
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image

import dynamic
import static


pytestmark = pytest.mark.filterwarnings("ignore:index 0 of a tensor:DeprecationWarning")  # the listings are of 2017

ROOT = Path(__file__).parents[1]
LISTINGS = ROOT / "demos" / "listings"

N, D_IN, H, D_OUT = 64, 1000, 100, 10


def by_hand(x, y, w1, w2, steps, rate=1e-6):
    """The net in numpy: the losses before each step, and the weights after the last."""
    losses = []
    w1, w2 = w1.copy(), w2.copy()
    for _ in range(steps):
        h = x @ w1
        relu = numpy.maximum(h, 0)
        apart = relu @ w2 - y
        losses.append(float((apart**2).sum()))
        g = 2.0 * apart
        grad_w1 = x.T @ numpy.where(h < 0, 0, g @ w2.T)
        w2 = w2 - rate * (relu.T @ g)
        w1 = w1 - rate * grad_w1
    return losses, w1, w2


def numbers(text, column):
    """The numbers in a column of what a program printed; ``tensor(3.)`` counts as 3."""
    return [float(line.split()[column].removeprefix("tensor(").rstrip(")")) for line in text.splitlines() if line]


def listing(name, capsys):
    """Run a listing and return its namespace and what it printed."""
    found = runpy.run_path(str(LISTINGS / f"{name}.py"))
    return found, capsys.readouterr().out


def test_the_net_in_numpy(capsys):
    numpy.random.seed(0)
    _, out = listing("net_numpy", capsys)
    losses = numbers(out, 1)
    numpy.random.seed(0)
    arrays = [numpy.random.randn(*shape) for shape in ((N, D_IN), (N, D_OUT), (D_IN, H), (H, D_OUT))]
    expected, _, _ = by_hand(*arrays, 500)
    assert losses == pytest.approx(expected, rel=1e-9)
    assert losses[0] > 1e7
    assert losses[-1] < 1e-3


@functools.cache
def from_dynamics_seed():
    """The net by hand in float64, on the numbers that the tensor listings draw with the seed 0."""
    dynamic.manual_seed(0)
    arrays = [dynamic.randn(*shape).numpy() for shape in ((N, D_IN), (N, D_OUT), (D_IN, H), (H, D_OUT))]
    return by_hand(*(array.astype(numpy.float64) for array in arrays), 500)


@pytest.mark.parametrize("name", ["net_tensors", "net_autograd", "net_function", "net_function_instance"])
def test_the_net_on_tensors(name, capsys):
    """All four draw the same numbers from one seed and do the same, so each ends at the weights of the net by hand."""
    dynamic.manual_seed(0)
    found, out = listing(name, capsys)
    expected, w1, w2 = from_dynamics_seed()
    numpy.testing.assert_allclose(found["w1"].detach().numpy(), w1, rtol=1e-3, atol=1e-4)
    numpy.testing.assert_allclose(found["w2"].detach().numpy(), w2, rtol=1e-3, atol=1e-4)
    assert float(found["loss"].item()) < 1e-3
    if "function" in name:
        assert out == ""
    else:
        assert numbers(out, 1)[:100] == pytest.approx(expected[:100], rel=1e-3)


def test_the_net_as_a_static_graph(capsys):
    """As printed: the assignment of w2 and the read of w2 are unordered there, and every run gives the ordered numbers."""
    numpy.random.seed(0)
    with static.Graph().as_default():
        static.set_random_seed(0)
        _, out = listing("net_static", capsys)
        losses = numbers(out, 0)
        assert len(losses) == 500
        assert losses[0] > 1e7
        assert losses[-1] < 1e-2
        assert all(after < before for before, after in itertools.pairwise(losses[:300]))
    # The same weights, drawn once more in a graph with the same seed, go through the net by hand.
    numpy.random.seed(0)
    with static.Graph().as_default():
        static.set_random_seed(0)
        w1, w2 = (static.Variable(static.random_normal(shape)) for shape in ((D_IN, H), (H, D_OUT)))
        with static.Session() as sess:
            sess.run(static.global_variables_initializer())
            weights = [array.astype(numpy.float64) for array in sess.run([w1, w2])]
    expected, _, _ = by_hand(numpy.random.randn(N, D_IN), numpy.random.randn(N, D_OUT), *weights, 100)
    assert losses[:100] == pytest.approx(expected, rel=1e-3)


def test_the_walk_through(capsys):
    """The gradient 3 and the factors 0.1, 1 and 0.0001 as printed; the mean is 18, where the document prints 2."""
    found, out = listing("walkthrough", capsys)
    twice = numpy.array([0.1, 1.0, 0.0001], numpy.float32)
    doublings = found["x"].grad.numpy() / twice
    assert doublings[1] == 2 ** round(numpy.log2(doublings[1]))
    numpy.testing.assert_allclose(doublings, doublings[1], rtol=1e-6)
    y = found["y"].detach().numpy()
    numpy.testing.assert_allclose(y, found["x"].detach().numpy() * doublings[1], rtol=1e-6)
    assert 100 <= numpy.linalg.norm(y) < 200
    lines = out.splitlines()
    assert lines[6].startswith("tensor(18.")
    assert "None" in lines
    assert any(line.startswith("<AddBackward0 object at 0x") for line in lines)


def test_the_gan_as_printed(monkeypatch, capsys):
    numpy.random.seed(0)
    dynamic.manual_seed(0)
    monkeypatch.setattr(sys, "argv", ["gan.py", "101"])
    found, out = listing("gan", capsys)
    d_losses, g_losses = numbers(out, 1), numbers(out, 2)
    assert len(d_losses) == 11
    # At first the discriminator is near chance; it learns at once, and the generator falls behind.
    assert 1 < d_losses[0] < 2
    assert max(d_losses[1:4]) < 0.2
    assert min(g_losses[1:4]) > 4
    sample = found["G"](dynamic.autograd.Variable(dynamic.randn(5, 100)))
    assert tuple(sample.size()) == (5, 784)
    assert found["Wzh"].dtype == dynamic.float32
    assert all(float(abs(p.grad).sum()) == 0 for p in found["params"])


ORIGINAL = [
    ("import dynamic.nn.functional as nn", "import torch.nn.functional as nn"),
    ("import dynamic.autograd as autograd", "import torch.autograd as autograd"),
    ("import dynamic.optim as optim", "import torch.optim as optim"),
    ("from dynamic.autograd import Variable", "from torch.autograd import Variable"),
    ("import dynamic as torch", "import torch"),
    ("import static as tf", "import tensorflow as tf"),
    ("from dynamic.utils import input_data", "from tensorflow.examples.tutorials.mnist import input_data"),
]


@pytest.mark.parametrize(("name", "args"), [("net_static", []), ("net_function", []), ("gan", ["11"])])
def test_listings_run_unchanged_under_exec(tmp_path, name, args):
    """With the import lines as their authors wrote them."""
    text = (LISTINGS / f"{name}.py").read_text()
    for ours, theirs in ORIGINAL:
        text = text.replace(ours, theirs)
    assert "dynamic" not in text
    assert "static" not in text.replace("staticmethod", "")
    script = tmp_path / f"{name}.py"
    script.write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "graphs.cli", "exec", str(script), *args],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == {"net_static": 500, "net_function": 0, "gan": 2}[name]


def demo(*args, cwd):
    return subprocess.run(
        [sys.executable, str(ROOT / "demos" / args[0]), *args[1:]],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_two_layer_demo_shows_the_same_losses_in_both_modes(tmp_path):
    result = demo("two_layer.py", "--iterations", "5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[1:] for line in lines if line[0] == "static"] == [line[1:] for line in lines if line[0] == "dynamic"]
    assert len(lines) == 8


def test_the_gan_demo_writes_the_same_grids_in_both_modes(tmp_path):
    result = demo("gan.py", "--quick", "--exact", "--out", "grids", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    grids = {mode: sorted((tmp_path / "grids").glob(f"gan-{mode}-*.png")) for mode in ("static", "dynamic")}
    assert len(grids["static"]) == 10
    for first, second in zip(grids["static"], grids["dynamic"], strict=True):
        with Image.open(first) as one, Image.open(second) as other:
            assert one.size == other.size == (256, 256)
            assert numpy.array_equal(numpy.asarray(one), numpy.asarray(other))


def test_the_recurrent_demo_shows_the_same_losses_however_the_loop_is_written(tmp_path):
    result = demo("recurrent.py", "--iterations", "4", "--exact", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    losses = {}
    for line in result.stdout.splitlines():
        mode, _, rest = line.partition(" step ")
        losses.setdefault(mode.strip(), []).append(rest)
    assert list(losses) == ["static, dynamic_rnn", "static, scan", "static, while", "dynamic"]
    assert len(losses["dynamic"]) == 4
    assert all(found == losses["dynamic"] for found in losses.values())


def test_the_convolutional_demo_reads_the_same_digits_in_both_modes(tmp_path):
    result = demo("convolutional.py", "--iterations", "12", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[1:] for line in lines if line[0] == "static"] == [line[1:] for line in lines if line[0] == "dynamic"]
    assert len(lines) == 6
    assert int(lines[-1][2]) > 0.3 * int(lines[-1][4])


def test_the_variational_demo_draws_the_same_noise_in_both_modes(tmp_path):
    result = demo("variational.py", "--iterations", "20", "--exact", "--out", "planes", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines() if " step " in line]
    assert [line[1:] for line in lines if line[0] == "static"] == [line[1:] for line in lines if line[0] == "dynamic"]
    assert len(lines) == 20
    planes = [Image.open(tmp_path / "planes" / f"variational-{mode}.png") for mode in ("static", "dynamic")]
    assert planes[0].size == planes[1].size == (512, 512)
    assert len({plane.tobytes() for plane in planes}) == 1
    assert len(set(planes[0].tobytes())) > 100


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_the_packed_demo_learns_to_read_digits_of_different_heights(tmp_path, cell):
    result = demo("packed.py", "--quick", "--cell", cell, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    steps = [line.split() for line in result.stdout.splitlines() if line.startswith("step")]
    losses, right = [float(words[3]) for words in steps], [float(words[5]) for words in steps]
    assert len(steps) == 11
    assert losses[0] == pytest.approx(numpy.log(10), rel=0.1)
    assert losses[-1] < 0.7 * losses[0]
    assert right[0] < 0.25
    assert right[-1] > 0.4


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_the_net_by_nn_and_optim_learns(tmp_path, optimizer):
    result = demo("two_layer_nn.py", "--optimizer", optimizer, "--steps", "200", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    losses = [float(line.split()[1]) for line in result.stdout.splitlines()[-3:]]
    assert losses[0] > 500
    assert losses[2] < losses[1] < losses[0] / 10


def test_what_is_frozen_stays_and_what_was_learnt_is_transferred(tmp_path):
    result = demo("freezing.py", "--quick", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    *steps, last = result.stdout.splitlines()
    whole, frozen, untrained = ([word for word in line.split() if word[0].isdigit()] for line in steps)
    assert int(frozen[-1]) == int(untrained[-1]) < int(whole[-1]) / 2  # records on the tape
    assert float(frozen[0][:-1]) > float(untrained[0][:-1]) + 15
    assert last.count("True") == 2


def test_a_net_decides_on_its_own_structure(tmp_path):
    result = demo("own_structure.py", "--quick", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    steps = [line.split() for line in lines if line.startswith("step")]
    rounds, records = [int(words[7]) for words in steps], [int(words[-1]) for words in steps]
    assert len(set(rounds)) > 1
    assert len(set(zip(rounds, records, strict=True))) == len(set(rounds)) == len(set(records))
    assert float(lines[10].split()[-1][:-1]) > 80
    assert lines[11].count("times") > 2
    assert "while (total < 1.0).any() and rounds < most:" in lines[-1]


def test_the_demo_of_own_optimizers_shows_the_same_losses_however_they_are_written(tmp_path):
    result = demo("own_optimizer.py", "--iterations", "30", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    losses = {line[:13].strip(): line[13:].split()[:-4] for line in result.stdout.splitlines()}
    assert list(losses) == ["Adam", "Lion, 2017", "Lion, today", "Lion, a rule"]
    assert losses["Lion, 2017"] == losses["Lion, today"] == losses["Lion, a rule"] != losses["Adam"]
    for numbers in losses.values():
        assert float(numbers[0]) > 1.4
        assert float(numbers[-1]) < 1.1


def test_one_net_in_parts_in_replicas_and_in_ranks(tmp_path):
    pytest.importorskip("distributed")
    pytest.importorskip("mpi4py")
    result = demo("many_workers.py", "--iterations", "3", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = {line[:26].strip(): line[26:] for line in result.stdout.splitlines()[:6]}
    one, parts, replicas = (rows[f"static, {name}"] for name in ("one process", "graph in parts", "replicas"))
    assert "the same to the last bit" in parts
    assert numbers(parts, 0) == numbers(one, 0)
    assert numbers(replicas, 0) == pytest.approx(numbers(one, 0), rel=1e-6)
    assert numbers(rows["dynamic, ranks"], 1) == pytest.approx(numbers(rows["dynamic, one process"], 1), rel=1e-6)
    assert "57,760" in parts, "what crosses: relu's rows and their gradients, ReLU's weights"
    assert "404,000 of gradients" in rows["dynamic, ranks"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"workers-actual.svg", "workers-asked.svg", "workers-timeline.json", "workers-timeline.png"}
    assert "worker:1" in (tmp_path / "out" / "workers-asked.svg").read_text()


def test_the_gan_demo_names_a_damaged_mnist_file(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    result = demo("gan.py", "--quick", "--mnist", ".", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "gan.py: train-images-idx3-ubyte: 4 bytes, less than the 16 of its header\n"
