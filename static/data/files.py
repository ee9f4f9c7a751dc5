"""Datasets of what is in files."""

from __future__ import annotations

from collections.abc import Iterator as Rows
from typing import Any

from graphs.core.spec import Spec
from static.data.dataset import Dataset
from static.data.opening import Opening
from static.data.reading import Lines, Records, each_file
from static.data.setting import Setting
from static.data.stages import Row
from static.tensor import convert_to_tensor


_TEXT = Spec((), object)


class TextLineDataset(Dataset):
    """The lines of files as bytes, without what ends them.

    ``filenames`` is a string, a list of strings or a tensor of them. A run fails with NotFoundError where a file is missing.
    Raises NotImplementedError for a ``compression_type``.
    """

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ) -> None:
        if compression_type:
            raise NotImplementedError(f"TextLineDataset reads plain files only, not {compression_type}")
        names = convert_to_tensor(filenames, "string")
        super().__init__(_TEXT, [names], lambda run: each_file(run.values[names], Lines))


class FixedLengthRecordDataset(Dataset):
    """The records of ``record_bytes`` bytes that follow each other in files, after ``header_bytes`` and before
    ``footer_bytes``. A run fails with NotFoundError or DataLossError where a file is missing or is cut short."""

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        if compression_type:
            raise NotImplementedError(f"FixedLengthRecordDataset reads plain files only, not {compression_type}")
        names = convert_to_tensor(filenames, "string")
        length, header, footer = Setting(record_bytes), Setting(header_bytes or 0), Setting(footer_bytes or 0)

        def open(run: Opening) -> Rows[Row]:
            sizes = length(run), header(run), footer(run)
            return each_file(run.values[names], lambda file: Records(file, *sizes))

        super().__init__(_TEXT, [names, *length.tensors, *header.tensors, *footer.tensors], open)
