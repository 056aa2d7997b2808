#!/usr/bin/env python3
"""The speed peer for text: times training steps of a DynamicConv in PyTorch.

The network is fairseq's lightconv_iwslt_de_en with dynamic convolutions, in
one file and with a choice of how the convolution is computed: `band`, a band
matrix for each sentence and head, as fairseq does up to 512 tokens; or
`unfold`, each input copied once a tap. Pairs are sorted by length, so that
batches have little padding. A step is forward, loss with smoothed labels,
backward and one update of Adam. One JSON line per run goes to standard output:
target tokens are counted without padding.
"""

import argparse
import json
import math
import os
import random
import resource
import statistics
import sys
import time
from pathlib import Path

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    print("PyTorch is not installed; to get it: pip install torch numpy"
          " --index-url https://download.pytorch.org/whl/cpu",
          file=sys.stderr)
    sys.exit(77)

PAD, END, SPECIALS = 1, 2, 4


class DynamicConv(nn.Module):
    """(B, T, C) -> (B, T, C) with kernels predicted from the input."""

    def __init__(self, args, taps, causal):
        super().__init__()
        self.heads, self.taps = args.heads, taps
        self.before = taps - 1 if causal else taps // 2
        self.band, self.rate = args.conv == "band", args.weight_dropout
        self.predict = nn.Linear(args.features, args.heads * taps, bias=False)

    def forward(self, x):
        b, t, c = x.shape
        kernels = self.predict(x).view(b, t, self.heads, self.taps)
        kernels = F.dropout(kernels.softmax(-1), self.rate, self.training)
        convolve = self.by_band if self.band else self.by_copies
        return convolve(x.view(b, t, self.heads, -1), kernels).reshape(b, t, c)

    def by_band(self, x, kernels):
        b, t, h, _ = x.shape
        band = x.new_zeros(b, h, t, t + self.taps - 1)
        band.as_strided((b, h, t, self.taps),
                        (h * t * (t + self.taps - 1), t * (t + self.taps - 1),
                         t + self.taps, 1)).copy_(kernels.transpose(1, 2))
        band = band[..., self.before:self.before + t]
        return (band @ x.transpose(1, 2)).transpose(1, 2)

    def by_copies(self, x, kernels):
        after = self.taps - 1 - self.before
        x = F.pad(x, (0, 0, 0, 0, self.before, after))
        x = x.unfold(1, self.taps, 1)            # (B, T, H, C / H, K)
        return (x @ kernels.unsqueeze(-1)).squeeze(-1)


class Layer(nn.Module):
    def __init__(self, args, taps, decoder):
        super().__init__()
        d, self.args = args.features, args
        self.linear1, self.linear2 = nn.Linear(d, d), nn.Linear(d, d)
        self.conv = DynamicConv(args, taps, decoder)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.fc1 = nn.Linear(d, args.hidden)
        self.fc2 = nn.Linear(args.hidden, d)
        if decoder:
            self.q, self.k = nn.Linear(d, d), nn.Linear(d, d)
            self.v, self.out = nn.Linear(d, d), nn.Linear(d, d)
            self.norm3 = nn.LayerNorm(d)

    def drop(self, x):
        return F.dropout(x, self.args.dropout, self.training)

    def heads_of(self, x):
        b, t, c = x.shape
        return x.view(b, t, self.args.heads, -1).transpose(1, 2)

    def attend(self, x, memory, mask):
        y = F.scaled_dot_product_attention(
            self.heads_of(self.q(x)), self.heads_of(self.k(memory)),
            self.heads_of(self.v(memory)), attn_mask=mask,
            dropout_p=self.args.attention_dropout if self.training else 0)
        return self.out(y.transpose(1, 2).reshape(x.shape))

    def forward(self, x, padding, memory=None, mask=None):
        y = self.linear1(x)
        if padding is not None:
            y = y.masked_fill(padding, 0)
        x = self.norm1(x + self.drop(self.linear2(self.conv(y))))
        if memory is not None:
            x = self.norm3(x + self.drop(self.attend(x, memory, mask)))
        return self.norm2(x + self.drop(self.fc2(F.relu(self.fc1(x)))))


def positions(length, features):
    half = features // 2
    rate = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
    angle = torch.arange(2, length + 2).unsqueeze(1) * rate
    return torch.cat([angle.sin(), angle.cos()], 1)


class Translator(nn.Module):
    def __init__(self, args, source_words, target_words):
        super().__init__()
        d, self.args = args.features, args
        self.source = nn.Embedding(source_words, d, PAD)
        self.target = nn.Embedding(target_words, d, PAD)
        self.encoder = nn.ModuleList(Layer(args, k, False)
                                     for k in args.encoder_kernels)
        self.decoder = nn.ModuleList(Layer(args, k, True)
                                     for k in args.decoder_kernels)
        self.output = nn.Linear(d, target_words, bias=False)
        for w in (self.source, self.target, self.output):
            nn.init.normal_(w.weight, 0, d ** -0.5)
        self.register_buffer("rows", positions(1024, d), persistent=False)

    def embed(self, table, words):
        x = table(words) * math.sqrt(self.args.features)
        return F.dropout(x + self.rows[:words.shape[1]], self.args.dropout,
                         self.training)

    def forward(self, source, previous):
        padding = (source == PAD).unsqueeze(-1)
        mask = (source != PAD)[:, None, None, :]
        x = self.embed(self.source, source)
        for layer in self.encoder:
            x = layer(x, padding)
        y = self.embed(self.target, previous)
        for layer in self.decoder:
            y = layer(y, None, x, mask)
        return self.output(y)


def smoothed_loss(logits, labels, smoothing):
    """The sum over tokens; each other word gets an equal share."""
    share = smoothing / (logits.shape[-1] - 1)
    logs = F.log_softmax(logits, -1)
    nll = F.nll_loss(logs.flatten(0, 1), labels.flatten(), ignore_index=PAD,
                     reduction="sum")
    rest = -(logs.sum(-1) * (labels != PAD)).sum()
    return (1 - smoothing - share) * nll + share * rest


def read_side(path):
    """Sentences as lists of word numbers, and the number of words."""
    lines = [line.split() for line in open(path, encoding="utf-8")]
    words = {w: i + SPECIALS
             for i, w in enumerate(sorted({w for l in lines for w in l}))}
    return [[words[w] for w in l] + [END] for l in lines], len(words) + SPECIALS


def batches_of(pairs, tokens):
    """Pairs of like length; no side has more tokens, padding included."""
    batch, source, target = [], 0, 0
    for s, t in sorted(pairs, key=lambda p: (len(p[1]), len(p[0]))):
        source, target = max(source, len(s)), max(target, len(t))
        if max(source, target) * (len(batch) + 1) > tokens and batch:
            yield batch
            batch, source, target = [], len(s), len(t)
        batch.append((s, t))
    yield batch


def padded(rows):
    width = max(map(len, rows))
    return torch.tensor([r + [PAD] * (width - len(r)) for r in rows])


def tensors_of(batch):
    labels = [t for _, t in batch]
    return (padded([s for s, _ in batch]),
            padded([[END] + t[:-1] for t in labels]), padded(labels),
            sum(map(len, labels)))


class SavedBytes:
    """Bytes that autograd keeps for the backward pass, each storage once."""

    def __init__(self):
        self.seen = {}

    def __enter__(self):
        def pack(x):
            storage = x.untyped_storage()
            self.seen[storage.data_ptr()] = storage.nbytes()
            return x
        self.hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x)
        self.hooks.__enter__()
        return self

    def __exit__(self, *args):
        self.hooks.__exit__(*args)

    def total(self, model):
        own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        return sum(n for at, n in self.seen.items() if at not in own)


def train_step(model, optimizer, batch, smoothing):
    source, previous, labels, tokens = batch
    optimizer.zero_grad()
    loss = smoothed_loss(model(source, previous), labels, smoothing) / tokens
    loss.backward()
    optimizer.step()
    return tokens


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path,
                        help="with train.de and train.en, one sentence a line")
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--encoder-kernels", type=numbers,
                        default=[3, 7, 15, 31, 31, 31, 31])
    parser.add_argument("--decoder-kernels", type=numbers,
                        default=[3, 7, 15, 31, 31, 31])
    parser.add_argument("--source-words", type=int, default=0,
                        help="size of the table; 0: as many as there are")
    parser.add_argument("--target-words", type=int, default=0)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--attention-dropout", type=float, default=0.1)
    parser.add_argument("--weight-dropout", type=float, default=0.1)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--conv", choices=("band", "unfold"), default="band")
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--threads", type=int,
                        default=len(os.sched_getaffinity(0)))
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    source, source_words = read_side(args.folder / "train.de")
    target, target_words = read_side(args.folder / "train.en")
    batches = list(batches_of(zip(source, target), args.tokens))
    random.Random(1).shuffle(batches)
    model = Translator(args, args.source_words or source_words,
                       args.target_words or target_words)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4,
                                  betas=(0.9, 0.98), weight_decay=1e-4)
    seconds, tokens = [], []
    with SavedBytes() as saved:
        first = tensors_of(batches[0])
        smoothed_loss(model(*first[:2]), first[2], args.smoothing)
    for batch in batches[1:1 + args.warmup + args.steps]:
        batch = tensors_of(batch)
        start = time.perf_counter()
        tokens.append(train_step(model, optimizer, batch, args.smoothing))
        seconds.append(time.perf_counter() - start)
    seconds, tokens = seconds[args.warmup:], tokens[args.warmup:]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "version": torch.__version__, "conv": args.conv,
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds_per_step": statistics.median(seconds),
        "target_tokens": statistics.mean(tokens),
        "target_tokens_per_second": sum(tokens) / sum(seconds),
        "saved_bytes": saved.total(model), "saved_target_tokens": first[3],
        "peak_rss_bytes": usage.ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
