"""``SummaryWriter``: what TensorBoard shows, written to an event file through the package ``tensorboardX``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import dynamic
from dynamic.apply import Carried
from dynamic.names import lacking
from graphs.core.node import ancestors


class SummaryWriter:
    """Writes scalars, images and the like for TensorBoard. As a context it closes itself.

    Args:
        log_dir: the directory; by default one in ``runs`` named for time and machine.
        comment: the end of such a name.
        purge_step: a step from which on TensorBoard forgets what an earlier run wrote.
        max_queue: after how many events they reach the file.
        flush_secs: after how many seconds they do.
        filename_suffix: the end of the file's name.

    Raises ImportError, saying what to install, where the package is missing.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        try:
            import tensorboardX
        except ImportError:
            raise ImportError("event files need the package tensorboardX: pip install 'diptych[tensorboard]'") from None
        self._writer = tensorboardX.SummaryWriter(
            None if log_dir is None else str(log_dir),
            comment=comment,
            purge_step=purge_step,
            max_queue=max_queue,
            flush_secs=flush_secs,
            filename_suffix=filename_suffix,
        )
        self.log_dir = self._writer.logdir
        self.purge_step, self.max_queue, self.flush_secs, self.filename_suffix = (
            purge_step,
            max_queue,
            flush_secs,
            filename_suffix,
        )

    def get_logdir(self) -> str:
        """The directory."""
        return str(self.log_dir)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number."""
        self._writer.add_scalar(tag, float(scalar_value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers in one chart, each in an event file of a folder named for the chart and itself.

        Raises ValueError where that would be outside of the directory.
        """
        home = os.path.abspath(self.get_logdir())
        for tag in tag_scalar_dict:
            if os.path.commonpath([home, os.path.abspath(os.path.join(home, main_tag, tag))]) != home:
                raise ValueError(f"add_scalars: {main_tag!r} and {tag!r} name a folder outside of {self.get_logdir()}")
        numbers = {tag: float(value) for tag, value in tag_scalar_dict.items()}
        self._writer.add_scalars(main_tag, numbers, global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Settings of a run, and what came of them."""
        settings = {name: value.item() if isinstance(value, Carried) else value for name, value in hparam_dict.items()}  # type: ignore[attr-defined]
        metrics = {name: float(value) for name, value in metric_dict.items()}
        self._writer.add_hparams(settings, metrics, run_name, global_step)

    def add_graph(
        self, model: Callable[..., Any], input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The operations that ``model`` records for ``input_to_model``, a tensor or a tuple of them."""
        from tensorboardX.proto import event_pb2, graph_pb2

        graph = graph_pb2.GraphDef()
        graph.versions.producer = 22
        given = input_to_model if isinstance(input_to_model, (tuple, list)) else (input_to_model,)
        with dynamic.enable_grad():
            result = model(*given)
        names = {id(p): name for name, p in model.named_parameters()} if hasattr(model, "named_parameters") else {}
        edges = {tensor._edge.node for tensor in _tensors(result) if tensor._edge is not None}
        called: dict[Any, str] = {}
        for node in sorted(ancestors(edges), key=lambda each: each.serial):
            owner = node.owner() if node.owner is not None else None
            name = names.get(id(owner), "").replace(".", "/") or node.name
            if name in called.values():
                name = f"{name}_{node.serial}"
            called[node] = name
            inputs = [called[edge.node] for edge in node.edges if edge is not None]
            entry = graph.node.add(name=name, op="Parameter" if owner is not None else node.op.name, input=inputs)
            shape = entry.attr["_output_shapes"].list.shape.add()
            for size in node.specs[0].shape:
                shape.dim.add(size=size)
        if verbose:
            print(graph)
        self._writer._get_file_writer().add_event(event_pb2.Event(graph_def=graph.SerializeToString()))

    def flush(self) -> None:
        """Have everything reach the file."""
        self._writer.flush()

    def close(self) -> None:
        """Have everything reach the file, and close it."""
        self._writer.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def _plain(value: Any) -> Any:
    """``value`` with the tensors in it as numpy arrays."""
    if isinstance(value, Carried):
        return value.numpy(force=True)  # type: ignore[attr-defined]
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(each) for each in value)
    return value


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, Carried):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [tensor for each in value for tensor in _tensors(each)] if isinstance(value, (list, tuple)) else []


_DELEGATED = {
    "add_histogram": "The distribution of a tensor's elements: ``(tag, values, global_step, bins, walltime, max_bins)``.",
    "add_histogram_raw": "A distribution by its numbers, as ``tensorboardX`` takes them.",
    "add_image": "An image: ``(tag, img_tensor, global_step, walltime, dataformats='CHW')``; floats are between 0 and 1.",
    "add_images": "Images: ``(tag, img_tensor, global_step, walltime, dataformats='NCHW')``.",
    "add_image_with_boxes": "An image with boxes drawn on it: ``(tag, img_tensor, box_tensor, global_step, walltime)``.",
    "add_figure": "A figure of matplotlib: ``(tag, figure, global_step, close, walltime)``.",
    "add_video": "Moving images: ``(tag, vid_tensor, global_step, fps, walltime)``.",
    "add_audio": "Sound: ``(tag, snd_tensor, global_step, sample_rate, walltime)``.",
    "add_text": "Text: ``(tag, text_string, global_step, walltime)``.",
    "add_embedding": "Points in a space: ``(mat, metadata, label_img, global_step, tag, metadata_header)``.",
    "add_pr_curve": "Precision over recall: ``(tag, labels, predictions, global_step, num_thresholds, weights, walltime)``.",
    "add_custom_scalars": "How scalars are arranged in charts: ``(layout)``.",
    "add_custom_scalars_multilinechart": "Several scalars in one chart: ``(tags, category, title)``.",
    "add_custom_scalars_marginchart": "A scalar with its margins in one chart: ``(tags, category, title)``.",
    "add_mesh": "A surface in space: ``(tag, vertices, colors, faces, config_dict, global_step, walltime)``.",
}
"""Methods that only need arrays in place of tensors."""


def _delegate(name: str, doc: str) -> Callable[..., None]:
    def method(self: SummaryWriter, *args: Any, **settings: Any) -> None:
        plain = {key: _plain(value) for key, value in settings.items()}
        getattr(self._writer, name)(*map(_plain, args), **plain)

    method.__name__ = name
    method.__qualname__ = f"SummaryWriter.{name}"
    method.__doc__ = doc
    return method


for _name, _doc in _DELEGATED.items():
    setattr(SummaryWriter, _name, _delegate(_name, _doc))

__getattr__ = lacking(__name__)
