"""Mamba, Falcon-Mamba and Mamba-2 as plain recurrences in numpy float64, written from the papers' equations.

A second opinion on the reference answers: the fast forms in other implementations (chunked scan, parallel scan) have
had bugs of their own, above all around groups in Mamba-2. One token at a time leaves little to get wrong.

Papers: Gu and Dao 2023 (arXiv 2312.00752), Dao and Gu 2024 (arXiv 2405.21060).
"""

import numpy as np


def silu(x):
    return x / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def rms(x, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)


def convolve(window, weight, bias):
    """Depthwise convolution of the last inputs: window [k, channels] (oldest first), weight [channels, 1, k]."""
    return silu(np.einsum("kc,ck->c", window, weight[:, 0]) + bias)


def mamba_step(x, p, state, config):
    """One token through one mixer: x [width]; state is {"conv": [k, inner], "ssm": [inner, N]}, updated."""
    inner, n, rank = p["A_log"].shape[0], config["state_size"], config["time_step_rank"]
    u, gate = np.split(p["in_proj.weight"] @ x + p.get("in_proj.bias", 0), 2)
    state["conv"] = np.concatenate([state["conv"][1:], u[None]])
    u = convolve(state["conv"], p["conv1d.weight"], p.get("conv1d.bias", 0))
    dt, b, c = np.split(p["x_proj.weight"] @ u, [rank, rank + n])
    if config["model_type"] == "falcon_mamba":
        dt, b, c = (rms(v, config["mixer_rms_eps"]) for v in (dt, b, c))
    dt = softplus(p["dt_proj.weight"] @ dt + p["dt_proj.bias"])  # [inner]
    decay = np.exp(-dt[:, None] * np.exp(p["A_log"]))  # [inner, N]
    state["ssm"] = decay * state["ssm"] + (dt * u)[:, None] * b
    y = (state["ssm"] @ c + p["D"] * u) * silu(gate)
    assert y.shape == (inner,)
    return p["out_proj.weight"] @ y + p.get("out_proj.bias", 0)


def mamba2_step(x, p, state, config):
    """One token through one mixer: x [width]; state is {"conv": [k, channels], "ssm": [heads, P, N]}, updated."""
    heads, size, n, groups = config["num_heads"], config["head_dim"], config["state_size"], config["n_groups"]
    inner = heads * size
    z, xbc, dt = np.split(p["in_proj.weight"] @ x + p.get("in_proj.bias", 0), [inner, 2 * inner + 2 * groups * n])
    state["conv"] = np.concatenate([state["conv"][1:], xbc[None]])
    convolved = convolve(state["conv"], p["conv1d.weight"], p.get("conv1d.bias", 0))
    u, b, c = np.split(convolved, [inner, inner + groups * n])
    low, high = config["time_step_limit"]
    dt = np.clip(softplus(dt + p["dt_bias"]), low, high)  # [heads]
    y = np.empty((heads, size))
    for h in range(heads):
        g = h // (heads // groups)  # consecutive heads share a group
        u_h, b_g, c_g = u.reshape(heads, size)[h], b.reshape(groups, n)[g], c.reshape(groups, n)[g]
        decay = np.exp(-dt[h] * np.exp(p["A_log"][h]))
        state["ssm"][h] = decay * state["ssm"][h] + dt[h] * np.outer(u_h, b_g)
        y[h] = state["ssm"][h] @ c_g + p["D"][h] * u_h
    gated = (y.reshape(inner) * silu(z)).reshape(groups, inner // groups)  # gate first, then a norm within each group
    y = rms(gated, config["layer_norm_epsilon"]).reshape(inner) * p["norm.weight"]
    return p["out_proj.weight"] @ y + p.get("out_proj.bias", 0)


def logits(tensors, config, tokens):
    """Next-token logits [T, V] of a checkpoint in Hugging Face layout: tensors by name, its config, tokens [T]."""
    tensors = {name: np.asarray(value, np.float64) for name, value in tensors.items()}
    kernel, eps = config["conv_kernel"], config["layer_norm_epsilon"]
    layers = []
    for i in range(config["num_hidden_layers"]):
        prefix = f"backbone.layers.{i}.mixer."
        p = {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
        if config["model_type"] == "mamba2":
            ssm = np.zeros((config["num_heads"], config["head_dim"], config["state_size"]))
            step = mamba2_step
        else:
            ssm, step = np.zeros_like(p["A_log"]), mamba_step
        conv = np.zeros((kernel, p["conv1d.weight"].shape[0]))
        layers.append((step, tensors[f"backbone.layers.{i}.norm.weight"], p, {"conv": conv, "ssm": ssm}))
    embeddings = tensors["backbone.embeddings.weight"]
    head = tensors.get("lm_head.weight", embeddings)
    out = []
    for token in tokens:
        hidden = embeddings[token]
        for step, norm, p, state in layers:
            hidden = hidden + step(rms(hidden, eps) * norm, p, state, config)
        out.append(head @ (rms(hidden, eps) * tensors["backbone.norm_f.weight"]))
    return np.stack(out)
