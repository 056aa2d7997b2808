/*
 * The table of settings. A row describes a new setting; the code that reads its
 * member of struct settings gives it its effect.
 */
#include "base/kind.h"
#include "settings/settings.h"

static const char *const models[] = { "wrn", "dynamicconv", NULL };
static const char *const datas[] = { "shapes", "cifar10", "numbers",
                                     "parallel", NULL };
static const char *const precisions[] = { "fp32", "bf16", "fp16", NULL };
static const char *const master_weights[] = { "none", "fp32", NULL };
static const char *const gradients[] = { "buffer", "accumulate", NULL };
static const char *const optimizer_states[] = { "full", "8bit", NULL };
static const char *const recomputes[] = { "none", "norms", NULL };
static const char *const saveds[] = { "none", "8bit", "4bit", NULL };
static const char *const checkpoints[] = { "none", "block", "sqrt",
                                           "recursive", "optimal", NULL };
static const char *const sparse_methods[] = { "dsr", "set", "static", NULL };
static const char *const lr_schedules[] = { "constant", "step", "cosine",
                                            "inverse-sqrt", NULL };
static const char *const optimizers[] = { "sgd", "adam", NULL };

#define AT(field) \
    offsetof(struct settings, field), sizeof(((struct settings *)0)->field)
#define NO_RANGE 0, 0, NULL
#define CHOICES(list) 0, 0, list
#define RANGE(min, max) min, max, NULL

/* Whether a setting can change in a run. */
enum { FIXED = false, LIVE = true };

#define WITH(other, value) { IDLE_WITH, other, value }
#define WITHOUT(other, value) { IDLE_WITHOUT, other, value }

static const char *const sparsities[] = { "0", "0.3", "0.5", "0.6", "0.7",
                                          "0.8", "0.9", "0.95", "0.98", NULL };
static const char *const momenta[] = { "0", "0.5", "0.8", "0.9", "0.95",
                                       "0.98", "0.99", "0.999", NULL };

/* Kinds of memory. */
enum {
    MODEL = 1 << KIND_WEIGHTS | 1 << KIND_GRADIENTS | 1 << KIND_OPTIMIZER,
    PER_SAMPLE = 1 << KIND_ACTIVATIONS | 1 << KIND_TRANSIENT |
                 1 << KIND_INPUT | 1 << KIND_WORKSPACE,
    ALL = (1 << KIND_COUNT) - 1
};

const struct setting settings_table[] = {
    { "model", "model", SETTING_CHOICE, AT(model), CHOICES(models),
      "wrn", NULL, FIXED,
      .help = "network; wrn: pre-activation WideResNet, dynamicconv: "
              "translator of packed sentences",
      .shrinks = ALL },
    { "depth", "model", SETTING_INT, AT(depth), RANGE(10, 4000),
      "10", "layers", FIXED,
      .help = "depth of a WideResNet, 6n + 4",
      .idle = { WITHOUT("model", "wrn") },
      .shrinks = ALL },
    { "width", "model", SETTING_INT, AT(width), RANGE(1, 64),
      "1", NULL, FIXED,
      .help = "widening factor; 1: 16, 32 and 64 channels",
      .idle = { WITHOUT("model", "wrn") },
      .shrinks = ALL },
    { "features", "model", SETTING_INT, AT(features), RANGE(2, 65536),
      "512", NULL, FIXED,
      .help = "width of a DynamicConv: numbers for each token",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "hidden", "model", SETTING_INT, AT(hidden), RANGE(1, 65536),
      "1024", NULL, FIXED,
      .help = "width of its feed-forward layers",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "heads", "model", SETTING_INT, AT(heads), RANGE(1, 1024),
      "4", NULL, FIXED,
      .help = "heads of its attention and of its kernels",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "encoder_layers", "model", SETTING_INT, AT(encoder_layers),
      RANGE(1, 1000),
      "7", "layers", FIXED,
      .help = "layers of its encoder",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "decoder_layers", "model", SETTING_INT, AT(decoder_layers),
      RANGE(1, 1000),
      "6", "layers", FIXED,
      .help = "layers of its decoder",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "encoder_kernels", "model", SETTING_TEXT, AT(encoder_kernels), NO_RANGE,
      "3,7,15,31", "taps", FIXED,
      .help = "taps of the kernels of its encoder's layers; the last "
              "number is for all further layers",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "decoder_kernels", "model", SETTING_TEXT, AT(decoder_kernels), NO_RANGE,
      "3,7,15,31", "taps", FIXED,
      .help = "the same of its decoder's layers",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = ALL },
    { "dropout", "model", SETTING_REAL, AT(dropout), RANGE(0, 0.95),
      "0.3", NULL, FIXED,
      .help = "dropout of its embeddings and of each sublayer's result",
      .idle = { WITHOUT("model", "dynamicconv") } },
    { "attention_dropout", "model", SETTING_REAL, AT(attention_dropout),
      RANGE(0, 0.95),
      "0.1", NULL, FIXED,
      .help = "dropout of its attention's probabilities",
      .idle = { WITHOUT("model", "dynamicconv") } },
    { "weight_dropout", "model", SETTING_REAL, AT(weight_dropout),
      RANGE(0, 0.95),
      "0.1", NULL, FIXED,
      .help = "dropout of its kernels' weights",
      .idle = { WITHOUT("model", "dynamicconv") } },
    { "smoothing", "model", SETTING_REAL, AT(smoothing), RANGE(0, 0.9),
      "0.1", NULL, FIXED,
      .help = "share of a label that all other words get",
      .idle = { WITHOUT("model", "dynamicconv") } },
    { "bleu_every", "model", SETTING_INT, AT(bleu_every), RANGE(0, 1000000),
      "0", "epochs", FIXED,
      .help = "epochs from one translation of the validation set, for its "
              "BLEU, to the next; 0: never",
      .idle = { WITHOUT("model", "dynamicconv") },
      .shrinks = PER_SAMPLE },
    { "beam", "model", SETTING_INT, AT(beam), RANGE(1, 32),
      "4", "hypotheses", FIXED,
      .help = "hypotheses that a translation is chosen from",
      .idle = { WITHOUT("model", "dynamicconv"), WITH("bleu_every", "0") },
      .shrinks = PER_SAMPLE },
    { "length_penalty", "model", SETTING_REAL, AT(length_penalty),
      RANGE(0, 10),
      "1", NULL, FIXED,
      .help = "power of a translation's length that its score is divided by",
      .idle = { WITHOUT("model", "dynamicconv"), WITH("bleu_every", "0") } },

    { "data", "data", SETTING_CHOICE, AT(data), CHOICES(datas),
      "shapes", NULL, FIXED,
      .help = "data set; shapes, numbers: drawn; cifar10, parallel: read "
              "from data_path",
      .shrinks = ALL },
    { "data_path", "data", SETTING_TEXT, AT(data_path), NO_RANGE,
      "", NULL, FIXED,
      .help = "folder of CIFAR-10's binary files, or of sentences: train.de, "
              "train.en, valid.de, ...",
      .idle = { WITH("data", "shapes"), WITH("data", "numbers") } },
    { "source", "data", SETTING_TEXT, AT(source), NO_RANGE,
      "de", NULL, FIXED,
      .help = "language to translate from; its files' names end with it",
      .idle = { WITHOUT("data", "parallel") } },
    { "target", "data", SETTING_TEXT, AT(target), NO_RANGE,
      "en", NULL, FIXED,
      .help = "language to translate to",
      .idle = { WITHOUT("data", "parallel") } },
    { "source_vocabulary", "data", SETTING_INT, AT(source_vocabulary),
      RANGE(5, 1000000),
      "8848", "tokens", FIXED,
      .help = "size of the source language's dictionary, with four special "
              "tokens",
      .idle = { WITHOUT("data", "parallel") },
      .shrinks = ALL },
    { "target_vocabulary", "data", SETTING_INT, AT(target_vocabulary),
      RANGE(5, 1000000),
      "6632", "tokens", FIXED,
      .help = "size of the target language's dictionary, with four special "
              "tokens",
      .idle = { WITHOUT("data", "parallel") },
      .shrinks = ALL },
    { "subwords", "data", SETTING_INT, AT(subwords), RANGE(0, 1000000),
      "0", "merges", FIXED,
      .help = "length of the byte pair encoding of both languages; 0: the "
              "files are cut already",
      .idle = { WITHOUT("data", "parallel") } },
    { "longest", "data", SETTING_INT, AT(longest), RANGE(2, 65536),
      "250", "tokens", FIXED,
      .help = "most tokens of a sentence, with its end mark; training leaves "
              "out longer ones",
      .idle = { WITHOUT("data", "parallel") } },
    { "sentence", "data", SETTING_INT, AT(sentence), RANGE(2, 65536),
      "25", "tokens", FIXED,
      .help = "mean length of a source sentence, by which arithmetic is "
              "counted",
      .idle = { WITHOUT("data", "parallel") } },
    { "augment", "data", SETTING_BOOL, AT(augment), NO_RANGE,
      "yes", NULL, FIXED,
      .help = "crop and flip training images at random",
      .idle = { WITH("data", "numbers"), WITH("data", "parallel") } },
    { "keep_images", "data", SETTING_BOOL, AT(keep_images), NO_RANGE,
      "no", NULL, FIXED,
      .help = "keep all training images, as bytes, where the network is, and "
              "pick samples there: the plan counts them as input, and a run "
              "that does not fit with them begins without and says so; no: "
              "the host makes samples as they are needed",
      .idle = { WITH("data", "numbers"), WITH("data", "parallel") },
      .shrinks = 1 << KIND_INPUT },
    { "epoch_samples", "data", SETTING_INT, AT(epoch_samples),
      RANGE(0, 1000000000),
      "0", UNITS_OF_DATA, FIXED,
      .help = "length of a short epoch; 0: the whole set" },
    { "valid_samples", "data", SETTING_INT, AT(valid_samples),
      RANGE(0, 1000000000),
      "0", UNITS_OF_DATA, FIXED,
      .help = "length of an evaluation; 0: the whole set" },

    { "batch", "train", SETTING_INT, AT(batch), RANGE(1, 65536),
      "100", UNITS_OF_DATA, FIXED,
      .help = "data of one optimizer step",
      .identity = true,
      .shrinks = PER_SAMPLE },
    { "microbatch", "train", SETTING_INT, AT(microbatch), RANGE(0, 65536),
      "0", UNITS_OF_DATA, LIVE,
      .help = "data of one forward and backward pass; 0: the whole batch",
      .about = "A batch goes through the network in parts, whose gradients "
               "are added up, so that activations of one part alone are alive "
               "at a time. The optimizer sees the whole batch, so without "
               "batch norms results differ by rounding alone. Batch norms "
               "take their statistics over a part, which costs accuracy where "
               "parts are very small. It pays most where activations are most "
               "of the peak, and costs little time until parts are too small "
               "for the processor.",
      .place = 3, .ladder = LADDER_PARTS, .zero = "all",
      .saves = "0", .price = PRICE_STATISTICS,
      .shrinks = PER_SAMPLE, .shrunk = "what grows with the microbatch" },
    { "epochs", "train", SETTING_INT, AT(epochs), RANGE(1, 1000000),
      "10", "epochs", FIXED,
      .help = "length of the run" },
    { "average", "train", SETTING_INT, AT(average), RANGE(0, 1000000),
      "0", "epochs", FIXED,
      .help = "last epochs whose mean weights a snapshot has too, to translate "
              "by; 0: none" },
    { "lr", "train", SETTING_REAL, AT(lr), RANGE(1e-12, 1000),
      "0.1", NULL, LIVE,
      .help = "learning rate at the start",
      .about = "The factor of every step that weights take. It changes no "
               "bytes, but other dials can need another one: fewer nonzeros "
               "or smaller parts often train best with less. Too much and the "
               "loss diverges; too little and it creeps.",
      .stepwise = true,
      .place = 10, .ladder = LADDER_ROUND },
    { "lr_schedule", "train", SETTING_CHOICE, AT(lr_schedule),
      CHOICES(lr_schedules),
      "cosine", NULL, LIVE,
      .stepwise = true,
      .help = "course of lr; cosine: down to 0, step: x0.2 at 30, 60 "
              "and 80 percent, inverse-sqrt: by the root of the steps",
      .about = "The rate falls in a run, so that weights settle. The course "
               "depends on the length of the run, so a change in its middle "
               "goes on from where the new course would be.",
      .ladder = LADDER_LIST },
    { "warmup", "train", SETTING_INT, AT(warmup), RANGE(0, 1000000000),
      "0", "steps", FIXED,
      .help = "steps in which lr rises from nearly 0 at the start" },
    { "optimizer", "train", SETTING_CHOICE, AT(optimizer),
      CHOICES(optimizers),
      "sgd", NULL, FIXED,
      .help = "how weights are updated; adam: decoupled weight decay",
      .shrinks = 1 << KIND_OPTIMIZER },
    { "momentum", "train", SETTING_REAL, AT(momentum), RANGE(0, 0.999999),
      "0.9", NULL, LIVE,
      .help = "momentum of the optimizer; of adam: beta1",
      .about = "Steps follow a running mean of gradients, which smooths their "
               "noise. The mean takes as many bytes as the weights that are "
               "stored.",
      .ladder = LADDER_LIST, .rungs = momenta },
    { "nesterov", "train", SETTING_BOOL, AT(nesterov), NO_RANGE,
      "yes", NULL, LIVE,
      .help = "look ahead along the momentum, as Nesterov does",
      .about = "The step looks ahead to where momentum is going to take the "
               "weights. It often converges a little faster, and changes no "
               "bytes.",
      .idle = { WITH("momentum", "0"), WITHOUT("optimizer", "sgd") },
      .ladder = LADDER_LIST },
    { "beta2", "train", SETTING_REAL, AT(beta2), RANGE(0, 0.999999),
      "0.98", NULL, FIXED,
      .help = "decay of the mean of squared gradients",
      .idle = { WITHOUT("optimizer", "adam") } },
    { "weight_decay", "train", SETTING_REAL, AT(weight_decay), RANGE(0, 1),
      "0.0005", NULL, LIVE,
      .help = "decay of every parameter; sgd: added to its gradient, adam: "
              "times lr",
      .about = "Every step pulls weights towards 0 by this share, which keeps "
               "a network from learning its data by heart. It changes no "
               "bytes.",
      .ladder = LADDER_ROUND },
    { "seed", "train", SETTING_UINT64, AT(seed), NO_RANGE,
      "1", NULL, FIXED,
      .help = "key of all that is random: weights, order, augmentation",
      .identity = true },

    { "sparsity", "memory", SETTING_REAL, AT(sparsity), RANGE(0, 0.98),
      "0", NULL, LIVE,
      .help = "zeros, not stored, among the weights of 3x3 convolutions, or "
              "of a translator's matrices; a fraction",
      .about = "Only a share of the weights exists; the others are zeros, of "
               "which nothing is stored: no weight, gradient or momentum. The "
               "network has less capacity, which costs accuracy slowly at "
               "first and fast from about 0.9 on. It pays where weights and "
               "the optimizer are most of the peak, as they are once "
               "activations are small.",
      .place = 1, .ladder = LADDER_LIST, .rungs = sparsities,
      .saves = "0", .price = PRICE_CAPACITY,
      .shrinks = MODEL | 1 << KIND_WORKSPACE,
      .shrunk = "weights, gradients and optimizer states" },
    { "sparse_method", "memory", SETTING_CHOICE, AT(sparse_method),
      CHOICES(sparse_methods),
      "dsr", NULL, LIVE,
      .help = "how nonzeros move; dsr: between layers too, set: within "
              "each, static: not",
      .about = "Nonzeros that have become small are dropped now and then, and "
               "others grow elsewhere. dsr (Mostafa and Wang, 2019) moves "
               "them between layers as well, set (Mocanu and others, 2018) "
               "within each, static never. Moving ones cost nothing at the "
               "peak, and are worth a few points at high sparsity.",
      .idle = { WITH("sparsity", "0") },
      .ladder = LADDER_LIST },
    { "rewire_period", "memory", SETTING_INT, AT(rewire_period),
      RANGE(1, 1000000),
      "100", "steps", FIXED,
      .help = "steps from one move of nonzeros to the next; later in a run 2, "
              "4 and 8 times as many",
      .idle = { WITH("sparsity", "0"), WITH("sparse_method", "static") } },
    { "precision", "memory", SETTING_CHOICE, AT(precision),
      CHOICES(precisions),
      "fp32", NULL, LIVE,
      .help = "how weights, gradients, optimizer states and activations are "
              "stored",
      .about = "Numbers are stored in 16 bits instead of 32, which halves "
               "nearly everything; sums are still made in 32. bf16 has the "
               "range of fp32 and fewer digits, fp16 more digits and less "
               "range, so its loss is scaled. Weights are rounded at random, "
               "or have copies: master_weights. It pays nearly always.",
      .place = 2, .ladder = LADDER_LIST,
      .saves = "fp32", .price = PRICE_STORAGE,
      .shrinks = MODEL | PER_SAMPLE,
      .shrunk = "all that is stored in 32 bits" },
    { "master_weights", "memory", SETTING_CHOICE, AT(master_weights),
      CHOICES(master_weights),
      "none", NULL, LIVE,
      .help = "fp32: update copies in fp32 of weights in 16 bits; none: "
              "round them stochastically",
      .about = "With weights in 16 bits, small updates would be lost. Copies "
               "of them in fp32 keep these, and take twice the bytes of the "
               "weights; without copies, rounding at random keeps them on "
               "average, for nothing. Copies pay where the last tenths of a "
               "point count.",
      .idle = { WITH("precision", "fp32") },
      .ladder = LADDER_LIST,
      .shrinks = 1 << KIND_OPTIMIZER, .shrunk = "copies of weights" },
    { "gradients", "memory", SETTING_CHOICE, AT(gradients),
      CHOICES(gradients),
      "buffer", NULL, LIVE,
      .help = "where gradients go; accumulate: into moments, part by part; "
              "with adam results then depend on microbatch",
      .about = "Momentum takes a gradient as it is made, so that no buffer of "
               "all gradients waits for the end of the batch; there is only "
               "that of one layer, dense. With sgd only rounding changes. "
               "Adam's mean of squares gets the squares of parts instead of "
               "the square of their sum (Zhang and others, 2023): other "
               "steps, the more so the more parts. It needs nesterov=no, and "
               "not fp16 or copies of weights. It pays where weights are most "
               "of the peak.",
      .place = 7, .ladder = LADDER_LIST,
      .saves = "buffer", .price = PRICE_STATISTICS,
      .shrinks = 1 << KIND_GRADIENTS,
      .shrunk = "gradients of all layers" },
    { "optimizer_state", "memory", SETTING_CHOICE, AT(optimizer_state),
      CHOICES(optimizer_states),
      "full", NULL, LIVE,
      .help = "how large moments are stored; 8bit: rounded stochastically, "
              "in blocks with a scale",
      .about = "Momentum, or the moments of adam, are stored in 8 bits: the "
               "numbers of a block share a scale, and are rounded at random "
               "to its steps, so that small changes are kept on average "
               "(Dettmers and others, 2022). Those of biases, norms and other "
               "small tensors stay as they are. It costs little accuracy, and "
               "pays where states are much of the peak.",
      .place = 8, .ladder = LADDER_LIST,
      .saves = "full", .price = PRICE_STORAGE,
      .shrinks = 1 << KIND_OPTIMIZER,
      .shrunk = "momentum, or both moments of adam" },
    { "checkpoint", "memory", SETTING_CHOICE, AT(checkpoint),
      CHOICES(checkpoints),
      "none", NULL, LIVE,
      .help = "what forward keeps; the rest is computed again; optimal: "
              "the least arithmetic that fits memory_budget",
      .about = "Forward keeps only some values, the checkpoints, and backward "
               "computes the others again from them: the same bits (with "
               "saved=none), for at most one more forward pass in most "
               "strategies. block keeps the ends of blocks, sqrt about the "
               "root of them (Chen and others, 2016), recursive their halves "
               "again and again, and optimal what costs the least arithmetic "
               "for a given number of bytes. It pays where activations kept "
               "for backward are most of the peak.",
      .place = 4, .ladder = LADDER_LIST,
      .saves = "none", .price = PRICE_FREE,
      .shrinks = 1 << KIND_ACTIVATIONS, .shrunk = "activations" },
    { "memory_budget", "memory", SETTING_BYTES, AT(memory_budget), NO_RANGE,
      "0", "bytes", LIVE,
      .help = "most that checkpoint=optimal may allocate; 0: as little "
              "as can be",
      .about = "Optimal checkpoints are those of the least arithmetic whose "
               "arena fits into this budget; without a budget, those of the "
               "smallest arena. A larger budget is faster, up to that at "
               "which all is kept.",
      .idle = { WITHOUT("checkpoint", "optimal") },
      .place = 9, .ladder = LADDER_BUDGETS, .zero = "least",
      .shrinks = 1 << KIND_ACTIVATIONS, .shrunk = "activations" },
    { "recompute", "memory", SETTING_CHOICE, AT(recompute),
      CHOICES(recomputes),
      "none", NULL, LIVE,
      .help = "what backward computes again; norms: batch norms and their "
              "ReLU, layer norms",
      .about = "Norms and the ReLU after them are cheap to compute again from "
               "their inputs, so that backward needs not keep their outputs: "
               "the same bits (with saved=none), for a few percent of time. It "
               "pays together with any other dial, and nearly always first.",
      .place = 5, .ladder = LADDER_LIST,
      .saves = "none", .price = PRICE_FREE,
      .shrinks = 1 << KIND_ACTIVATIONS | 1 << KIND_TRANSIENT,
      .shrunk = "activations, kept or computed again" },
    { "saved", "memory", SETTING_CHOICE, AT(saved),
      CHOICES(saveds),
      "none", NULL, LIVE,
      .help = "how activations wait for backward; 8bit, 4bit: rounded "
              "stochastically, in blocks with a scale",
      .about = "Forward computes with exact activations, and what waits for "
               "backward is a copy in 8 or 4 bits: blocks of 256 numbers, each "
               "with its own least number and unit, rounded at random so that "
               "gradients are right on average (ActNN, Chen and others, 2021). "
               "Values that forward starts again from stay exact. It pays "
               "where activations kept for backward are most of the peak; 4 "
               "bits make gradients noisy.",
      .place = 6, .ladder = LADDER_LIST,
      .saves = "none", .price = PRICE_STORAGE,
      .shrinks = 1 << KIND_ACTIVATIONS,
      .shrunk = "activations that wait for backward" },

    { "threads", "machine", SETTING_INT, AT(threads), RANGE(0, 1024),
      "0", "threads", LIVE,
      .help = "threads of the CPU backend, or that make samples for a device; "
              "0: one per processor it may use",
      .about = "Threads share the work of each operation. More are faster, up "
               "to the number of cores, and take some scratch each; another "
               "number rounds sums differently. With backend=cuda they only "
               "make samples, and change no bits.",
      .ladder = LADDER_ROUND, .zero = "all",
      .shrinks = 1 << KIND_WORKSPACE,
      .shrunk = "scratch, of which threads have some each" },
    { "backend", "machine", SETTING_TEXT, AT(backend), NO_RANGE,
      "auto", NULL, FIXED,
      .help = "device to train on, as memdial backends lists them: cuda, "
              "cuda:1; auto: the first that works" },
    { "tf32", "machine", SETTING_BOOL, AT(tf32), NO_RANGE,
      "no", NULL, LIVE,
      .help = "let CUDA multiply numbers of fp32 as TF32, with 10 bits of "
              "mantissa: faster",
      .about = "Tensor cores of NVIDIA multiply numbers of fp32 rounded to 10 "
               "bits of mantissa, several times as fast. It changes rounding "
               "and no bytes.",
      .idle = { WITHOUT("backend", "cuda"), WITHOUT("precision", "fp32") },
      .ladder = LADDER_LIST },
};

const int settings_count = sizeof(settings_table) / sizeof(settings_table[0]);
