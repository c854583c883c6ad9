"""Gradient descent on a network: optimisers, schedules, averaging, and all that decides how it goes on."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lmbench.errors import Diverged, choose
from lmbench.neural.device import random_state, set_random_state
from lmbench.neural.network import Network
from lmbench.storage import damaged, read_sealed, write_sealed

Weights = dict[str, Tensor]
_REMEDY = "delete it to train from the start"


class Settings(Protocol):
    """The fields of a model that descent reads: see training.Neural, which has them."""

    optimiser: str
    epochs: int
    lr: float
    schedule: str
    decay: float
    hold: int
    averaging: int
    clip: float
    weight_decay: float
    patience: int
    seed: int


OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda weights, lr, weight_decay: torch.optim.AdamW(weights, lr, weight_decay=weight_decay, fused=True),
    "sgd": lambda weights, lr, weight_decay: torch.optim.SGD(weights, lr, weight_decay=weight_decay, fused=True),
}
"""Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019); plain stochastic gradient descent."""


@dataclass(frozen=True)
class Point:
    """How far training is.

    done: share of all planned steps; epoch: from 1; worse: how many epochs did not improve valid
    """

    done: float
    epoch: int
    worse: int


SCHEDULES: dict[str, Callable[[Settings, Point], float]] = {
    "linear": lambda _, at: 1 - at.done,
    "plateau": lambda settings, at: settings.decay**at.worse,
    "hold": lambda settings, at: settings.decay ** max(at.epoch - settings.hold, 0),
    "constant": lambda _settings, _at: 1.0,
}
"""The part of lr that is left. linear: to nothing at the end. plateau: times decay after every epoch that did not
improve valid. hold: whole for `hold` epochs, then times decay each (Zaremba et al. 2014). On the built-in corpus linear
ends 0.4 lower in perplexity than plateau does at the same number of epochs; plateau is for training until nothing more
is learnt."""


class Descent:
    """The training of one network, epoch by epoch; it can be put on disk after each and taken up again to the last bit.

    history:  perplexity of valid after each epoch
    clock:    seconds and seconds of the processor at the end of each epoch, since training began in whatever process
    best:     the epoch whose weights are kept, from 1
    averaged: steps that the mean of the weights is over; 0 while there is none
    """

    def __init__(self, net: Network, settings: Settings) -> None:
        self.net, self.settings = net, settings
        self.optimiser = choose(OPTIMISERS, settings.optimiser, "optimiser")(
            list(net.parameters()), settings.lr, settings.weight_decay
        )
        self.schedule = choose(SCHEDULES, settings.schedule, "schedule")
        self.rng = np.random.default_rng(settings.seed)
        self.history: list[float] = []
        self.clock: list[tuple[float, float]] = []
        self._since = (time.perf_counter(), time.process_time())
        self.best = self.worse = self.averaged = 0
        self.kept: Weights = {}
        self.mean: Weights = {}
        self._last: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.net.parameters()).device

    @property
    def epoch(self) -> int:
        """Epochs that are over."""
        return len(self.history)

    def over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.epoch >= self.settings.epochs or self.epoch - self.best >= self.settings.patience

    def step(self, done: float, nats: Tensor) -> None:
        """Move the weights along their gradients. done: share of this epoch that is over; nats (): of this step.

        nats are looked at one step later, as a GPU should not be waited for at each.
        """
        self._check_last()
        self._last = nats
        at = Point((self.epoch + done) / self.settings.epochs, self.epoch + 1, self.worse)
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.lr * self.schedule(self.settings, at)
        weights = list(self.net.parameters())
        norm = nn.utils.get_total_norm([w.grad for w in weights if w.grad is not None])
        # most steps of a trained network are short, and need no pass over the gradients; to ask takes longer on a GPU
        if norm.device.type != "cpu" or norm > self.settings.clip:
            nn.utils.clip_grads_with_norm_(weights, self.settings.clip, norm)
        self.optimiser.step()
        self.net.constrain()
        self.optimiser.zero_grad()
        if self.mean:
            self.averaged += 1
            with torch.no_grad():
                for name, w in self.net.named_parameters():
                    self.mean[name].lerp_(w, 1 / self.averaged)

    def end_epoch(self, score: Callable[[], float]) -> float:
        """Measure valid, keep the weights if they are the best so far; nats per token of valid.

        score: measures the network as it stands, which is the mean of its weights where there is one
        """
        self._check_last()
        with _swapped(self.net, self.mean):
            nats = score()
            self.check(nats)
            self.history.append(math.exp(min(nats, 700.0)))
            self.clock.append(self._spent())
            if self.history[-1] < min(self.history[:-1], default=math.inf):
                self.best = self.epoch
                self.kept = copied(self.net)
            else:
                self.worse += 1
        wait = self.settings.averaging
        if wait and not self.mean and min(self.history[-wait:]) > min(self.history[:-wait], default=math.inf):
            self.mean = copied(self.net)
        return nats

    def _spent(self) -> tuple[float, float]:
        """Seconds and seconds of the processor that training has taken until now."""
        return time.perf_counter() - self._since[0], time.process_time() - self._since[1]

    def _check_last(self) -> None:
        """Diverged where the last step's loss, if there is one, is not finite."""
        last, self._last = self._last, None
        if last is not None:
            self.check(float(last))

    def check(self, nats: float) -> None:
        """Diverged unless the loss is finite."""
        if not math.isfinite(nats):
            raise Diverged(
                f"the loss left the finite numbers in epoch {self.epoch + 1}: lr = {self.settings.lr:g} is too long a "
                f"step for this network; lower lr, or clip (now {self.settings.clip:g})"
            )

    def finish(self) -> None:
        """Give the network the weights that were kept."""
        if self.kept:
            load(self.net, self.kept)

    # -- on disk

    def save(self, path: Path, key: str) -> None:
        """Write everything that decides how training goes on, atomically, in one safetensors file with a seal.

        key: of the job, so that nothing is taken up that was trained for another
        """
        from safetensors.torch import save

        states = self.optimiser.state_dict()["state"]
        arrays = {
            **{f"net.{name}": w for name, w in self.net.named_parameters()},
            **{f"kept.{name}": w for name, w in self.kept.items()},
            **{f"mean.{name}": w for name, w in self.mean.items()},
            **{
                f"optimiser.{i}.{name}": torch.as_tensor(value)
                for i, values in states.items()
                for name, value in values.items()
            },
            **{f"random.{kind}": state for kind, state in random_state(self.device).items()},
        }
        about = {
            "key": key,
            "history": self.history,
            "clock": self.clock,
            "best": self.best,
            "worse": self.worse,
            "averaged": self.averaged,
            "numpy": self.rng.bit_generator.state,
        }
        write_sealed(
            path,
            save({name: w.detach().cpu().contiguous() for name, w in arrays.items()}, {"lmbench": json.dumps(about)}),
        )

    def restore(self, path: Path, key: str) -> bool:
        """Go on from where save() was; False, and nothing changed, where there is no such file or it is another job's.

        A damaged file is Damaged: to train from the start over it would hide that a disk is failing.
        """
        from safetensors.torch import load as from_bytes

        if not path.is_file():
            return False
        try:
            content = read_sealed(path, _REMEDY)
        except OSError as error:
            raise damaged(path, _REMEDY, f"cannot be read ({error.strerror})") from error
        size = int.from_bytes(content[:8], "little")
        about = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["lmbench"])
        if about["key"] != key:
            return False
        arrays = from_bytes(content)
        load(self.net, _part(arrays, "net"))
        self.kept, self.mean = (
            {name: w.to(self.device) for name, w in _part(arrays, part).items()} for part in ("kept", "mean")
        )
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(arrays, "optimiser").items():
            i, _, what = name.partition(".")
            states.setdefault(int(i), {})[what] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})
        set_random_state(_part(arrays, "random"))
        self.rng.bit_generator.state = about["numpy"]
        self.clock = [(wall, processor) for wall, processor in about["clock"]]
        if self.clock:
            self._since = (self._since[0] - self.clock[-1][0], self._since[1] - self.clock[-1][1])
        self.history, self.best, self.worse, self.averaged = (
            about[name] for name in ("history", "best", "worse", "averaged")
        )
        return True


def copied(net: Network) -> Weights:
    """The weights as they are now."""
    return {name: w.detach().clone() for name, w in net.named_parameters()}


def load(net: Network, weights: Weights) -> None:
    """Give the network these weights."""
    with torch.no_grad():
        for name, w in net.named_parameters():
            w.copy_(weights[name])


@contextmanager
def _swapped(net: Network, weights: Weights) -> Iterator[None]:
    """The network with these weights for a while, if there are any."""
    own = copied(net) if weights else {}
    if weights:
        load(net, weights)
    yield
    if own:
        load(net, own)


def _part(arrays: Weights, prefix: str) -> Weights:
    """The arrays whose names begin with "prefix.", without it."""
    return {name.removeprefix(prefix + "."): w for name, w in arrays.items() if name.startswith(prefix + ".")}
