"""``python -m benchmarks.theano [PYTHON]``: make the virtual environment that Theano runs in, and try it.

It needs a Python 3.8 (the argument, or what is found on the PATH or among pyenv's), a C++ compiler, and OpenBLAS to link
with (Debian's ``libopenblas-dev``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders.base import AbsentError
from benchmarks.contenders.remote import ENVIRONMENT, Remote, interpreter
from benchmarks.workloads import SMALL


PACKAGES = ("Theano==1.0.5", "numpy==1.19.5", "scipy<1.6")


def python38(named: str | None) -> str:
    """The path of a Python 3.8: ``named``, one on the PATH, or the newest of pyenv's. Exits with a message without one."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [shutil.which("python3.8"), *sorted(map(str, root.glob("versions/3.8.*/bin/python")), reverse=True)]
    for candidate in filter(None, [named] if named else found):
        asked = [candidate, "-c", "import sys; print(sys.version_info[:2] == (3, 8))"]
        try:
            answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        except OSError:
            continue
        if answer.strip() == "True":
            return candidate
    sys.exit(f"{named} is no Python 3.8" if named else "no Python 3.8 found: name one, or install it with pyenv")


def main(named: str | None = None) -> None:
    """Make the environment, install into it, and run a small program."""
    subprocess.run([python38(named), "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    subprocess.run([ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    try:
        step = Remote(interpreter(), SMALL["net"])
    except AbsentError as why:
        sys.exit(f"{why}\nTheano is installed, but does not run: are there a C++ compiler and OpenBLAS's headers?")
    print(f"Theano {step.version} runs in {ENVIRONMENT}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
