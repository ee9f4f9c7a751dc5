"""A Transformer: positions in a buffer, an encoder with masks for classification, next words by a causal mask."""

import math

import numpy as np
import torch
from torch import Tensor, nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, dropout: float = 0.0, max_len: int = 50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.pe[: x.size(0)]
        return self.dropout(x)


class TransformerModel(nn.Module):
    def __init__(self, ntoken: int, d_model: int, nhead: int, d_hid: int, nlayers: int, classes: int):
        super().__init__()
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, d_hid, dropout=0.0)
        self.transformer_encoder = nn.TransformerEncoder(layer, nlayers, enable_nested_tensor=False)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, ntoken)
        self.classifier = nn.Sequential(nn.LayerNorm(d_model), nn.GELU(), nn.Linear(d_model, classes))

    def encode(self, src: Tensor, src_mask: Tensor = None, padding: Tensor = None) -> Tensor:
        src = self.embedding(src) * math.sqrt(self.d_model)
        return self.transformer_encoder(self.pos_encoder(src), src_mask, src_key_padding_mask=padding)

    def forward(self, src: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(len(src)).to(src.device)
        return self.linear(self.encode(src, mask))

    def classify(self, src: Tensor, padding: Tensor) -> Tensor:
        out = self.encode(src, padding=padding)
        keep = (~padding).t().unsqueeze(-1).float()
        return self.classifier((out * keep).sum(0) / keep.sum(0))


torch.manual_seed(0)
rng = np.random.RandomState(0)
model = TransformerModel(20, 16, 4, 32, 2, 3)
for p in model.parameters():
    if p.dim() > 1:
        nn.init.xavier_uniform_(p)
    p.data = torch.from_numpy(rng.uniform(-0.3, 0.3, p.shape).astype("float32"))
print(sum(p.numel() for p in model.parameters()), len(model.state_dict()), "pos_encoder.pe" in dict(model.named_buffers()))

tokens = torch.from_numpy(rng.randint(1, 20, (10, 4)))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.95)
for step in range(6):
    model.train()
    output = model(tokens[:-1])
    loss = criterion(output.view(-1, 20), tokens[1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    scheduler.step()
    print(f"| step {step} | lr {scheduler.get_last_lr()[0]:.4f} | loss {loss:.5f} | ppl {math.exp(loss):.4f}")

lengths = torch.tensor([10, 7, 4, 8])
padding = torch.arange(10)[None, :] >= lengths[:, None]
labels = torch.tensor([0, 2, 1, 2])
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 3, 1.0))
for step in range(4):
    logits = model.classify(tokens, padding)
    loss = nn.functional.cross_entropy(logits, labels, weight=torch.tensor([1.0, 2.0, 0.5]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    warmup.step()
    print(step, round(loss.item(), 5), optimizer.param_groups[0]["lr"])

model.eval()
with torch.no_grad():
    changed = tokens.clone()
    changed[7:, 1] = 0  # padding is not looked at
    print((model.classify(tokens, padding) - model.classify(changed, padding)).abs().max() < 1e-5)
    attention = model.transformer_encoder.layers[0].self_attn
    x = model.embedding(tokens)
    _, weights = attention(x, x, x, key_padding_mask=padding)
    print(weights.shape, weights[2, 0])
