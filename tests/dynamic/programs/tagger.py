"""Labels for sequences of different lengths: padding, packing, a bidirectional LSTM, a masked loss, per-epoch accuracy."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset


training_data = [
    (["the", "dog", "ate", "the", "apple"], ["DET", "NN", "V", "DET", "NN"]),
    (["everybody", "read", "that", "book"], ["NN", "V", "DET", "NN"]),
    (["a", "cat", "sleeps"], ["DET", "NN", "V"]),
    (["we", "read", "the", "big", "old", "book", "today"], ["NN", "V", "DET", "ADJ", "ADJ", "NN", "ADV"]),
    (["dogs", "sleep"], ["NN", "V"]),
]
word_to_ix = {"<pad>": 0}
tag_to_ix = {}
for sentence, tags in training_data:
    for word in sentence:
        word_to_ix.setdefault(word, len(word_to_ix))
    for tag in tags:
        tag_to_ix.setdefault(tag, len(tag_to_ix))


class Sentences(Dataset):
    def __len__(self):
        return len(training_data)

    def __getitem__(self, i):
        sentence, tags = training_data[i]
        return torch.tensor([word_to_ix[w] for w in sentence]), torch.tensor([tag_to_ix[t] for t in tags])


def collate(batch):
    batch = sorted(batch, key=lambda pair: -len(pair[0]))
    lengths = torch.tensor([len(words) for words, _ in batch])
    words = pad_sequence([words for words, _ in batch], batch_first=True)
    tags = pad_sequence([tags for _, tags in batch], batch_first=True, padding_value=-100)
    return words, tags, lengths


class LSTMTagger(nn.Module):
    def __init__(self, embedding_dim, hidden_dim, vocab_size, tagset_size):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, bidirectional=True, batch_first=True)
        self.hidden2tag = nn.Linear(2 * hidden_dim, tagset_size)

    def forward(self, sentences, lengths):
        packed = pack_padded_sequence(self.word_embeddings(sentences), lengths, batch_first=True)
        out, (h, c) = self.lstm(packed)
        out, sizes = pad_packed_sequence(out, batch_first=True)
        assert torch.equal(sizes, lengths)
        return self.hidden2tag(out), h


torch.manual_seed(1)
model = LSTMTagger(6, 5, len(word_to_ix), len(tag_to_ix))
rng = np.random.RandomState(0)
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.as_tensor(rng.uniform(-0.5, 0.5, p.shape)))
    model.word_embeddings.weight[0].fill_(0)
loader = DataLoader(Sentences(), batch_size=3, shuffle=False, collate_fn=collate, drop_last=False)
loss_function = nn.CrossEntropyLoss(ignore_index=-100)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
for epoch in range(12):
    running, hits, count = 0.0, 0, 0
    for words, tags, lengths in loader:
        model.zero_grad()
        scores, h = model(words, lengths)
        loss = loss_function(scores.view(-1, scores.shape[-1]), tags.view(-1))
        loss.backward()
        optimizer.step()
        mask = tags != -100
        hits += (scores.argmax(-1)[mask] == tags[mask]).sum().item()
        count += int(mask.sum())
        running += loss.item() * len(words)
    if epoch % 3 == 2:
        print(f"epoch {epoch}: loss {running / len(training_data):.5f} accuracy {hits}/{count}")

with torch.no_grad():
    words, tags, lengths = next(iter(loader))
    scores, h = model(words, lengths)
    print(scores.shape, h.shape, scores[0, 0])
    print("grad of padding:", model.word_embeddings.weight.grad[0].sum().item())
    loose = pack_padded_sequence(
        model.word_embeddings(words.flip(0)), lengths.flip(0), batch_first=True, enforce_sorted=False
    )
    print(loose.batch_sizes, loose.sorted_indices, loose.unsorted_indices, loose.data.shape)
