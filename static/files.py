"""Writing files whole or not at all."""

from __future__ import annotations

from graphs.core.files import write_whole as write_whole
