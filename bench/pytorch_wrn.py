#!/usr/bin/env python3
"""The speed peer: times training steps of a WideResNet in PyTorch.

A step is forward, cross-entropy, backward and one SGD update with Nesterov
momentum, on one fixed random batch, so that no data loading is in it. One
JSON line per run goes to standard output.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    print("PyTorch is not installed; to get it: pip install torch numpy"
          " --index-url https://download.pytorch.org/whl/cpu",
          file=sys.stderr)
    sys.exit(77)


class Block(nn.Module):
    """BN-ReLU-conv-BN-ReLU-conv plus shortcut: where the channels change, a
    1x1 convolution of the first ReLU's output, else the raw input."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        z = F.relu(self.bn1(x))
        if hasattr(self, "shortcut"):
            x = self.shortcut(z)
        return x + self.conv2(F.relu(self.bn2(self.conv1(z))))


class WRN(nn.Module):
    """Pre-activation WideResNet for 32x32 images in ten classes. Modules are
    named, and made in the order, of memdial's parameters."""

    def __init__(self, depth, width):
        super().__init__()
        channels = 16
        self.stem = nn.Conv2d(3, channels, 3, 1, 1, bias=False)
        for group in (1, 2, 3):
            blocks = nn.ModuleDict()
            for block in range(1, (depth - 4) // 6 + 1):
                outputs = 8 * 2 ** group * width
                stride = 2 if group > 1 and block == 1 else 1
                blocks[f"b{block}"] = Block(channels, outputs, stride)
                channels = outputs
            setattr(self, f"g{group}", blocks)
        self.head = nn.ModuleDict({"bn": nn.BatchNorm2d(channels),
                                   "linear": nn.Linear(channels, 10)})
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                fan_out = m.kernel_size[0] ** 2 * m.out_channels
                nn.init.normal_(m.weight, 0, (2 / fan_out) ** 0.5)
        nn.init.zeros_(self.head["linear"].bias)

    def forward(self, x):
        x = self.stem(x)
        for group in (self.g1, self.g2, self.g3):
            for block in group.values():
                x = block(x)
        x = F.relu(self.head["bn"](x))
        return self.head["linear"](x.mean((2, 3)))


def sgd(model, lr):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9,
                           nesterov=True, weight_decay=5e-4)


def memory_format(name):
    return getattr(torch, f"{name}_format" if name == "contiguous" else name)


def finish(device):
    if device == "cuda":
        torch.cuda.synchronize()


def train_step(forward, images, labels, optimizer, args):
    """One update; in microbatches if there are any."""
    parts = args.batch // (args.microbatch or args.batch)
    optimizer.zero_grad()
    for x, y in zip(images.chunk(parts), labels.chunk(parts)):
        with torch.autocast(args.device, torch.bfloat16, enabled=args.amp):
            loss = F.cross_entropy(forward(x), y)
        (loss / parts).backward()
    optimizer.step()


def time_steps(args):
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = args.tf32
    torch.backends.cudnn.allow_tf32 = args.tf32
    torch.backends.cudnn.benchmark = True
    order = memory_format(args.format)
    model = WRN(args.depth, args.width).to(args.device, memory_format=order)
    images = torch.randn(args.batch, 3, 32, 32, device=args.device)
    images = images.to(memory_format=order)
    labels = torch.randint(0, 10, (args.batch,), device=args.device)
    optimizer = sgd(model, 0.1)
    forward = torch.compile(model) if args.compile else model
    seconds = []
    for _ in range(args.warmup + args.steps):
        finish(args.device)
        start = time.perf_counter()
        train_step(forward, images, labels, optimizer, args)
        finish(args.device)
        seconds.append(time.perf_counter() - start)
    return seconds[args.warmup:]


def device_memory(args):
    """Peak bytes of PyTorch's allocator, and the bytes it reserved."""
    if args.device != "cuda":
        return {}
    return {"device": torch.cuda.get_device_name(),
            "max_memory_allocated": torch.cuda.max_memory_allocated(),
            "max_memory_reserved": torch.cuda.max_memory_reserved()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=28)
    parser.add_argument("--width", type=int, default=2)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--threads", type=int,
                        default=len(os.sched_getaffinity(0)))
    parser.add_argument("--format", default="channels_last",
                        choices=("contiguous", "channels_last"))
    parser.add_argument("--compile", action="store_true",
                        help="through torch.compile (inductor)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--microbatch", type=int, default=0,
                        help="0: the whole batch")
    parser.add_argument("--amp", action="store_true",
                        help="autocast to bfloat16")
    parser.add_argument("--tf32", action="store_true",
                        help="let matrix units cut floats to TF32")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--steps", type=int, default=15)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        print("PyTorch finds no CUDA device", file=sys.stderr)
        sys.exit(77)
    seconds = time_steps(args)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        **vars(args), "version": torch.__version__, "seconds": seconds,
        "median": statistics.median(seconds),
        "peak_rss_bytes": usage.ru_maxrss * 1024, **device_memory(args)}))


if __name__ == "__main__":
    main()
