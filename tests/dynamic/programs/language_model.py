"""A language model of words: Embedding, LSTM, truncated backpropagation, clipped gradients, perplexity, tied weights."""

import math

import numpy as np
import torch
import torch.nn as nn


class Dictionary(object):
    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add_word(self, word):
        if word not in self.word2idx:
            self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]

    def __len__(self):
        return len(self.idx2word)


class RNNModel(nn.Module):
    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, dropout=0.0, tie_weights=False):
        super().__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError("When using the tied flag, nhid must be equal to emsize")
            self.decoder.weight = self.encoder.weight
        self.init_weights()
        self.rnn_type, self.nhid, self.nlayers = rnn_type, nhid, nlayers

    def init_weights(self):
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output)).view(-1, self.ntoken)
        return torch.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        if self.rnn_type == "LSTM":
            return (weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid))
        return weight.new_zeros(self.nlayers, bsz, self.nhid)


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data.narrow(0, 0, nbatch * bsz)
    return data.view(bsz, -1).t().contiguous()


def get_batch(source, i, bptt=6):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


text = "the cat sat on the mat and the dog sat on the log while the cow and the cat ate the corn near the mat <eos> " * 4
words = text.split()
corpus = Dictionary()
ids = torch.LongTensor(len(words))
for position, word in enumerate(words):
    ids[position] = corpus.add_word(word)
train_data = batchify(ids, 4)
print(len(corpus), train_data.shape, train_data.dtype)

for kind, tied in (("LSTM", True), ("GRU", False), ("RNN", False)):
    model = RNNModel(kind, len(corpus), 10, 10, 2, tie_weights=tied)
    rng = np.random.RandomState(1)
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.2, 0.2, tuple(p.shape))))
    criterion = nn.NLLLoss()
    lr, best = 2.0, None
    for epoch in range(1, 4):
        model.train()
        hidden = model.init_hidden(4)
        total = 0.0
        for batch, i in enumerate(range(0, train_data.size(0) - 1, 6)):
            data, targets = get_batch(train_data, i)
            model.zero_grad()
            hidden = repackage_hidden(hidden)
            output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-lr)
            total += loss.item()
        cur = total / (batch + 1)
        print(f"| {kind} | epoch {epoch} | lr {lr:.2f} | loss {cur:.5f} | ppl {math.exp(cur):.4f} | norm {norm.item():.5f}")
        if best is not None and cur > best - 0.1:
            lr /= 4.0
        best = cur
    print(len(list(model.parameters())), list(model.state_dict())[:3], model.rnn)
