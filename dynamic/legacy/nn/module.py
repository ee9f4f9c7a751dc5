"""``Module``: forward, then backward, with the results kept in the module."""

from __future__ import annotations

import builtins
import copy
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from dynamic.autograd import no_grad
from dynamic.dtypes import type_name
from dynamic.functions.creation import get_default_dtype, zeros
from dynamic.functions.joining import cat
from dynamic.legacy.nn.nested import like, mapped
from dynamic.legacy.nn.recorded import Recorded
from dynamic.names import lacking
from dynamic.tensor import Tensor
from graphs.core.errors import at_line


class Module:
    """A layer in the manner of Lua Torch: ``forward(input)``, then ``backward(input, gradOutput)``.

    What came out stays in ``output`` and ``gradInput``; gradients of parameters are added to ``gradWeight`` and
    ``gradBias`` until ``zeroGradParameters()``. A layer of one's own defines ``updateOutput`` and ``updateGradInput`` (and
    ``accGradParameters`` if it has parameters), as in Lua; or ``_compute(input, *parameters)`` alone, over tensors, with the
    names of its parameters in ``_names``: gradients then come from the tape.
    """

    _names: ClassVar[tuple[str, ...]] = ("weight", "bias")
    """The attributes that hold parameters; each has its gradient in ``gradWeight`` and so on."""

    def __init__(self) -> None:
        self.gradInput: Any = self._new()
        self.output: Any = self._new()
        self.train = True
        self._record: Recorded | None = None

    def _new(self, *sizes: int) -> Any:
        """Zeros of the module's dtype."""
        return zeros(*(sizes or (0,)), dtype=getattr(self, "_dtype", None) or get_default_dtype())

    def _compute(self, input: Any, *parameters: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has neither updateOutput nor _compute{at_line()}")

    def _held(self) -> list[tuple[str, Any]]:
        """The parameters by name, those that the module could have but has not as None."""
        return [(name, getattr(self, name, None)) for name in self._names]

    # Forward and back

    def updateOutput(self, input: Any) -> Any:
        """Compute ``output`` from ``input``, a tensor or a table of them, and return it."""
        self._record = Recorded(self._compute, input, [value for _, value in self._held()])
        self.output = self._record.output()
        return self.output

    def _recorded(self, input: Any) -> Recorded:
        """What was computed from ``input``, computed again if another input came after it."""
        if self._record is None or not self._record.of(input):
            self.updateOutput(input)
        assert self._record is not None
        return self._record

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        """Compute ``gradInput`` from the gradient of the output, and return it."""
        found, _ = self._recorded(input).gradients(gradOutput, False)
        self.gradInput = like(input, iter(found))
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: builtins.float = 1) -> None:
        """Add ``scale`` times the gradients of the parameters to those kept so far."""
        if any(value is not None for _, value in self._held()):
            self._accumulate(self._recorded(input).gradients(gradOutput, True)[1], scale)

    def _accumulate(self, gradients: list[Any], scale: builtins.float) -> None:
        names = [name for name, value in self._held() if value is not None]
        for name, g in zip(names, gradients, strict=True):
            kept = getattr(self, _grad_name(name))
            kept += g if scale == 1 else g * scale

    def forward(self, input: Any) -> Any:
        """The output for ``input``; ``updateOutput`` is what a layer of one's own defines."""
        return self.updateOutput(input)

    def backward(self, input: Any, gradOutput: Any, scale: builtins.float = 1) -> Any:
        """The gradient of the input; gradients of the parameters are added to those kept so far, ``scale`` times."""
        kind = type(self)
        if kind.updateGradInput is not Module.updateGradInput or kind.accGradParameters is not Module.accGradParameters:
            self.updateGradInput(input, gradOutput)
            self.accGradParameters(input, gradOutput, scale)
            return self.gradInput
        found, gradients = self._recorded(input).gradients(gradOutput, True)
        self.gradInput = like(input, iter(found))
        self._accumulate(gradients, scale)
        return self.gradInput

    def __call__(self, input: Any, gradOutput: Any = None) -> Any:
        """``forward``, and ``backward`` too where a gradient is given: then both results."""
        self.forward(input)
        if gradOutput is not None:
            self.backward(input, gradOutput)
            return self.output, self.gradInput
        return self.output

    def backwardUpdate(self, input: Any, gradOutput: Any, lr: builtins.float) -> Any:
        """``backward`` that takes a step of gradient descent at once, and leaves the gradients kept so far as they are."""
        self.updateGradInput(input, gradOutput)
        self.accUpdateGradParameters(input, gradOutput, lr)
        return self.gradInput

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: builtins.float) -> None:
        """Take ``lr`` times the gradients of the parameters off the parameters themselves."""
        parameters = self.parameters()
        if parameters is not None:
            before = [g.clone() for g in parameters[1]]
            self.zeroGradParameters()
            self.accGradParameters(input, gradOutput)
            self.updateParameters(lr)
            for g, kept in zip(parameters[1], before, strict=True):
                g.copy_(kept)

    # Parameters

    def parameters(self) -> tuple[list[Any], list[Any]] | None:
        """The parameters, and their gradients; None for a module that has none."""
        names = [name for name, value in self._held() if value is not None]
        if not names:
            return None
        return [getattr(self, name) for name in names], [getattr(self, _grad_name(name)) for name in names]

    def zeroGradParameters(self) -> None:
        """Begin anew with the gradients of the parameters."""
        for g in (self.parameters() or ((), ()))[1]:
            g.zero_()

    def updateParameters(self, learningRate: builtins.float) -> None:
        """Take ``learningRate`` times the gradients off the parameters."""
        with no_grad():
            for p, g in zip(*(self.parameters() or ((), ())), strict=True):
                p -= g * learningRate

    def flattenParameters(self) -> tuple[Any, Any]:
        """Lay the parameters, and their gradients, into one vector each, and return the two vectors.

        Parameters and vectors share memory from then on: an optimiser works on the vectors.
        """
        params, grads = self.parameters() or ([], [])
        return _flattened(params), _flattened(grads)

    getParameters = flattenParameters

    def share(self, mlp: Module, *names: str) -> Self:
        """Use the tensors that another module has under these names."""
        for name in names:
            if getattr(self, name, None) is not None:
                setattr(self, name, getattr(mlp, name))
        return self

    def clone(self, *names: str) -> Self:
        """A copy that shares with this module the tensors of these names."""
        made = copy.deepcopy(self)
        return made.share(self, *names) if names else made

    def reset(self, stdv: builtins.float | None = None) -> Any:
        """Draw the parameters anew, where there are any."""

    # State

    def training(self) -> None:
        """Behave as in training."""
        self.train = True

    def evaluate(self) -> None:
        """Behave as in use: nothing is dropped, and means and variances are those of training."""
        self.train = False

    def clearState(self) -> Self:
        """Let go of what is no parameter: output, gradient of the input, and the tape."""
        self._record = None
        self.output, self.gradInput = self._new(), self._new()
        return self

    def type(self, type: Any = None, tensorCache: dict[int, Any] | None = None) -> Any:
        """The name of the type of the module's tensors; or, given a type, the module with its tensors cast to it."""
        if type is None:
            return type_name(getattr(self, "_dtype", get_default_dtype()).numpy)
        self._cast(type, {} if tensorCache is None else tensorCache)
        return self

    def _cast(self, dtype: Any, done: dict[int, Any]) -> None:
        def cast(x: Any) -> Any:
            if not isinstance(x, Tensor) or not x.is_floating_point():
                return x
            if id(x) not in done:
                done[id(x)] = (x.to(dtype), x)  # x is held, so that its id is nobody else's
            return done[id(x)][0]

        self._record = None
        for name, value in vars(self).items():
            if isinstance(value, Tensor) or (isinstance(value, (list, tuple)) and name in ("output", "gradInput")):
                setattr(self, name, mapped(cast, value))
        self._dtype = Tensor().to(dtype).dtype

    def float(self) -> Any:
        """The module with its tensors cast to float32."""
        return self.type("float")

    def double(self) -> Any:
        """The module with its tensors cast to float64."""
        return self.type("double")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_record": None}

    # Modules inside

    def apply(self, callback: Callable[[Any], Any]) -> None:
        """Call ``callback`` with the module, and with every module inside it."""
        for module in self.listModules():
            callback(module)

    def listModules(self) -> list[Any]:
        """The module, and every module inside it."""
        return list(self._walk())

    def _walk(self) -> Iterator[Any]:
        yield self
        for module in getattr(self, "modules", ()):
            yield from module._walk()

    def findModules(self, cls: Any, container: Any = None) -> tuple[list[Any], list[Any]]:
        """The modules of a class, and for each the container it is in (None for the module itself)."""
        nodes = [(self, container)] if isinstance(self, cls) else []
        for module in getattr(self, "modules", ()):
            nodes += zip(*module.findModules(cls, self), strict=True)
        return [node for node, _ in nodes], [where for _, where in nodes]

    def replace(self, callback: Callable[[Any], Any]) -> Any:
        """What ``callback`` gives for the module; the modules inside are replaced likewise, in place."""
        found = callback(self)
        if getattr(found, "modules", None):
            found.modules = [module.replace(callback) for module in found.modules]
        return found

    def __repr__(self) -> str:
        return f"nn.{type(self).__name__}"


def _grad_name(name: str) -> str:
    return f"grad{name[0].upper()}{name[1:]}"


def _flattened(tensors: list[Any]) -> Any:
    """One vector with the elements of all, each laid in once, whose memory the tensors then share."""
    once = list({id(x): x for x in tensors}.values())
    vector = cat([x.detach().reshape(-1) for x in once]) if once else Tensor()
    at = 0
    for x in once:
        n = x.numel()
        x.data = vector.detach()[at : at + n].reshape(*x.shape)
        at += n
    return vector


__getattr__ = lacking(__name__)
