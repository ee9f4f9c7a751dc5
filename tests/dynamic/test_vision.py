"""What ``torchvision`` means: datasets of local files, transforms and grids, by what its documentation says of them."""

import gzip
import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dynamic
from dynamic.utils.data import DataLoader
from dynamic.vision import datasets, transforms, utils
from dynamic.vision.transforms import functional as F


ROOT = Path(__file__).resolve().parents[2]

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
PICTURE = Image.fromarray(PIXELS)
GREY = Image.fromarray(PIXELS[:, :, 0])
TENSOR = dynamic.from_numpy(PIXELS.transpose(2, 0, 1).astype(np.float32) / 255)


def idx(array):
    return (0x0800 + array.ndim).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """Some digits in files of MNIST's format: the test images plain, the training images gzipped."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for stem, n, zipped in (("train", 50, True), ("t10k", 20, False)):
        images, labels = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8), rng.integers(0, 10, n).astype(np.uint8)
        for name, array in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", labels)):
            if zipped:
                (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                (folder / name).write_bytes(idx(array))
    return tmp_path


@pytest.mark.parametrize("train", [True, False])
def test_mnist(mnist, train):
    found = datasets.MNIST(str(mnist), train=train, download=True)
    assert len(found) == (50 if train else 20)
    assert (found.data.dtype, tuple(found.data.shape[1:])) == (dynamic.uint8, (28, 28))
    assert found.targets.dtype == dynamic.int64
    image, target = found[3]
    assert (image.mode, image.size) == ("L", (28, 28))
    assert (np.asarray(image) == found.data[3].numpy()).all()
    assert target == found.targets[3].item()
    assert type(target) is int
    assert ("Train" if train else "Test") in repr(found)
    assert found.train_data is found.data
    assert len(found.classes) == 10


def test_mnist_with_transforms_and_a_loader(mnist):
    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    found = datasets.MNIST(mnist, transform=change, target_transform=lambda t: t + 100)
    batches = list(DataLoader(found, batch_size=20, shuffle=True, num_workers=2))
    assert [tuple(images.shape) for images, _ in batches] == [(20, 1, 28, 28), (20, 1, 28, 28), (10, 1, 28, 28)]
    assert all((targets >= 100).all() for _, targets in batches)
    expected = (found.data.numpy() / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(
        np.mean([x.item() for i, _ in batches for x in i.mean((1, 2, 3))]), expected.mean(), rtol=1e-5
    )


@pytest.mark.parametrize("download", [True, False])
@pytest.mark.parametrize("kind", ["MNIST", "FashionMNIST", "KMNIST"])
def test_missing_files_are_an_error_that_says_where_they_belong(tmp_path, kind, download):
    with pytest.raises(RuntimeError, match=rf"Nothing is downloaded here: put train-images-idx3-ubyte .*{kind}.raw"):
        getattr(datasets, kind)(tmp_path, download=download)


def test_files_in_the_directory_itself(mnist):
    found = datasets.FashionMNIST(mnist / "MNIST" / "raw", train=False)
    assert len(found) == 20
    assert found.class_to_idx["Ankle boot"] == 9


def test_damaged_files(mnist):
    path = mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="calls for"):
        datasets.MNIST(mnist, train=False)


def test_fake_data():
    found = datasets.FakeData(5, (3, 4, 6), 3, transforms.ToTensor())
    again = datasets.FakeData(5, (3, 4, 6), 3, transforms.ToTensor())
    assert tuple(found[0][0].shape) == (3, 4, 6)
    assert all((x == y).all() and t == u for (x, t), (y, u) in zip(found, again, strict=True))
    assert (found[0][0] != found[1][0]).any()
    assert (datasets.FakeData(5, (3, 4, 6), random_offset=1)[0][0].tobytes()) == datasets.FakeData(5, (3, 4, 6))[1][
        0
    ].tobytes()
    with pytest.raises(IndexError):
        found[5]


def test_pictures_in_directories(tmp_path):
    for name in ("b/2.png", "b/1.png", "a/deep/3.PNG", "a/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            path.write_text("no picture")
        else:
            PICTURE.save(path, format="png")
    found = datasets.ImageFolder(tmp_path)
    assert (found.classes, found.class_to_idx) == (["a", "b"], {"a": 0, "b": 1})
    assert [(Path(path).name, target) for path, target in found.imgs] == [("3.PNG", 0), ("1.png", 1), ("2.png", 1)]
    assert (np.asarray(found[0][0]) == PIXELS).all()
    assert "Number of datapoints: 3" in repr(found)
    (tmp_path / "c").mkdir()
    with pytest.raises(FileNotFoundError, match="c"):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 3
    with pytest.raises(FileNotFoundError):
        datasets.ImageFolder(tmp_path / "c")


# Transforms


def test_pictures_and_tensors():
    x = F.to_tensor(PICTURE)
    assert (x.dtype, tuple(x.shape)) == (dynamic.float32, (3, 6, 8))
    np.testing.assert_array_equal(x.numpy(), PIXELS.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    assert (np.asarray(F.to_pil_image(x)) == PIXELS).all()
    assert (F.pil_to_tensor(PICTURE).numpy() == PIXELS.transpose(2, 0, 1)).all()
    assert tuple(F.to_tensor(GREY).shape) == (1, 6, 8)
    assert F.to_tensor(GREY.convert("1")).max().item() == 1.0
    assert (F.to_tensor(PIXELS) == x).all()
    assert F.to_tensor(PIXELS.astype(np.float64)).dtype == dynamic.float64  # only bytes are scaled
    assert F.to_tensor(PIXELS[:, :, 0]).shape == (1, 6, 8)


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (PIXELS, "RGB"),
        (PIXELS[:, :, :1], "L"),
        (PIXELS[:, :, 0], "L"),
        (PIXELS[:, :, :2], "LA"),
        (np.concatenate([PIXELS, PIXELS[:, :, :1]], 2), "RGBA"),
        (PIXELS[:, :, 0].astype(np.int32), "I"),
        (PIXELS[:, :, 0].astype(np.float32), "F"),
    ],
)
def test_modes_of_pictures(array, mode):
    made = F.to_pil_image(array)
    assert made.mode == mode
    assert (np.asarray(made).reshape(array.shape) == array).all()


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: F.to_tensor(3), TypeError),
        (lambda: F.to_tensor(np.zeros(3)), ValueError),
        (lambda: F.to_pil_image("a"), TypeError),
        (lambda: F.to_pil_image(np.zeros((2, 2, 5), np.uint8)), ValueError),
        (lambda: F.to_pil_image(PIXELS, "L"), ValueError),
        (lambda: F.to_pil_image(PIXELS.astype(float)), TypeError),
        (lambda: F.normalize(PICTURE, [0], [1]), TypeError),
        (lambda: F.normalize(dynamic.from_numpy(PIXELS), [0], [1]), TypeError),
        (lambda: F.normalize(TENSOR, [0, 0, 0], [1, 0, 1]), ValueError),
        (lambda: F.normalize(TENSOR[0], [0], [1]), ValueError),
        (lambda: transforms.RandomCrop(7)(PICTURE), ValueError),
        (lambda: transforms.Lambda(3), TypeError),
        (lambda: transforms.Resize((1, 2, 3)), ValueError),
        (lambda: F.pad(PICTURE, (1, 2, 3)), ValueError),
        (lambda: F.pad(PICTURE, 1, padding_mode="glue"), ValueError),
        (lambda: transforms.Grayscale(2)(PICTURE), ValueError),
        (lambda: transforms.RandomRotation(-3), ValueError),
    ],
)
def test_what_does_not_fit(call, kind):
    with pytest.raises(kind):
        call()


def test_normalize():
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    expected = (TENSOR.numpy() - np.float32(mean).reshape(3, 1, 1)) / np.float32(std).reshape(3, 1, 1)
    np.testing.assert_allclose(transforms.Normalize(mean, std)(TENSOR).numpy(), expected, rtol=1e-6)
    x = TENSOR.clone()
    assert transforms.Normalize(mean, std, inplace=True)(x) is x
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "wide", "shape"),
    [(3, (6, 8), (3, 4)), (12, (6, 8), (12, 16)), ((4, 5), (6, 8), (4, 5)), (4, (8, 6), (5, 4)), ([3], (6, 8), (3, 4))],
)
def test_sizes(size, wide, shape):
    array = PIXELS if wide == (6, 8) else PIXELS.transpose(1, 0, 2).copy()
    resized = transforms.Resize(size)(Image.fromarray(array))
    assert resized.size == shape[::-1]
    assert (np.asarray(resized) == np.asarray(Image.fromarray(array).resize(shape[::-1], Image.Resampling.BILINEAR))).all()
    x = F.to_tensor(array)
    assert tuple(transforms.Resize(size)(x).shape) == (3, *shape)
    # Pillow widens its kernels as antialiasing does, but rounds to bytes.
    np.testing.assert_allclose(transforms.Resize(size)(x).numpy(), F.to_tensor(resized).numpy(), atol=1.5 / 255)


def test_largest_size():
    assert F.resize(PICTURE, 10, max_size=12).size == (12, 9)
    with pytest.raises(ValueError, match="max_size"):
        F.resize(PICTURE, 5, max_size=5)


@pytest.mark.parametrize("size", [(4, 4), (3, 5), 6, (6, 8), (9, 4), (10, 11)])
def test_the_middle(size):
    height, width = F.pair(size)
    picture, x = transforms.CenterCrop(size)(PICTURE), transforms.CenterCrop(size)(TENSOR)
    assert picture.size == (width, height)
    assert (F.to_tensor(picture) == x).all()
    if height <= 6 and width <= 8:
        top, left = round((6 - height) / 2), round((8 - width) / 2)
        assert (np.asarray(picture) == PIXELS[top : top + height, left : left + width]).all()


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [1, (1, 2), (1, 2, 3, 0)])
def test_borders(padding, mode):
    left, top, right, bottom = {int: lambda p: (p,) * 4, tuple: lambda p: p * 2 if len(p) == 2 else p}[type(padding)](
        padding
    )
    settings = {"constant_values": 7} if mode == "constant" else {}
    expected = np.pad(PIXELS, ((top, bottom), (left, right), (0, 0)), mode=mode, **settings)
    fill = 7 if mode == "constant" else 0
    assert (np.asarray(F.pad(PICTURE, padding, (fill,) * 3 if fill else 0, mode)) == expected).all()
    x = dynamic.from_numpy(PIXELS.transpose(2, 0, 1).copy())
    assert (transforms.Pad(padding, fill, mode)(x).numpy() == expected.transpose(2, 0, 1)).all()


@pytest.mark.parametrize("box", [(1, 2, 3, 4), (-1, -2, 5, 5), (4, 5, 6, 7), (-2, 3, 20, 20)])
def test_parts_beyond_the_image_are_black(box):
    top, left, height, width = box
    assert (F.to_tensor(F.crop(PICTURE, *box)) == F.crop(TENSOR, *box)).all()
    assert F.get_image_size(F.crop(PICTURE, top, left, height, width)) == [width, height]


def test_flips_and_grey():
    assert (np.asarray(F.hflip(PICTURE)) == PIXELS[:, ::-1]).all()
    assert (np.asarray(F.vflip(PICTURE)) == PIXELS[::-1]).all()
    assert (F.hflip(TENSOR).numpy() == TENSOR.numpy()[:, :, ::-1]).all()
    assert (F.vflip(TENSOR).numpy() == TENSOR.numpy()[:, ::-1]).all()
    grey = transforms.Grayscale()(PICTURE)
    assert (np.asarray(grey) == np.asarray(PICTURE.convert("L"))).all()
    assert transforms.Grayscale(3)(PICTURE).mode == "RGB"
    np.testing.assert_allclose(F.rgb_to_grayscale(TENSOR).numpy()[0], np.asarray(grey) / 255, atol=1.1 / 255)
    assert F.rgb_to_grayscale(TENSOR, 3).shape == TENSOR.shape
    assert (np.asarray(F.rotate(PICTURE, 180)) == PIXELS[::-1, ::-1]).all()


def test_random_transforms_draw_from_the_generator():
    change = transforms.Compose(
        [
            transforms.RandomCrop(4, padding=2),
            transforms.RandomHorizontalFlip(),
            transforms.RandomVerticalFlip(),
            transforms.RandomApply([transforms.RandomRotation(30)]),
            transforms.RandomChoice([transforms.Lambda(lambda x: x), transforms.Grayscale(3)]),
            transforms.RandomResizedCrop(5),
            transforms.ToTensor(),
        ]
    )

    def run():
        dynamic.manual_seed(4)
        return [change(PICTURE).numpy() for _ in range(20)]

    found = run()
    assert all((x == y).all() for x, y in zip(found, run(), strict=True))
    assert len({x.tobytes() for x in found}) > 10
    assert all(x.shape == (3, 5, 5) for x in found)


@pytest.mark.parametrize(("p", "flipped"), [(0.0, 0), (1.0, 40)])
def test_certain_flips(p, flipped):
    flip = transforms.RandomHorizontalFlip(p)
    assert sum(flip(PICTURE).tobytes() == F.hflip(PICTURE).tobytes() for _ in range(40)) == flipped


def test_random_parts_are_anywhere():
    dynamic.manual_seed(0)
    places = {transforms.RandomCrop.get_params(PICTURE, (4, 5))[:2] for _ in range(300)}
    assert places == {(top, left) for top in range(3) for left in range(4)}
    for _ in range(50):
        top, left, height, width = transforms.RandomResizedCrop.get_params(PICTURE, (0.2, 1.0), (0.5, 2.0))
        assert 0 <= top <= 6 - height
        assert 0 <= left <= 8 - width


def test_transforms_are_shown_and_pickled():
    change = transforms.Compose([transforms.Resize(4), transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    assert repr(change) == (
        "Compose(\n    Resize(size=4, interpolation=bilinear, max_size=None, antialias=True)\n    ToTensor()\n"
        "    Normalize(mean=(0.5,), std=(0.5,))\n)"
    )
    assert (pickle.loads(pickle.dumps(change))(GREY) == change(GREY)).all()


# Grids


def test_grids():
    images = dynamic.arange(5 * 3 * 2 * 2, dtype=dynamic.float32).view(5, 3, 2, 2)
    grid = utils.make_grid(images, nrow=3, padding=1, pad_value=-1.0)
    assert tuple(grid.shape) == (3, 2 * 3 + 1, 3 * 3 + 1)
    for i in range(5):
        top, left = (i // 3) * 3 + 1, (i % 3) * 3 + 1
        assert (grid[:, top : top + 2, left : left + 2] == images[i]).all()
    assert (grid == -1).sum().item() == grid.numel() - images.numel()
    assert (utils.make_grid(list(images), 3, 1, pad_value=-1.0) == grid).all()


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (1, 1, 4, 5), (3, 4, 5), (1, 3, 4, 5)])
def test_one_image_has_no_border(shape):
    assert tuple(utils.make_grid(dynamic.rand(shape)).shape) == (3, 4, 5)


def test_grids_are_normalised():
    images = dynamic.arange(24, dtype=dynamic.float32).view(2, 3, 2, 2)
    whole = utils.make_grid(images, padding=0, normalize=True)
    np.testing.assert_allclose((whole.min().item(), whole.max().item()), (0, 1))
    each = utils.make_grid(images, padding=0, normalize=True, scale_each=True)
    np.testing.assert_allclose(each[:, :, 2:].min().item(), 0)
    given = utils.make_grid(images, padding=0, normalize=True, value_range=(0, 46))
    np.testing.assert_allclose(given.max().item(), 0.5)
    assert images.max().item() == 23  # the caller's stay
    with pytest.raises(TypeError):
        utils.make_grid(3)


def opened(path):
    with Image.open(path) as image:
        return np.array(image)


def test_images_are_saved(tmp_path):
    utils.save_image(TENSOR, tmp_path / "image.png")
    assert (opened(tmp_path / "image.png") == PIXELS).all()
    utils.save_image(dynamic.stack([TENSOR, TENSOR]), tmp_path / "grid.png", nrow=2, padding=1)
    assert opened(tmp_path / "grid.png").shape == (8, 2 * 9 + 1, 3)
    file = io.BytesIO()
    utils.save_image(dynamic.tensor([[-1.0, 2.0]]), file, format="png")
    assert np.asarray(Image.open(file)).tolist() == [[[0] * 3, [255] * 3]]


PROGRAM = """
import torch
import torchvision
import torchvision.transforms as transforms
from torch.utils.data import DataLoader
from torchvision.utils import make_grid, save_image

def main():
    torch.manual_seed(0)
    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    data = torchvision.datasets.MNIST(root="./data", train=True, download=True, transform=change)
    loader = DataLoader(data, batch_size=10, shuffle=True, num_workers=1)
    weight = torch.zeros(784, 10, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for images, labels in loader:
        loss = torch.nn.functional.cross_entropy(images.view(-1, 784) @ weight, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save_image(make_grid(images, nrow=5), "grid.png", normalize=True)
    print(len(loader), loss.item() > 0)

if __name__ == "__main__":
    main()
"""


def test_a_program_that_knows_only_torchvision(mnist):
    (mnist / "data").mkdir()
    (mnist / "MNIST").rename(mnist / "data" / "MNIST")
    script = mnist / "program.py"
    script.write_text(PROGRAM)
    ran = subprocess.run(
        [sys.executable, "-m", "graphs.cli", "exec", script],
        capture_output=True,
        text=True,
        cwd=mnist,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        timeout=120,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("5 True\n", "")
    assert opened(mnist / "grid.png").shape == (2 * 30 + 2, 5 * 30 + 2, 3)
