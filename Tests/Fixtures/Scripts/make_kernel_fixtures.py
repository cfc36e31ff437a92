"""What the kernels compute, as PyTorch does or by definition in float64: ../kernels/operations.safetensors.

Inputs are f32, everything after them float64. Names are CASE.TENSOR; the sizes of the cases stand in
Tests/DynamaxTensorTests/KernelOracleTests.swift. Needs: torch 2, numpy, safetensors.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent.parent / "kernels"
LENGTHS = [5, 1, 39]  # rows of the sequences of a ragged batch
ROWS = sum(LENGTHS)

generator = torch.Generator().manual_seed(11)
tensors = {}


def numbers(*shape, scale=1.0):
    """f32 numbers, held in float64."""
    return (torch.randn(*shape, generator=generator, dtype=torch.float32) * scale).double()


def record(case, **values):
    for name, value in values.items():
        tensors[f"{case}.{name}"] = value


def rms_norm(case, width, group, gated=False, repeats=False):
    x, weight = numbers(3, width), numbers(group if repeats else width)
    gate = {"gate": numbers(3, width, scale=3.0)} if gated else {}
    value = (x * F.silu(gate["gate"]) if gated else x).reshape(3, width // group, group)
    y = F.rms_norm(value, (group,), eps=1e-5) * weight.reshape(-1, group)
    record(case, x=x, weight=weight, y=y.reshape(3, width), **gate)


def rotary(case, heads, width, rotated, interleaved):
    x, angle = numbers(3, heads * width), numbers(3, rotated // 2, scale=10.0)
    cosines, sines = angle.cos().float().double(), angle.sin().float().double()
    head = x.reshape(3, heads, width).clone()
    if interleaved:
        pairs = torch.view_as_complex(head[..., :rotated].reshape(3, heads, rotated // 2, 2).contiguous())
        turned = torch.view_as_real(pairs * torch.complex(cosines, sines)[:, None])
        head[..., :rotated] = turned.reshape(3, heads, rotated)
    else:
        a, b = head[..., : rotated // 2].clone(), head[..., rotated // 2 : rotated].clone()
        c, s = cosines[:, None], sines[:, None]
        head[..., :rotated] = torch.cat([a * c - b * s, b * c + a * s], -1)
    record(case, x=x, cosines=cosines, sines=sines, y=head.reshape(3, heads * width))


def rows():
    rms_norm("rms_norm.plain", 37, 37)
    rms_norm("rms_norm.grouped", 36, 12)
    rms_norm("rms_norm.gated", 40, 20, gated=True)
    rms_norm("rms_norm.repeated", 60, 20, repeats=True)
    rotary("rotary.halves", 3, 20, 20, False)
    rotary("rotary.partial", 2, 80, 32, False)
    rotary("rotary.neighbours", 3, 20, 12, True)
    gate, up = numbers(3, 37, scale=10.0), numbers(3, 37)
    record("swiglu", gate=gate, up=up, y=F.silu(gate) * up)
    x = numbers(3, 53, scale=5.0)
    record("softmax", x=x, y=F.softmax(x / 0.7, -1))
    x = numbers(3, 131, scale=3.0)
    top = x.topk(2, -1)
    entropy = torch.distributions.Categorical(logits=x).entropy()
    summary = [top.indices[:, 0].double(), top.values[:, 0], top.values[:, 1], x.logsumexp(-1), entropy]
    record("summarize", x=x, y=torch.stack(summary, -1))
    a, b = numbers(3, 37), numbers(3, 37)
    record("cosine", a=a, b=b, y=F.cosine_similarity(a, b, dim=-1))


def attention(case, heads, kv_heads, width, window=None):
    q, k, v = numbers(ROWS, heads * width), numbers(ROWS, kv_heads * width), numbers(ROWS, kv_heads * width)
    outputs = []
    for sq, sk, sv in zip(q.split(LENGTHS), k.split(LENGTHS), v.split(LENGTHS)):
        n = len(sq)
        sq, sk, sv = (t.reshape(n, -1, width).transpose(0, 1)[None] for t in (sq, sk, sv))
        distance = torch.arange(n)[:, None] - torch.arange(n)[None]
        mask = (distance >= 0) & (distance < (window or n))
        y = F.scaled_dot_product_attention(sq, sk, sv, attn_mask=mask, scale=0.25, enable_gqa=True)
        outputs.append(y[0].transpose(0, 1).reshape(n, -1))
    record(case, q=q, k=k, v=v, y=torch.cat(outputs))


def convolve(case, channels, taps, biased):
    x, weight = numbers(ROWS, channels), numbers(taps, channels)
    window, bias = numbers(len(LENGTHS), taps - 1, channels), {"bias": numbers(channels)} if biased else {}
    outputs = []
    for sx, history in zip(x.split(LENGTHS), window):
        padded = torch.cat([history, sx]).T[None]
        outputs.append(F.conv1d(padded, weight.T[:, None], bias.get("bias"), groups=channels)[0].T)
    record(case, x=x, weight=weight, window=window, y=F.silu(torch.cat(outputs)), **bias)


def padded(values, multiple=16):
    """Zeros after the last dimension, up to a multiple."""
    return F.pad(values, (0, -values.shape[-1] % multiple))


def scan(case, channels, states, full):
    x, dt = numbers(ROWS, channels), numbers(ROWS, channels)
    b, c = numbers(ROWS, states), numbers(ROWS, states)
    a = -numbers(states, channels).abs()
    state = numbers(len(LENGTHS), states, channels)
    extra = {"z": numbers(ROWS, channels), "d": numbers(channels), "dt_bias": numbers(channels)} if full else {}
    step = F.softplus(dt + extra.get("dt_bias", 0))
    y = torch.zeros(ROWS, channels, dtype=torch.float64)
    row = 0
    for length, s in zip(LENGTHS, state.clone()):
        for row in range(row, row + length):
            s = torch.exp(step[row] * a) * s + (step[row] * x[row]) * b[row][:, None]
            y[row] = (s * c[row][:, None]).sum(0) + extra.get("d", 0) * x[row]
        row += 1
    if full:
        y = y * F.silu(extra["z"])

    def blocked(values):  # [..., states, channels] -> [..., blocks, states, 16]
        lanes = padded(values)
        return lanes.reshape(*lanes.shape[:-1], -1, 16).movedim(-2, -3)

    record(case, x=x, dt=dt, b=b, c=c, a=blocked(a), state=blocked(state), y=y, **extra)


def ssd(case, heads, groups, width, states, low, high, full):
    x, dt = numbers(ROWS, heads, width), numbers(ROWS, heads)
    b, c = numbers(ROWS, groups, states), numbers(ROWS, groups, states)
    a = -numbers(heads).abs()
    state = numbers(len(LENGTHS), heads, states, width)
    extra = {"d": numbers(heads), "dt_bias": numbers(heads)} if full else {}
    step = F.softplus(dt + extra.get("dt_bias", 0)).clamp(low, high)
    y = torch.zeros(ROWS, heads, width, dtype=torch.float64)
    group = torch.arange(heads) // (heads // groups)
    row = 0
    for length, s in zip(LENGTHS, state.clone()):
        for row in range(row, row + length):
            decay, moved = torch.exp(step[row] * a), step[row][:, None] * x[row]
            s = decay[:, None, None] * s + b[row][group][:, :, None] * moved[:, None]
            y[row] = (s * c[row][group][:, :, None]).sum(1)
            if full:
                y[row] += extra["d"][:, None] * x[row]
        row += 1
    record(case, x=x, dt=dt, b=b, c=c, a=a, state=padded(state), y=y, **extra)


def sequences():
    attention("attention.full", 4, 2, 20)
    attention("attention.window", 4, 2, 20, window=7)
    attention("attention.single", 3, 1, 8)
    convolve("convolve.bias", 21, 4, True)
    convolve("convolve.plain", 21, 3, False)
    scan("scan.full", 21, 18, True)
    scan("scan.plain", 21, 5, False)
    ssd("ssd.full", 4, 2, 20, 10, 0.3, 1.2, True)
    ssd("ssd.plain", 2, 1, 16, 19, 0.0, float("inf"), False)


rows()
sequences()
FOLDER.mkdir(exist_ok=True)
save_file({name: value.float().contiguous() for name, value in tensors.items()}, FOLDER / "operations.safetensors")
