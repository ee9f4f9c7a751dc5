"""Print the public names of the TensorFlow that runs this, a module a line: how ``static/names.txt`` was made.

    python list_names.py > static/names.txt

It runs under TensorFlow 1.15's Python (3.7) and imports nothing of this project.
"""

import contextlib
import importlib
import os
import sys
import types


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CONTRIB = ("framework", "layers", "legacy_seq2seq", "losses", "metrics", "opt", "rnn", "seq2seq", "training")
LEFT_OUT = {"contrib", "core", "compiler", "examples", "python", "tools", "tensorflow", "tf_export"}
NOT_ENTERED = {"compat", "estimator", "keras", "lite", "raw_ops", "tpu", "v1", "v2"}
"""Modules that are named, but whose own names are not listed: other products, and what generated code calls."""

FUTURE = {"absolute_import", "division", "print_function"}


def public(module):
    """The names of functions, classes and values of a module, and the modules among its names."""
    names, modules = [], {}
    for name in dir(module):
        if name.startswith("_") or name in FUTURE or name in LEFT_OUT:
            continue
        with contextlib.suppress(Exception):
            value = getattr(module, name)
            if isinstance(value, types.ModuleType):
                if "_api" in value.__name__.split("."):
                    modules[name] = value
            else:
                names.append(name)
    return names, modules


def collect(module, path, out):
    """Enter the names of ``module`` and of the modules in it under their dotted paths."""
    names, modules = public(module)
    extra = ["contrib"] if path == "tf" else []
    out[path] = sorted(names + list(modules) + extra)
    for name, inner in modules.items():
        if name not in NOT_ENTERED:
            collect(inner, name if path == "tf" else "{}.{}".format(path, name), out)  # noqa: UP032
    return out


def main():
    """Print the list."""
    import tensorflow

    found = collect(tensorflow, "tf", {})
    for name in CONTRIB:
        module = importlib.import_module("tensorflow.contrib." + name)
        listed = getattr(module, "__all__", None) or public(module)[0]
        found["contrib." + name] = sorted(n for n in listed if not n.startswith("_"))
    for path in sorted(found, key=lambda p: (p != "tf", p)):
        if found[path]:
            sys.stdout.write("{}: {}\n".format(path, " ".join(found[path])))


if __name__ == "__main__":
    main()
