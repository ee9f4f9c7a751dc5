"""Modules made of modules: in a row, side by side, and over tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from dynamic.functions.creation import zeros
from dynamic.functions.joining import cat, stack
from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.nested import added
from dynamic.names import lacking


Back = Callable[[Any, Any, Any], Any]
"""How a gradient goes back through a module inside: ``(module, input, gradOutput) -> gradInput``."""


class Container(Module):
    """A module with a list of ``modules``. A subclass says how they are called, and how gradients go back through them."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        self.modules: list[Any] = []

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        raise NotImplementedError

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        """Compute ``gradInput``, here and in the modules inside, and return it."""
        self.gradInput = self._sweep(lambda m, x, g: m.updateGradInput(x, g), input, gradOutput)
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        """Add the gradients of the parameters of the modules inside, whose ``gradInput`` are computed already."""

        def add(module: Any, x: Any, g: Any) -> Any:
            module.accGradParameters(x, g, scale)
            return module.gradInput

        self._sweep(add, input, gradOutput)

    def backward(self, input: Any, gradOutput: Any, scale: float = 1) -> Any:
        """The gradient of the input; gradients of parameters are added to those kept so far."""
        self.gradInput = self._sweep(lambda m, x, g: m.backward(x, g, scale), input, gradOutput)
        return self.gradInput

    # The list

    def add(self, module: Any) -> Self:
        """Put a module at the end."""
        self.modules.append(module)
        return self

    def insert(self, module: Any, index: int) -> Self:
        """Put a module in at a position."""
        self.modules.insert(index, module)
        return self

    def remove(self, index: int = -1) -> Any:
        """Take out the module at a position."""
        del self.modules[index]
        return self

    def get(self, index: int) -> Any:
        """The module at a position."""
        return self.modules[index]

    def size(self) -> int:
        """How many modules there are."""
        return len(self.modules)

    __len__ = size

    def applyToModules(self, func: Callable[[Any], Any]) -> None:
        """Call ``func`` with each module of the list."""
        for module in self.modules:
            func(module)

    # All of them

    def parameters(self) -> tuple[list[Any], list[Any]] | None:
        """The parameters of the modules inside, and their gradients."""
        found = [each for each in (module.parameters() for module in self.modules) if each is not None]
        return [p for params, _ in found for p in params], [g for _, grads in found for g in grads]

    def zeroGradParameters(self) -> None:
        """Begin anew with all gradients of parameters."""
        self.applyToModules(lambda module: module.zeroGradParameters())

    def updateParameters(self, learningRate: float) -> None:
        """Take ``learningRate`` times the gradients off all parameters."""
        self.applyToModules(lambda module: module.updateParameters(learningRate))

    def training(self) -> None:
        """Behave as in training, all modules inside too."""
        self.applyToModules(lambda module: module.training())
        super().training()

    def evaluate(self) -> None:
        """Behave as in use, all modules inside too."""
        self.applyToModules(lambda module: module.evaluate())
        super().evaluate()

    def reset(self, stdv: float | None = None) -> Any:
        """Draw all parameters anew."""
        self.applyToModules(lambda module: module.reset(stdv))

    def clearState(self) -> Self:
        """Let go of what is no parameter, in the modules inside too."""
        self.applyToModules(lambda module: module.clearState())
        return super().clearState()

    def share(self, mlp: Any, *names: str) -> Self:
        """Use the tensors of these names that another container's modules have."""
        for mine, theirs in zip(self.modules, mlp.modules, strict=True):
            mine.share(theirs, *names)
        return self

    def _cast(self, dtype: Any, done: dict[int, Any]) -> None:
        self.applyToModules(lambda module: module._cast(dtype, done))
        super()._cast(dtype, done)

    def __repr__(self) -> str:
        return _listed(f"nn.{type(self).__name__}", "", self.modules)


def _listed(name: str, head: str, modules: list[Any]) -> str:
    lines = [f"({i}): " + repr(module).replace("\n", "\n  ") for i, module in enumerate(modules)]
    return f"{name} {{\n  " + "\n  ".join([head, *lines] if head else lines) + "\n}"


class Sequential(Container):
    """One module after another."""

    def updateOutput(self, input: Any) -> Any:
        """What the last module makes of what the others make of ``input``."""
        for module in self.modules:
            input = module.updateOutput(input)
        self.output = input
        return self.output

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        inputs = [input, *(module.output for module in self.modules[:-1])]
        for module, x in zip(reversed(self.modules), reversed(inputs), strict=False):
            gradOutput = back(module, x, gradOutput)
        return gradOutput

    def __repr__(self) -> str:
        way = " -> ".join(["input", *(f"({i})" for i in range(len(self.modules))), "output"])
        return _listed(f"nn.{type(self).__name__}", f"[{way}]", self.modules)


class ConcatTable(Container):
    """Every module on the same input: a table of what they give."""

    def updateOutput(self, input: Any) -> Any:
        """What each module makes of ``input``."""
        self.output = [module.updateOutput(input) for module in self.modules]
        return self.output

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        total = None
        for module, g in zip(self.modules, gradOutput, strict=True):
            total = added(total, back(module, input, g))
        return total


class Concat(Container):
    """Every module on the same input, the results joined along ``dimension``."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension

    def updateOutput(self, input: Any) -> Any:
        """What the modules make of ``input``, joined."""
        self.output = cat([module.updateOutput(input) for module in self.modules], self.dimension)
        return self.output

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        total, at = None, 0
        for module in self.modules:
            size = module.output.size(self.dimension)
            total = added(total, back(module, input, gradOutput.narrow(self.dimension, at, size)))
            at += size
        return total


class DepthConcat(Concat):
    """``Concat`` of results of different sizes in the other dimensions: the smaller ones are put in the middle of zeros."""

    def updateOutput(self, input: Any) -> Any:
        """What the modules make of ``input``, in the middle of zeros, joined."""
        outs = [module.updateOutput(input) for module in self.modules]
        sizes = [max(out.size(d) for out in outs) for d in range(outs[0].dim())]
        sizes[self.dimension] = sum(out.size(self.dimension) for out in outs)
        self.output = zeros(*sizes, dtype=outs[0].dtype)
        for out, place in zip(outs, self._places(self.output), strict=True):
            self.output[place] = out
        return self.output

    def _places(self, whole: Any) -> list[tuple[slice, ...]]:
        places, at = [], 0
        for module in self.modules:
            index = []
            for d, size in enumerate(module.output.shape):
                first = at if d == self.dimension else (whole.size(d) - size) // 2
                index.append(slice(first, first + size))
            at += module.output.size(self.dimension)
            places.append(tuple(index))
        return places

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        total = None
        for module, place in zip(self.modules, self._places(gradOutput), strict=True):
            total = added(total, back(module, input, gradOutput[place]))
        return total


class ParallelTable(Container):
    """Each module on the tensor at its place in a table."""

    def updateOutput(self, input: Any) -> Any:
        """What each module makes of the input at its place."""
        self.output = [module.updateOutput(x) for module, x in zip(self.modules, input, strict=True)]
        return self.output

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        return [back(module, x, g) for module, x, g in zip(self.modules, input, gradOutput, strict=True)]


class MapTable(Container):
    """One module, copied with shared parameters, on each tensor of a table."""

    def __init__(self, module: Any = None) -> None:
        super().__init__()
        if module is not None:
            self.modules = [module]

    def _grown(self, number: int) -> list[Any]:
        while len(self.modules) < number:
            self.modules.append(self.modules[0].clone("weight", "bias", "gradWeight", "gradBias"))
        return self.modules[:number]

    def updateOutput(self, input: Any) -> Any:
        """What the module makes of each tensor."""
        self.output = [module.updateOutput(x) for module, x in zip(self._grown(len(input)), input, strict=True)]
        return self.output

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        every = zip(self._grown(len(input)), input, gradOutput, strict=True)
        return [back(module, x, g) for module, x, g in every]

    def parameters(self) -> tuple[list[Any], list[Any]] | None:
        """The parameters of the module, and their gradients, once."""
        return self.modules[0].parameters() if self.modules else None

    def zeroGradParameters(self) -> None:
        """Begin anew with the gradients of the module's parameters."""
        self.modules[0].zeroGradParameters()

    def updateParameters(self, learningRate: float) -> None:
        """Take ``learningRate`` times the gradients off the module's parameters."""
        self.modules[0].updateParameters(learningRate)


class Parallel(Container):
    """Each module on one slice of the input along ``inputDimension``, the results joined along ``outputDimension``."""

    def __init__(self, inputDimension: int, outputDimension: int) -> None:
        super().__init__()
        self.inputDimension, self.outputDimension = inputDimension, outputDimension
        self._slices: list[Any] = []

    def updateOutput(self, input: Any) -> Any:
        """What the modules make of their slices, joined."""
        self._slices = [input.select(self.inputDimension, i) for i in range(len(self.modules))]
        outs = [module.updateOutput(x) for module, x in zip(self.modules, self._slices, strict=True)]
        self.output = cat(outs, self.outputDimension)
        return self.output

    def _sweep(self, back: Back, input: Any, gradOutput: Any) -> Any:
        found, at = [], 0
        for module, x in zip(self.modules, self._slices, strict=True):
            size = module.output.size(self.outputDimension)
            found.append(back(module, x, gradOutput.narrow(self.outputDimension, at, size)))
            at += size
        return stack(found, self.inputDimension)


__getattr__ = lacking(__name__)
