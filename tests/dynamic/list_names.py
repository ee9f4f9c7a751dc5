"""Print the public names of PyTorch, a module or class a line: how ``dynamic/names.txt`` was made.

    python list_names.py > dynamic/names.txt

It imports nothing of this project.
"""

import importlib
import inspect
import sys
import types


PLACES = [
    "torch", "torch.Tensor", "torch.Generator", "torch.autograd", "torch.autograd.Function",
    "torch.autograd.functional", "torch.autograd.graph", "torch.cuda", "torch.distributed", "torch.distributions",
    "torch.func", "torch.linalg", "torch.multiprocessing", "torch.nn", "torch.nn.Module", "torch.nn.functional",
    "torch.nn.init", "torch.nn.parallel", "torch.nn.utils", "torch.nn.utils.rnn", "torch.nn.utils.parametrizations",
    "torch.optim", "torch.optim.Optimizer", "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.random",
    "torch.special", "torch.utils.checkpoint", "torch.utils.data", "torch.utils.data.distributed",
    "torch.utils.dlpack",
]  # fmt: skip

OTHER = (
    "typing",
    "builtins.",
    "collections",
    "functools",
    "importlib",
    "contextlib",
    "itertools",
    "dataclasses",
    "warnings",
    "abc",
)
"""Where names come from that a module only uses."""

COPIES = "Performs the same operation as :func:"
"""How the text begins of functions that only ``torch.compile`` uses."""


def find(path):
    """The module or class at a dotted path."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        holder, _, name = path.rpartition(".")
        return getattr(find(holder), name)


def public(place):
    """Its names that are meant for users: no modules, nothing with an underscore in front, nothing that is only imported."""
    listed = getattr(place, "__all__", None) if place.__name__ != "torch" else None
    names = []
    for name in listed or dir(place):
        if name.startswith("_"):
            continue
        value = inspect.getattr_static(place, name, None)
        if isinstance(value, types.ModuleType):
            continue
        if getattr(value, "__module__", None) is not None and str(value.__module__).startswith(OTHER):
            continue
        if inspect.isclass(value) and (issubclass(value, Warning) or type(value).__name__ == "pybind11_type"):
            continue
        text = inspect.getdoc(value) or ""
        if place.__name__ in ("torch", "Tensor") and callable(value) and (not text or text.startswith(COPIES)):
            continue  # what people call is documented
        names.append(name)
    return sorted(set(names))


def main():
    """Print the list."""
    for path in PLACES:
        sys.stdout.write(f"{path}: {' '.join(public(find(path)))}\n")


if __name__ == "__main__":
    main()
