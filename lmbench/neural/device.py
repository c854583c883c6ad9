"""Where arithmetic is done, and how precisely."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lmbench.errors import BadConfig


def _cuda() -> torch.device:
    if not torch.cuda.is_available():
        raise BadConfig("device cuda: torch finds no CUDA device here; use --device cpu, or a torch built for CUDA")
    return torch.device("cuda")


def _mps() -> torch.device:
    if not torch.backends.mps.is_available():
        raise BadConfig("device mps: torch finds no Apple GPU here; use --device cpu")
    return torch.device("mps")


def _auto() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


DEVICES: dict[str, Callable[[], torch.device]] = {
    "auto": _auto,
    "cpu": lambda: torch.device("cpu"),
    "cuda": _cuda,
    "mps": _mps,
}
"""auto: a GPU where there is one."""


def _bfloat16(device: torch.device) -> torch.dtype:
    if device.type == "cpu":
        supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
        return torch.bfloat16 if supported() else torch.float32
    return torch.bfloat16


PRECISIONS: dict[str, Callable[[torch.device], torch.dtype]] = {
    "float32": lambda _: torch.float32,
    "bfloat16": _bfloat16,
}
"""bfloat16: the products of the output layer, and on a GPU all of the body, in bfloat16 with float32 sums, weights and
softmax. A CPU without instructions for it would take hundreds of times as long, and computes in float32 instead."""
