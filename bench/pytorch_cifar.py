#!/usr/bin/env python3
"""The accuracy peer: trains a WideResNet on CIFAR-10 in PyTorch with the
recipe that memdial uses, and prints one JSON line per epoch.

The recipe: SGD with Nesterov momentum 0.9, weight decay 5e-4 on every
parameter, learning rate from 0.1 to 0 along a cosine, one value per step;
4-pixel reflect pad, random crop and horizontal flip; validation on the whole
test set with the running statistics of batch norm.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

from pytorch_wrn import F, WRN, sgd, torch
import numpy

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE
MEAN = torch.tensor([125.3, 123.0, 113.9]).view(3, 1, 1)
STD = torch.tensor([63.0, 62.1, 66.7]).view(3, 1, 1)


def load(paths):
    """Normalised images (N, 3, 32, 32) and labels (N) of binary files."""
    records = numpy.concatenate([numpy.fromfile(p, numpy.uint8)
                                 for p in paths]).reshape(-1, RECORD)
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, SIDE, SIDE))
    labels = torch.from_numpy(records[:, 0].astype(numpy.int64))
    return (images.float() - MEAN) / STD, labels


def augment(images):
    """Each image its own crop of the padded image, and its own flip."""
    padded = F.pad(images, (4, 4, 4, 4), mode="reflect")
    n = len(images)
    top, left = torch.randint(0, 9, (2, n, 1))
    rows = top + torch.arange(SIDE)
    columns = left + torch.arange(SIDE)
    flip = torch.rand(n, 1) < 0.5
    columns = torch.where(flip, columns.flip(1), columns)
    return padded[torch.arange(n)[:, None, None, None],
                  torch.arange(3)[:, None, None],
                  rows[:, None, :, None], columns[:, None, None, :]]


@torch.no_grad()
def evaluate(model, images, labels):
    model.eval()
    loss = correct = 0
    for x, y in zip(images.split(500), labels.split(500)):
        logits = model(x.contiguous(memory_format=torch.channels_last))
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        correct += (logits.argmax(1) == y).sum().item()
    model.train()
    return loss / len(labels), correct / len(labels)


def train(args, training, validation):
    torch.manual_seed(args.seed)
    images, labels = training
    model = WRN(args.depth, args.width).to(memory_format=torch.channels_last)
    optimizer = sgd(model, args.lr)
    steps = len(labels) // args.batch
    step = 0
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        loss_sum = correct = 0
        for chosen in torch.randperm(len(labels))[:steps * args.batch].split(
                args.batch):
            rate = 0.5 * args.lr * (
                1 + math.cos(math.pi * step / (steps * args.epochs)))
            for group in optimizer.param_groups:
                group["lr"] = rate
            x = augment(images[chosen])
            logits = model(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            correct += (logits.argmax(1) == labels[chosen]).sum().item()
            step += 1
        seconds = time.perf_counter() - start
        valid_loss, valid_accuracy = evaluate(model, *validation)
        yield {"type": "epoch", "seed": args.seed, "epoch": epoch,
               "train_loss": loss_sum / steps,
               "train_accuracy": correct / (steps * args.batch),
               "valid_loss": valid_loss, "valid_accuracy": valid_accuracy,
               "seconds": seconds, "version": torch.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path,
                        help="the folder of CIFAR-10's binary files")
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--width", type=int, default=1)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int,
                        default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    training = load(sorted(args.path.glob("data_batch_*.bin")))
    validation = load([args.path / "test_batch.bin"])
    for line in train(args, training, validation):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
