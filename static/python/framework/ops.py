"""``tensorflow.python.framework.ops``: what programs take from it."""

from static.graph import (
    Graph as Graph,
    GraphKeys as GraphKeys,
    Operation as Operation,
    add_to_collection as add_to_collection,
    control_dependencies as control_dependencies,
    device as device,
    get_collection as get_collection,
    get_default_graph as get_default_graph,
    name_scope as name_scope,
    reset_default_graph as reset_default_graph,
)
from static.overrides import NotDifferentiable as NotDifferentiable, RegisterGradient as RegisterGradient
from static.tensor import Tensor as Tensor, convert_to_tensor as convert_to_tensor


NoGradient = NotDifferentiable
