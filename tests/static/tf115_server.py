"""Runs cases of programs with TensorFlow 1.15: ``tests.static.tf115`` starts it under Python 3.7, to whose syntax it keeps.

Each line of standard input asks for a case, ``{"path": ..., "case": ..., "out": ...}``; the values go to the npz file
``out``, and a line of standard output says ``{"error": null}`` or gives the traceback.
"""

import importlib.util
import json
import os
import sys
import traceback
import warnings


def cases_of(path):
    """The cases of a program: its table ``CASES``, or its one function ``main``."""
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, "CASES", None) or {"main": module.main}


def serve(questions, answers):
    """Answer each line of ``questions``; programs may print what they like."""
    import numpy as np
    import tensorflow as tf

    tf.get_logger().setLevel("FATAL")
    for line in questions:
        asked = json.loads(line)
        error = None
        try:
            tf.reset_default_graph()
            np.savez(asked["out"], **cases_of(asked["path"])[asked["case"]](tf, np))
        except Exception:
            error = traceback.format_exc()
        answers.write(json.dumps({"error": error}) + "\n")
        answers.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, answers)
