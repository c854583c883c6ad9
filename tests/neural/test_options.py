"""Options by name: their syntax, and the laws of initializers, regularizers, constraints and activations.

That they are Keras' is tested beside Keras, in test_keras.py.
"""

import math

import pytest
import torch

from lmbench.errors import BadConfig
from lmbench.neural.activations import ACTIVATIONS
from lmbench.neural.constraints import CONSTRAINTS
from lmbench.neural.initializers import INITIALIZERS
from lmbench.neural.options import named
from lmbench.neural.regularizers import REGULARIZERS

SHAPE = (60, 140)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


def drawn(spec, shape=SHAPE):
    return named(INITIALIZERS, spec, "initializer")(shape)


@pytest.mark.parametrize(
    ("spec", "expected"), [("l2", 0.05), ("l2()", 0.05), ("l2(0.5)", 2.5), ("l2(l2=1e-1)", 0.5), ("l1_l2(1, l2=2)", 13)]
)
def test_a_name_may_have_arguments(spec, expected):
    # 1 + 2 = 3 and 1 + 4 = 5
    assert float(named(REGULARIZERS, spec, "regularizer")(torch.tensor([1.0, -2.0]))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("table", "spec", "says"),
    [
        (REGULARIZERS, "l1l2", r"no option 'l1l2'; did you mean 'l1_l2'\? \(l1, l1_l2, l2, orthogonal_regularizer\)"),
        (
            REGULARIZERS,
            "l2(0.1",
            r"option 'l2\(0.1' cannot be read .*: write l2 with numbers in brackets for .*: l2=0.01",
        ),
        (REGULARIZERS, "l2(0.1, 0.2)", "too many positional arguments"),
        (REGULARIZERS, "l2(l1=0.1)", "unexpected keyword"),
        (REGULARIZERS, "l2(open('x'))", "malformed node"),
        (CONSTRAINTS, "non_neg(1)", "write non_neg with nothing behind it"),
        (ACTIVATIONS, "threshold", "missing a required argument: 'threshold'.*: threshold, default_value"),
    ],
)
def test_what_cannot_be_read_is_told(table, spec, says):
    with pytest.raises(BadConfig, match=says):
        named(table, spec, "option")


# fan in 60, fan out 140, mean 100
VARIANCES = {
    "glorot_uniform": 1 / 100,
    "glorot_normal": 1 / 100,
    "he_uniform": 2 / 60,
    "he_normal": 2 / 60,
    "lecun_uniform": 1 / 60,
    "lecun_normal": 1 / 60,
    "variance_scaling(3, 'fan_out', 'untruncated_normal')": 3 / 140,
    "random_normal(stddev=0.3)": 0.09,
    "random_uniform": 0.05**2 / 3,
    "truncated_normal": (0.05 * 0.8796) ** 2,
}


@pytest.mark.parametrize("spec", VARIANCES)
def test_random_initializers_have_their_variance_and_bounds(spec):
    values, sd = drawn(spec), math.sqrt(VARIANCES[spec])
    assert values.shape == SHAPE
    assert float(values.var()) == pytest.approx(sd**2, rel=0.05)  # three standard errors of 8,400 normals
    assert float(values.mean()) == pytest.approx(0, abs=0.04 * sd)
    largest = float(values.abs().max()) / sd
    if "uniform" in spec:
        assert 0.99 * math.sqrt(3) < largest <= math.sqrt(3) + 1e-6
    elif spec.startswith(("random_normal", "variance")):
        assert largest > 3
    else:
        assert 2.2 < largest <= 2 / 0.8796 + 1e-3  # cut off at 2 before it is widened


@pytest.mark.parametrize("shape", [(50, 200), (50, 50), (70, 20)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    values = drawn("orthogonal(0.5)", shape)
    square = values @ values.T if shape[0] <= shape[1] else values.T @ values
    torch.testing.assert_close(square, 0.25 * torch.eye(min(shape)), atol=1e-5, rtol=0)
    assert (values < 0).float().mean() == pytest.approx(0.5, abs=0.1)


def test_fixed_initializers_are_what_they_say():
    assert torch.equal(drawn("identity(2)", (2, 3)), torch.tensor([[2.0, 0, 0], [0, 2, 0]]))
    assert torch.equal(drawn("zeros", (3,)), torch.zeros(3))
    assert torch.equal(drawn("ones", (3,)), torch.ones(3))
    assert torch.equal(drawn("constant(-1)", (3,)), -torch.ones(3))
    assert drawn("random_uniform(1, 2)").min() >= 1


@pytest.mark.parametrize("name", ["orthogonal", "identity"])
def test_matrices_are_not_for_biases(name):
    with pytest.raises(BadConfig, match=f"initializer '{name}' makes matrices and a bias is none"):
        drawn(name, (5,))


def test_orthogonal_regularizer_is_the_mean_cosine_of_pairs():
    # rows (1, 0), (1, 1), (0, 2): cosines .707, 0, .707; columns (1, 1, 0), (0, 1, 2): 1 / sqrt(2 * 5)
    x = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    rows, columns = (named(REGULARIZERS, f"orthogonal_regularizer(3, '{mode}')", "") for mode in ("rows", "columns"))
    assert float(rows(x)) == pytest.approx(3 * math.sqrt(2) / 3)
    assert float(columns(x)) == pytest.approx(3 / math.sqrt(10))
    with pytest.raises(BadConfig, match="is for kernels"):
        rows(x[0])


def test_constraints_move_norms_and_nothing_else():
    w = torch.tensor([[3.0, 0.3, 0.0], [-4.0, 0.4, 0.0]])  # columns of norm 5, .5, 0
    expected = {
        "max_norm": [2, 0.5, 0],
        "max_norm(3)": [3, 0.5, 0],
        "unit_norm": [1, 1, 0],
        "min_max_norm(1, 2)": [2, 1, 0],
        "min_max_norm(1, 2, rate=0.5)": [3.5, 0.75, 0],
    }
    for spec, norms in expected.items():
        found = named(CONSTRAINTS, spec, "constraint")(w)
        assert found.norm(dim=0).tolist() == pytest.approx(norms, abs=1e-5), spec
        assert torch.equal(found.sign(), w.sign())
    assert torch.equal(CONSTRAINTS["non_neg"](w), torch.tensor([[3.0, 0.3, 0.0], [0.0, 0.4, 0.0]]))


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    x = torch.randn(20, 6, dtype=torch.float64)
    found = ACTIVATIONS["sparsemax"](x)
    torch.testing.assert_close(found.sum(1), torch.ones(20, dtype=torch.float64))
    assert (found == 0).any()
    # moving towards any corner or other point of the simplex brings it no nearer to x: <x - p, q - p> <= 0
    corners = torch.eye(6, dtype=torch.float64)
    assert float(((x - found).unsqueeze(1) * (corners - found.unsqueeze(1))).sum(2).max()) < 1e-12
