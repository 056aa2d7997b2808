#!/usr/bin/env python3
"""Makes tests/data/dynamicconv.tensors from the numeric reference of a tiny
DynamicConv: forward, gradients and Adam in PyTorch, in double precision, the
modules compared with fairseq's own.

The file has the names, layouts and order of memdial's parameters. Matrices are
(inputs, outputs). Each parameter is a line `name values n` with n numbers in
the next line; each result is a line `name what norm sine cosine`: its L2 norm,
and its products with sin(i + 1) and cos(i + 1), i counting its elements. Each
translation is a line `beamB.I translation n` and n tokens: of source sentence I
by a beam search with B hypotheses, of at most 23 tokens.

usage: make_dynamicconv.py tiny_reference.npz > dynamicconv.tensors
"""

import sys

import numpy

LAYER = {"linear1": "linear1", "linear2": "linear2", "fc1": "fc1",
         "fc2": "fc2", "conv.weight_linear": "kernels",
         "layer_norm1": "conv_norm", "layer_norm2": "fc_norm",
         "conv_layer_norm": "conv_norm", "final_layer_norm": "fc_norm",
         "encoder_attn.out_proj": "out",
         "encoder_attn_layer_norm": "attention_norm"}


def parameters(data, prefix):
    """Pairs of memdial's names and arrays, of keys that begin with prefix."""
    for key in data.files:
        if not key.startswith("param/"):
            continue
        name = key[len("param/"):]
        value = data[prefix + name]
        if name.endswith("_emb.weight"):
            yield ("encoder" if name[0] == "e" else "decoder"
                   ) + ".embedding.w", value
        elif name == "embed_out.weight":
            yield "head.loss.w", value.T
        else:
            yield from of_layer(name, value)


def of_layer(name, value):
    stack, number, rest = name.split(".", 2)
    layer = "%s%d" % (stack[0], int(number) + 1)
    if "in_proj" in rest:
        for letter, part in zip("qkv", numpy.split(value, 3)):
            yield ("%s.%s.%s" % (layer, letter, "w" if part.ndim == 2 else "b"),
                   part.T)
        return
    module, what = rest.rsplit(".", 1)
    if "norm" in module:
        what = {"weight": "gamma", "bias": "beta"}[what]
    else:
        what = what[0]
    yield "%s.%s.%s" % (layer, LAYER[module], what), value.T


def digest(name, what, value):
    x = numpy.ravel(value)
    i = numpy.arange(1, x.size + 1)
    print(name, what, *("%.12g" % y for y in (
        numpy.linalg.norm(x), x @ numpy.sin(i), x @ numpy.cos(i))))


def main():
    data = numpy.load(sys.argv[1])
    print("# PyTorch, float64; made by tests/make_dynamicconv.py")
    for name, value in parameters(data, "param/"):
        print(name, "values", value.size)
        print(*("%.9g" % x for x in numpy.ravel(value)))
    for prefix, what in (("grad_head/", "gradient"), ("adam1/", "stepped")):
        for name, value in parameters(data, prefix):
            digest(name, what, value)
    for key in data.files:
        if key.startswith("beam"):
            print(key.replace("/", "."), "translation", data[key].size,
                  *data[key])


main()
