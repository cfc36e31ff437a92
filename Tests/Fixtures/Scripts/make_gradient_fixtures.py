"""Gradients, losses and optimizer steps as PyTorch computes them: ../gradients/{operations,optimizers}.safetensors.

Every operation is written as its plain definition (attention as a masked softmax, recurrences token by token) on
float64 copies of f32 inputs, and differentiated by autograd. Names are CASE.TENSOR; the sizes of the cases stand in
Tests/DynamaxTensorTests/GradientCases.swift. Needs: torch 2, numpy, safetensors.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent.parent / "gradients"
LENGTHS = [5, 1, 39]  # rows of the sequences of a ragged batch
ROWS = sum(LENGTHS)

generator = torch.Generator().manual_seed(7)
tensors = {}


def numbers(*shape, scale=1.0, shift=0.0):
    """f32 numbers, as a float64 leaf."""
    values = torch.randn(*shape, generator=generator, dtype=torch.float32) * scale + shift
    return values.double().requires_grad_()


def record(case, outputs, dy, **inputs):
    """Saves inputs, output, dy and the gradient of each input."""
    outputs.backward(dy)
    tensors[f"{case}.y"] = outputs.detach()
    tensors[f"{case}.dy"] = dy.detach()
    for name, value in inputs.items():
        tensors[f"{case}.{name}"] = value.detach()
        tensors[f"{case}.d{name}"] = value.grad


def sequences(*values):
    """The rows of each sequence, of each of the values."""
    return zip(*(value.split(LENGTHS) for value in values))


def rms_norm(case, width, group, gated, repeats):
    x, dy = numbers(3, width), numbers(3, width).detach()
    weight = numbers(group if repeats else width, scale=0.3, shift=1.0)
    gate = numbers(3, width, scale=2.0) if gated else None
    value = (x * F.silu(gate) if gated else x).reshape(3, width // group, group)
    normal = value / torch.sqrt((value * value).mean(-1, keepdim=True) + 1e-5)
    y = (normal * weight.reshape(-1, group)).reshape(3, width)
    record(case, y, dy, x=x, weight=weight, **({"gate": gate} if gated else {}))


def rows():
    rms_norm("rms_norm.plain", 37, 37, False, False)
    rms_norm("rms_norm.grouped", 36, 12, False, False)
    rms_norm("rms_norm.gated", 40, 20, True, False)
    rms_norm("rms_norm.repeated", 60, 20, False, True)
    gate, up = numbers(3, 37, scale=3.0), numbers(3, 37)
    record("swiglu", F.silu(gate) * up, numbers(3, 37).detach(), gate=gate, up=up)
    x = numbers(3, 37, scale=2.0)
    record("softmax", torch.softmax(x, -1), numbers(3, 37).detach(), x=x)


def losses():
    logits, weights = numbers(6, 53, scale=3.0), numbers(6).detach().abs()
    targets = torch.tensor([3, -1, 52, 0, -100, 17], dtype=torch.int32)
    loss = weights * F.cross_entropy(logits, targets.clamp(min=-1).long(), ignore_index=-1, reduction="none")
    tensors["cross_entropy.targets"], tensors["cross_entropy.weights"] = targets, weights
    record("cross_entropy", loss, torch.ones(6).double(), logits=logits)
    logits, teacher, weights = numbers(4, 53, scale=2.0), numbers(4, 53, scale=2.0), numbers(4).detach().abs()
    difference = F.kl_div(
        torch.log_softmax(logits, -1), torch.log_softmax(teacher, -1), reduction="none", log_target=True)
    tensors["kl_divergence.weights"], tensors["kl_divergence.teacher"] = weights, teacher.detach()
    record("kl_divergence", weights * difference.sum(-1), torch.ones(4).double(), logits=logits)


def attention(case, heads, kv_heads, width, window, scale):
    queries, keys, values = (numbers(ROWS, n, width) for n in (heads, kv_heads, kv_heads))
    outputs = []
    for q, k, v in sequences(queries, keys, values):
        position = torch.arange(len(q))
        distance = position[:, None] - position[None, :]
        seen = (distance >= 0) & (distance < window if window > 0 else True)
        k, v = (x.repeat_interleave(heads // kv_heads, dim=1) for x in (k, v))
        scores = torch.einsum("ihd,jhd->hij", q, k) * scale
        weights = torch.softmax(scores.masked_fill(~seen, -torch.inf), -1)
        outputs.append(torch.einsum("hij,jhd->ihd", weights, v))
    dy = numbers(ROWS, heads, width).detach()
    record(case, torch.cat(outputs), dy, queries=queries, keys=keys, values=values)


def convolve(case, channels, taps, has_bias):
    x, weights = numbers(ROWS, channels), numbers(taps, channels)
    bias = numbers(channels) if has_bias else torch.zeros(channels).double()
    outputs = []
    for (rows,) in sequences(x):
        padded = torch.cat([torch.zeros(taps - 1, channels).double(), rows])
        total = bias + sum(weights[tap] * padded[tap : tap + len(rows)] for tap in range(taps))
        outputs.append(F.silu(total))
    record(
        case, torch.cat(outputs), numbers(ROWS, channels).detach(), x=x, weights=weights,
        **({"bias": bias} if has_bias else {}))


def scan(case, channels, states, full):
    """Mamba-1. Without `full` there is no gate, no D and no bias of the time step."""
    x, dt = numbers(ROWS, channels), numbers(ROWS, channels)
    b, c = numbers(ROWS, states), numbers(ROWS, states)
    a = (-numbers(channels, states).detach().abs() - 0.05).requires_grad_()
    extra = {"z": numbers(ROWS, channels, scale=2.0), "d": numbers(channels), "dt_bias": numbers(channels)} if full else {}
    zero = torch.zeros(channels).double()
    outputs = []
    for x_, dt_, b_, c_, *z_ in sequences(x, dt, b, c, *([extra["z"]] if full else [])):
        state = torch.zeros(channels, states).double()
        for i in range(len(x_)):
            step = F.softplus(dt_[i] + extra.get("dt_bias", zero))
            state = torch.exp(step[:, None] * a) * state + (step * x_[i])[:, None] * b_[i]
            y = state @ c_[i] + extra.get("d", zero) * x_[i]
            outputs.append(y * F.silu(z_[0][i]) if full else y)
    record(case, torch.stack(outputs), numbers(ROWS, channels).detach(), x=x, dt=dt, b=b, c=c, a=a, **extra)


def ssd(case, heads, groups, width, states, low, high, full):
    """Mamba-2. Without `full` there is no D and no bias of the time step."""
    x, dt = numbers(ROWS, heads, width), numbers(ROWS, heads)
    b, c = numbers(ROWS, groups, states), numbers(ROWS, groups, states)
    a = (-numbers(heads).detach().abs() - 0.05).requires_grad_()
    extra = {"d": numbers(heads), "dt_bias": numbers(heads)} if full else {}
    zero = torch.zeros(heads).double()
    outputs = []
    for x_, dt_, b_, c_ in sequences(x, dt, b, c):
        state = torch.zeros(heads, states, width).double()
        for i in range(len(x_)):
            step = torch.clamp(F.softplus(dt_[i] + extra.get("dt_bias", zero)), low, high)
            b_i, c_i = (v[i].repeat_interleave(heads // groups, dim=0) for v in (b_, c_))
            inputs = step[:, None] * x_[i]
            state = torch.exp(step * a)[:, None, None] * state + b_i[:, :, None] * inputs[:, None, :]
            outputs.append(torch.einsum("hnp,hn->hp", state, c_i) + extra.get("d", zero)[:, None] * x_[i])
    record(case, torch.stack(outputs), numbers(ROWS, heads, width).detach(), x=x, dt=dt, b=b, c=c, a=a, **extra)


def optimizer(case, make):
    """The parameters after each of five steps."""
    parameters = torch.nn.Parameter(numbers(37).detach())
    gradients = numbers(5, 37).detach()
    algorithm = make([parameters])
    tensors[f"{case}.parameters"], tensors[f"{case}.gradients"] = parameters.detach().clone(), gradients
    after = []
    for gradient in gradients:
        parameters.grad = gradient.clone()
        algorithm.step()
        after.append(parameters.detach().clone())
    tensors[f"{case}.after"] = torch.stack(after)


def save(name):
    saved = {
        key: value if value.dtype == torch.int32 else value.float().contiguous().clone() for key, value in tensors.items()
    }
    FOLDER.mkdir(exist_ok=True)
    save_file(saved, FOLDER / name)
    tensors.clear()


rows()
losses()
attention("attention.full", 4, 2, 20, 0, 0.22)
attention("attention.window", 4, 2, 20, 7, 0.22)
attention("attention.single", 2, 2, 17, 0, 0.3)
convolve("convolve.bias", 21, 4, True)
convolve("convolve.plain", 21, 3, False)
scan("scan.full", 21, 18, True)
scan("scan.plain", 21, 5, False)
ssd("ssd.full", 4, 2, 20, 10, 0.3, 1.2, True)
ssd("ssd.plain", 2, 1, 16, 19, 0.0, torch.inf, False)
save("operations.safetensors")

adam = dict(lr=0.05, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.1)
optimizer("adamw", lambda p: torch.optim.AdamW(p, **adam))
optimizer("adamw.amsgrad", lambda p: torch.optim.AdamW(p, amsgrad=True, **adam))
optimizer("adam", lambda p: torch.optim.Adam(p, **adam))
optimizer("sgd", lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.1))
optimizer("sgd.momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1))
optimizer("sgd.nesterov", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1))
save("optimizers.safetensors")
