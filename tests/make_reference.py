#!/usr/bin/env python3
"""Makes tests/data/wrn-10-1.tensors and wrn-10-1.logits: forward, gradients
and one optimizer step of WRN-10-1 in PyTorch, in double precision.

Nothing large is committed. Every input is a formula of integers, exact in
float32, which tests/reference.h repeats in C:

    u(role, tensor, element) = (word >> 16) / 32768 - 1       in [-1, 1)

where word is the first of Philox 4x32-10 with key (1904, 0) and counter
(element, 0, role, tensor); `tensor` counts parameters in the order they are
made, `element` runs over memdial's layout: convolution weights (KH, KW, Ci,
Co), linear (Ci, Co), images (N, H, W, C), running statistics (2, C).

    gamma        1 + u / 2
    beta, linear.b   u / 2
    running      mean 0, variance 1
    linear.w         u / 8
    conv w       u / 2^s, s the least with KH * KW * Co < 12 * 4^s
    momentum     u / 16
    image n      (n + 1) u / 2;   label = word mod 10

Each tensor of results is one line, `name what norm sum dot e0 e1 e2 e3`: its
L2 norm, its sum, its dot product with u(DIGEST, tensor, element), and its
first four elements, absent ones 0. Batch statistics show in the running ones:
before the step those are 0 and 1.

usage: make_reference.py OUTDIR    (also prints how far float32 is from it)
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from pytorch_wrn import F, WRN, sgd, torch
import numpy

SEED = 1904
VALUE, MOMENTUM, DIGEST, IMAGES, LABELS = range(5)     # roles
T_IMAGES, T_LABELS, T_LOGITS, T_LOSS = range(100, 104)  # not parameters
BATCH = 4


def philox(tensor, role, count):
    """The first word for elements 0..count-1."""
    low = numpy.uint64(0xFFFFFFFF)
    half = numpy.uint64(32)
    c = [numpy.arange(count, dtype=numpy.uint64)] + [
        numpy.full(count, x, numpy.uint64) for x in (0, role, tensor)]
    k0, k1 = SEED, 0
    for _ in range(10):
        a = numpy.uint64(0xD2511F53) * c[0]
        b = numpy.uint64(0xCD9E8D57) * c[2]
        c = [(b >> half) ^ c[1] ^ numpy.uint64(k0), b & low,
             (a >> half) ^ c[3] ^ numpy.uint64(k1), a & low]
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c[0]


def u(tensor, role, shape):
    words = philox(tensor, role, int(numpy.prod(shape)))
    return ((words >> numpy.uint64(16)).astype(float) / 32768 - 1).reshape(
        shape)


def initial(name, tensor, shape):
    x = u(tensor, VALUE, shape)
    if name.endswith(".gamma"):
        return 1 + x / 2
    if name.endswith((".beta", "linear.b")):
        return x / 2
    if name.endswith("linear.w"):
        return x / 8
    s = 0
    while shape[0] * shape[1] * shape[3] >= 12 * 4 ** s:
        s += 1
    return x / 2 ** s


def ours(t):
    """PyTorch's layout to memdial's."""
    order = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[t.dim()]
    return t.detach().permute(order).numpy().astype(float)


def theirs(a, like):
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[a.ndim]
    return torch.tensor(a.transpose(order).copy(), dtype=like.dtype)


class Running:
    """The running statistics of a batch norm as one tensor (2, C)."""

    def __init__(self, bn):
        self.bn = bn

    def get(self):
        return torch.stack([self.bn.running_mean, self.bn.running_var])


def tensors(model):
    """(name, parameter or Running) in the order memdial makes them."""
    for path, m in model.named_modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            yield f"{path}.gamma", m.weight
            yield f"{path}.beta", m.bias
            yield f"{path}.running", Running(m)
        elif isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)):
            yield f"{path}.w", m.weight
            if m.bias is not None:
                yield f"{path}.b", m.bias


def digest(tensor, a):
    a = a.ravel()
    first = numpy.pad(a[:4], (0, max(0, 4 - a.size)))
    dot = float(a @ u(tensor, DIGEST, a.shape))
    return [float(numpy.linalg.norm(a)), float(a.sum()), dot, *first]


def compute(dtype):
    """{(name, what): digest} and the logits (N, 10)."""
    model = WRN(10, 1).to(dtype)
    optimizer = sgd(model, 0.1)
    contrast = (numpy.arange(BATCH) + 1).reshape(-1, 1, 1, 1) / 2
    images = contrast * u(T_IMAGES, IMAGES, (BATCH, 32, 32, 3))
    labels = philox(T_LABELS, LABELS, BATCH) % numpy.uint64(10)
    lines = {("images", "value"): digest(T_IMAGES, images),
             ("labels", "value"): digest(T_LABELS, labels.astype(float))}

    named = list(tensors(model))
    for i, (name, p) in enumerate(named):
        if isinstance(p, Running):
            assert p.bn.momentum == 0.1 and p.bn.eps == 1e-5
            continue
        value = initial(name, i, ours(p).shape)
        momentum = u(i, MOMENTUM, value.shape) / 16
        p.data.copy_(theirs(value, p))
        optimizer.state[p]["momentum_buffer"] = theirs(momentum, p)
        lines[name, "value"] = digest(i, value)
        lines[name, "momentum"] = digest(i, momentum)

    logits = model(torch.tensor(images.transpose(0, 3, 1, 2), dtype=dtype))
    loss = F.cross_entropy(logits, torch.tensor(labels.astype(numpy.int64)))
    optimizer.zero_grad()
    loss.backward()
    logits = logits.detach().numpy().astype(float)
    lines["logits", "forward"] = digest(T_LOGITS, logits)
    lines["loss", "forward"] = digest(T_LOSS, numpy.array([loss.item()]))
    for i, (name, p) in enumerate(named):
        if isinstance(p, torch.nn.Parameter):
            lines[name, "gradient"] = digest(i, ours(p.grad))

    optimizer.step()
    for i, (name, p) in enumerate(named):
        if isinstance(p, Running):
            lines[name, "stepped"] = digest(i, p.get().numpy().astype(float))
        else:
            lines[name, "stepped"] = digest(i, ours(p))
            lines[name, "stepped_momentum"] = digest(
                i, ours(optimizer.state[p]["momentum_buffer"]))
    return lines, logits


def main():
    out = Path(sys.argv[1])
    lines, logits = compute(torch.float64)
    single, single_logits = compute(torch.float32)
    header = (f"# PyTorch {torch.__version__.split('+')[0]}, float64;"
              " made by tests/make_reference.py\n")
    with open(out / "wrn-10-1.tensors", "w") as f:
        f.write(header + "# name what norm sum dot e0 e1 e2 e3\n")
        for key, d in lines.items():
            f.write(" ".join([*key, *(f"{x:.17g}" for x in d)]) + "\n")
    with open(out / "wrn-10-1.logits", "w") as f:
        f.write(header)
        for row in logits:
            f.write(" ".join(f"{x:.17g}" for x in row) + "\n")

    worst = {}
    for (name, what), d in lines.items():
        apart = max(abs(a - b) for a, b in
                    zip(d, single[name, what])) / (d[0] or 1)
        worst[what] = max(worst.get(what, (0, "")), (apart, name))
    print(f"float32: logits differ by {abs(logits - single_logits).max():.2g}")
    for what, (apart, name) in worst.items():
        print(f"float32: {what} by {apart:.2g} of the norm ({name})")


if __name__ == "__main__":
    main()
