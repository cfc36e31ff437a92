"""Convolutions and pooling of images as PyTorch computes and differentiates them: ../gradients/images.safetensors.

The loss is the cross entropy of each output pixel's channels with a target, times a weight, added up; in float64 on f32
inputs. Names are CASE.TENSOR; the cases stand in Tests/DynamaxTensorTests/ImageCases.swift too.
Needs: torch 2, numpy, safetensors.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

FILE = pathlib.Path(__file__).parent.parent / "gradients" / "images.safetensors"
generator = torch.Generator().manual_seed(11)
tensors = {}


def numbers(*shape, scale=1.0):
    values = torch.randn(*shape, generator=generator, dtype=torch.float32) * scale
    return values.double().requires_grad_()


def record(case, y, **inputs):
    """Saves inputs, output, what the loss is made of, and the gradient of each input."""
    rows = y.permute(0, 2, 3, 1).reshape(-1, y.shape[1])
    targets = torch.randint(0, y.shape[1], (len(rows),), generator=generator)
    weights = numbers(len(rows)).detach().abs()
    (weights * F.cross_entropy(rows, targets, reduction="none")).sum().backward()
    tensors[f"{case}.y"], tensors[f"{case}.targets"] = y.detach(), targets.int()
    tensors[f"{case}.rows"] = weights
    for name, value in inputs.items():
        tensors[f"{case}.{name}"], tensors[f"{case}.d{name}"] = value.detach(), value.grad


def convolution(case, shape, kernel, outputs, bias=True, groups=1, **settings):
    x, weights = numbers(*shape), numbers(outputs, shape[1] // groups, *kernel, scale=0.3)
    extra = {"bias": numbers(outputs)} if bias else {}
    y = F.conv2d(x, weights, extra.get("bias"), groups=groups, **settings)
    record(case, y, x=x, weights=weights, **extra)


def pooling(case, shape, function):
    # Numbers of a plane lie apart, so that small steps change no maximum.
    count = shape[2] * shape[3]
    planes = [torch.randperm(count, generator=generator) for _ in range(shape[0] * shape[1])]
    x = (torch.stack(planes).reshape(shape).float() * (4 / count) - 2).double().requires_grad_()
    record(case, function(x), x=x)


convolution("plain", (2, 3, 9, 7), (3, 3), 5, padding=1)
convolution("dilated", (1, 4, 11, 12), (5, 3), 3, bias=False, stride=2, padding=2, dilation=2)
convolution("grouped", (2, 6, 6, 5), (3, 2), 4, groups=2, padding=1)
convolution("depthwise", (1, 20, 6, 6), (3, 3), 20, groups=20, padding=1)
convolution("pixel", (2, 17, 4, 3), (1, 1), 19)
convolution("strided pixel", (1, 6, 5, 5), (1, 1), 8, groups=2, stride=2)
convolution("patches", (1, 3, 13, 8), (4, 4), 33, stride=4)
pooling("largest", (2, 19, 7, 9), lambda x: F.max_pool2d(x, 3, 2, 1))
pooling("largest dilated", (1, 3, 9, 8), lambda x: F.max_pool2d(x, (2, 3), 1, 1, 2))
pooling("mean", (2, 19, 7, 9), lambda x: F.avg_pool2d(x, 3, 2, 1))
pooling("global", (3, 18, 5, 4), lambda x: F.adaptive_avg_pool2d(x, 1))

save_file({k: v.float().contiguous() if v.dtype == torch.float64 else v for k, v in tensors.items()}, FILE)
