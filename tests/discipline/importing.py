"""A plugin of pytest that plants one fault before anything is imported: for what runs when modules are, as decorators do.

Which one, the environment says: ``DIPTYCH_FAULT`` is a file of the project and the number of a fault in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from tests.discipline.mutants import planted
from tests.discipline.subjects import ROOT


class Planted(SourceFileLoader):
    """Loads a module with a fault."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the module, with the fault."""
        number = int(os.environ["DIPTYCH_FAULT"].split()[1])
        return compile(planted(Path(self.path).read_text(), number), self.path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """Finds the one module that has a fault."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where the module is, if it is that one."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin != str(ROOT / os.environ["DIPTYCH_FAULT"].split()[0]):
            return None
        spec.loader = Planted(name, spec.origin)
        return spec


if "DIPTYCH_FAULT" in os.environ:
    sys.meta_path.insert(0, Finder())
