"""The same numbers on a GPU as on the processor, within what sums in another order differ by."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lmbench.models.recurrent import Recurrent
from lmbench.text import hungry
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch reaches through CUDA")
MADE = Recurrent(cell="lstm", dim=32, hidden=48, layers=2, dropout=0.0, epochs=3, lr=0.01)


@pytest.fixture(scope="module")
def text():
    splits = hungry.splits(1)
    vocab = Vocabulary.build(splits["train"][:1500])
    return [Sentences.encode(splits[name][:n], vocab) for name, n in (("train", 1500), ("valid", 300), ("test", 300))]


def fitted(model, text, device):
    model = replace(model)
    model.device = device
    return model.fit(*text[:2])


def perplexity(model, text):
    return float(np.exp(-model.log_probs(text).mean()))


@CUDA
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_training_and_scores_on_cuda_are_those_on_cpu(text, cell):
    model = replace(MADE, cell=cell)
    on_cpu, on_cuda = (fitted(model, text, device) for device in ("cpu", "cuda"))
    assert perplexity(on_cuda, text[2]) == pytest.approx(perplexity(on_cpu, text[2]), rel=1e-3)
    moved = replace(model)
    moved.device = "cpu"
    moved.restore(text[0].vocab, on_cuda.state())
    np.testing.assert_allclose(moved.log_probs(text[2]), on_cuda.log_probs(text[2]), atol=2e-4)
    prefixes = text[2].take(np.arange(5))
    np.testing.assert_allclose(moved.next_log_probs(prefixes), on_cuda.next_log_probs(prefixes), atol=2e-4)


@CUDA
@pytest.mark.parametrize(
    "options",
    [
        {"weight_drop": 0.3, "variational": True, "dropout": 0.2, "dropout_embedding": 0.1},
        {"recurrent_dropout": 0.2},
        {"tied": False, "softmax": "adaptive"},
        {"cell": "gru", "reset_after": False},
    ],
    ids=str,
)
def test_options_train_on_cuda(text, options):
    model = fitted(replace(MADE, **options), text, "cuda")
    assert perplexity(model, text[2]) < 150  # 200 by the frequency of words alone, 110 to 118 on a processor


@CUDA
def test_bfloat16_costs_little(text):
    exact, rounded = (fitted(replace(MADE, precision=precision), text, "cuda") for precision in ("float32", "bfloat16"))
    assert perplexity(rounded, text[2]) == pytest.approx(perplexity(exact, text[2]), rel=0.02)


@CUDA
def test_training_on_cuda_is_taken_up_again_to_the_last_bit(text, tmp_path):
    model = replace(MADE, dropout=0.3, averaging=1, epochs=4)

    class Stop(Exception):
        pass

    def stop(epoch, *_):
        if epoch == 2:
            raise Stop

    whole = fitted(model, text, "cuda")
    part = replace(model)
    part.device, part.checkpoint, part.on_epoch = "cuda", (tmp_path / "x", "key"), stop
    with pytest.raises(Stop):
        part.fit(*text[:2])
    part.on_epoch = None
    part.fit(*text[:2])
    assert perplexity(part, text[2]) == pytest.approx(perplexity(whole, text[2]), rel=1e-6)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
def test_random_numbers_go_on_as_if_nothing_was_trained(text, device):
    def drawn():
        return torch.rand(3, device=device).tolist()

    torch.manual_seed(1)
    expected = drawn()
    torch.manual_seed(1)
    fitted(replace(MADE, epochs=1), [part.take(np.arange(50)) for part in text], device)
    assert drawn() == expected
