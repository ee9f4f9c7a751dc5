"""Sequence to sequence with attention: an encoder, a decoder that looks at its outputs, teacher forcing, decoding."""

import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim


SOS_token, EOS_token, MAX_LENGTH = 0, 1, 6
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
rng = np.random.RandomState(5)


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, input, hidden):
        embedded = self.embedding(input).view(1, 1, -1)
        return self.gru(embedded, hidden)

    def initHidden(self):
        return torch.zeros(1, 1, self.hidden_size, device=device)


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size, max_length=MAX_LENGTH):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attn = nn.Linear(hidden_size * 2, max_length)
        self.attn_combine = nn.Linear(hidden_size * 2, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden, encoder_outputs):
        embedded = self.embedding(input).view(1, 1, -1)
        attn_weights = F.softmax(self.attn(torch.cat((embedded[0], hidden[0]), 1)), dim=1)
        attn_applied = torch.bmm(attn_weights.unsqueeze(0), encoder_outputs.unsqueeze(0))
        output = torch.cat((embedded[0], attn_applied[0]), 1)
        output = F.relu(self.attn_combine(output).unsqueeze(0))
        output, hidden = self.gru(output, hidden)
        return F.log_softmax(self.out(output[0]), dim=1), hidden, attn_weights


class Additive(nn.Module):
    """Bahdanau's scores, over all positions at once."""

    def __init__(self, size):
        super().__init__()
        self.Wa, self.Ua, self.Va = nn.Linear(size, size), nn.Linear(size, size, bias=False), nn.Linear(size, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2).unsqueeze(1)
        weights = F.softmax(scores, dim=-1)
        return torch.bmm(weights, keys), weights


def encode(encoder, source):
    hidden = encoder.initHidden()
    outputs = torch.zeros(MAX_LENGTH, encoder.hidden_size, device=device)
    for ei in range(source.size(0)):
        output, hidden = encoder(source[ei], hidden)
        outputs[ei] += output[0, 0]
    return outputs, hidden


def train(source, target, encoder, decoder, optimizers, criterion, teacher_forcing_ratio=0.5):
    for optimizer in optimizers:
        optimizer.zero_grad()
    outputs, hidden = encode(encoder, source)
    loss = 0
    decoder_input = torch.tensor([[SOS_token]], device=device)
    forced = random.random() < teacher_forcing_ratio
    for di in range(target.size(0)):
        scores, hidden, _ = decoder(decoder_input, hidden, outputs)
        loss += criterion(scores, target[di])
        if forced:
            decoder_input = target[di]
        else:
            topv, topi = scores.topk(1)
            decoder_input = topi.squeeze().detach()
            if decoder_input.item() == EOS_token:
                break
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss.item() / target.size(0)


def fill(model):
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.4, 0.4, p.shape)))


random.seed(1)
pairs = []
for _ in range(5):  # a sentence is translated by reversing it
    words = rng.randint(2, 9, rng.randint(2, MAX_LENGTH - 1))
    pairs.append([torch.tensor([*row, EOS_token], dtype=torch.long).view(-1, 1) for row in (words, words[::-1])])
encoder, decoder = EncoderRNN(9, 12).to(device), AttnDecoderRNN(12, 9).to(device)
fill(encoder), fill(decoder)
optimizers = [optim.SGD(encoder.parameters(), lr=0.05), optim.SGD(decoder.parameters(), lr=0.05)]
criterion = nn.NLLLoss()
total = 0
for it in range(1, 31):
    total += train(*pairs[it % 5], encoder, decoder, optimizers, criterion)
    if it % 10 == 0:
        print("%d %.5f" % (it, total / 10))
        total = 0

with torch.no_grad():
    outputs, hidden = encode(encoder, pairs[0][0])
    word, words, attentions = torch.tensor([[SOS_token]]), [], torch.zeros(MAX_LENGTH, MAX_LENGTH)
    for di in range(MAX_LENGTH):
        scores, hidden, attention = decoder(word, hidden, outputs)
        attentions[di] = attention.data
        word = scores.data.topk(1)[1].squeeze()
        words.append(word.item())
        if words[-1] == EOS_token:
            break
    print(words, attentions[: di + 1].sum(1), attentions[0])

attention = Additive(12)
fill(attention)
context, weights = attention(hidden.permute(1, 0, 2), outputs.unsqueeze(0))
print(context.shape, weights)
