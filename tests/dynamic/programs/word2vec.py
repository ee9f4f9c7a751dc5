"""Vectors of words: an n-gram model, skip-gram with negative samples, and sums of bags."""

from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


text = """when forty winters shall besiege thy brow and dig deep trenches in thy beauty's field
thy youth's proud livery so gazed on now will be a tattered weed of small worth held"""
text = text.split()
vocab = sorted(set(text))
word_to_ix = {word: i for i, word in enumerate(vocab)}
rng = np.random.RandomState(2)


def fill(module):
    for p in module.parameters():
        p.data.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.size()))))


class NGram(nn.Module):
    def __init__(self, vocab_size, embedding_dim, context_size):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 24)
        self.linear2 = nn.Linear(24, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        out = F.relu(self.linear1(embeds))
        return F.log_softmax(self.linear2(out), dim=1)


class SkipGram(nn.Module):
    def __init__(self, vocab_size, dim):
        super().__init__()
        self.u = nn.Embedding(vocab_size, dim, sparse=False)
        self.v = nn.Embedding(vocab_size, dim, max_norm=1.0)

    def forward(self, centre, context, negative):
        u, v, n = self.u(centre), self.v(context), self.v(negative)
        positive = F.logsigmoid((u * v).sum(1)).squeeze()
        negatives = F.logsigmoid(torch.bmm(n.neg(), u.unsqueeze(2)).squeeze(2)).sum(1)
        return -(positive + negatives).mean()


model = NGram(len(vocab), 8, 2)
fill(model)
loss_function = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05)
losses = []
for epoch in range(3):
    total_loss = torch.Tensor([0])
    for i in range(len(text) - 2):
        context = torch.tensor([word_to_ix[w] for w in text[i : i + 2]], dtype=torch.long)
        model.zero_grad()
        log_probs = model(context)
        loss = loss_function(log_probs, torch.tensor([word_to_ix[text[i + 2]]], dtype=torch.long))
        loss.backward()
        optimizer.step()
        total_loss += loss.data
    losses.append(total_loss)
print([loss.item() for loss in losses], losses[-1])

counts = np.array([Counter(text)[w] for w in vocab]) ** 0.75
skip = SkipGram(len(vocab), 6)
fill(skip)
optimizer = optim.Adagrad(skip.parameters(), lr=0.2)
ids = torch.LongTensor([word_to_ix[w] for w in text])
centre, context = ids[1:-1].repeat(2), torch.cat([ids[:-2], ids[2:]])
for step in range(5):
    negative = torch.from_numpy(rng.choice(len(vocab), (len(centre), 4), p=counts / counts.sum()))
    loss = skip(centre, context, negative)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("skip-gram", loss.item(), skip.v.weight.norm(dim=1).max().item())
query = skip.u.weight[word_to_ix["thy"]]
near = F.cosine_similarity(query[None], skip.u.weight.detach(), dim=1).topk(4)
print([vocab[i] for i in near.indices.tolist()], near.values.tolist())

bags = nn.EmbeddingBag(len(vocab), 5, mode="mean")
head = nn.Linear(5, 2)
fill(bags), fill(head)
offsets = torch.tensor([0, 4, 9, 20])
labels = torch.tensor([0, 1, 1, 0])
optimizer = optim.SGD([*bags.parameters(), *head.parameters()], lr=1.0)
for _ in range(5):
    optimizer.zero_grad()
    loss = F.cross_entropy(head(bags(ids, offsets)), labels)
    loss.backward()
    optimizer.step()
print("bags", loss.item(), bags(ids.view(2, -1)[:, :3]).detach())
