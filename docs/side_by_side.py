# %% [markdown]
# # Static and dynamic, side by side
#
# One small net, written twice: with TensorFlow 1's names, where a program *builds a graph* and a session runs it, and with
# PyTorch's names, where a program *computes at once* and leaves a tape. Both run on the same kernels, so that whatever
# differs is something that a mode did. Each cell below ends in the thing that it is about, and the notebook shows it.

# %%
import numpy

import dynamic as torch
import static as tf
from graphs import draw


numbers = numpy.random.default_rng(0)
data = numbers.standard_normal((8, 4), dtype="float32")
wanted = numbers.standard_normal((8, 2), dtype="float32")
first = numbers.standard_normal((4, 3), dtype="float32")
second = numbers.standard_normal((3, 2), dtype="float32")

# %% [markdown]
# ## A tensor that has no value, and one that has
#
# In the static mode `loss` is a place in a graph. Nothing has been computed, and the batch has no size yet: it is the `?` in
# the shapes.

# %%
graph = tf.Graph()
with graph.as_default():
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.placeholder(tf.float32, [None, 2], name="y")
    w1 = tf.Variable(first, name="w1")
    w2 = tf.Variable(second, name="w2")
    hidden = tf.nn.relu(tf.matmul(x, w1))
    loss = tf.reduce_mean(tf.square(tf.matmul(hidden, w2) - y), name="loss")
loss

# %% [markdown]
# In the dynamic mode `now` is a number. Beside it stands the tape: what was run, with the sizes that it was run on.

# %%
v1 = torch.tensor(first, requires_grad=True)
v2 = torch.tensor(second, requires_grad=True)
v1.name, v2.name = "w1", "w2"


def computed():
    hidden = torch.relu(torch.matmul(torch.tensor(data), v1))
    return (torch.matmul(hidden, v2) - torch.tensor(wanted)).pow(2).mean()


now = computed()
now

# %% [markdown]
# A session gives the graph's tensor a value. It is the tape's, to the last bit.

# %%
session = tf.Session(graph=graph, passes=())
with graph.as_default():
    session.run(tf.global_variables_initializer())
bool(session.run(loss, {x: data, y: wanted}) == now.item())

# %% [markdown]
# ## The way back
#
# The tape is walked backwards when `backward` is called, once, and forgotten. This is the way that it will go:

# %%
now.grad_fn

# %% [markdown]
# The static mode writes the gradients down *as more graph*, and the optimiser's update too. So a training step is one thing
# that can be looked at, rewritten and run again, before any of it has run.

# %%
with graph.as_default():
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
train

# %% [markdown]
# ## The same steps
#
# Five steps of either. In the dynamic mode the update is Python's business, off the tape.

# %%
optimizer = torch.optim.SGD([v1, v2], lr=0.1)
for step in range(5):
    before, _ = session.run([loss, train], {x: data, y: wanted})
    optimizer.zero_grad()
    now = computed()
    now.backward()
    optimizer.step()
    print(f"step {step}: {before:.5f} and {now.item():.5f}, equal: {bool(before == now.item())}")

# %% [markdown]
# ## What only a graph can have: passes
#
# Because the whole step is known before it runs, it can be rewritten. A tape cannot: it is known when everything has run.

# %%
optimised = tf.Session(graph=graph)
with graph.as_default():
    optimised.run(tf.global_variables_initializer())
stages = optimised.plan([loss, train], [x, y]).outcome.stages
for stage in stages:
    if stage.records:
        print(f"{stage.name:>9}: {len(stage.was.nodes)} nodes became {len(stage.now.nodes)}")

# %%
pictures = dict(draw.pass_pictures(stages, title="training step"))
pictures[next(name for name in pictures if name.endswith("-fuse"))]

# %% [markdown]
# ## What only a tape can have: Python
#
# In the dynamic mode an `if` is Python's. `trace` makes a graph of what one call did, and tells what Python decided on the
# way: from then on the branch is fixed.


# %%
def halved(value):
    if value.sum() > 1:
        return value / 2
    return value


traced = torch.trace(halved, torch.tensor([1.0, 2.0]))
traced

# %% [markdown]
# In the static mode the graph must hold both branches, since nobody knows yet which will be taken.

# %%
with tf.Graph().as_default():
    value = tf.placeholder(tf.float32, [2], name="value")
    result = tf.cond(tf.reduce_sum(value) > 1, lambda: value / 2, lambda: value)
result

# %% [markdown]
# ## The same pictures elsewhere
#
# In a terminal, where lines stand for the values that flow; `draw.save("net.svg", [loss])` writes a file in the format
# of its suffix (`svg`, `png`, `pdf`, `html`, `dot`, `mmd`, `graphml`, `json`, `txt`).

# %%
draw.show([loss], title="the loss, as text")
