"""Where arithmetic is done, and how precisely."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lmbench.errors import BadConfig


def _cuda() -> torch.device:
    if not torch.cuda.is_available():
        raise BadConfig("device cuda: torch finds no CUDA device here; use --device cpu, or a torch built for CUDA")
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32: cuDNN would round factors to 10 bits unasked
    return torch.device("cuda")


def _mps() -> torch.device:
    if not torch.backends.mps.is_available():
        raise BadConfig("device mps: torch finds no Apple GPU here; use --device cpu")
    return torch.device("mps")


def _auto() -> torch.device:
    if torch.cuda.is_available():
        return _cuda()
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def name_of(device: torch.device) -> str:
    """What a reader of timings must know: the GPU's own name where it is one of CUDA."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def moved(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The values on the device; nothing waits for a GPU to have them."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of the generators that training on the device draws from, by kind of device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_state(states: dict[str, torch.Tensor]) -> None:
    """The inverse of random_state(); what is of a device that is not here is left out."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])


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
