"""The equation's parameters and their random draws."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcde_jax import Dense, Diagonal, LinearCDE


def test_parameters_have_the_shapes_of_the_equation():
    dense = LinearCDE(5, 2, key=jax.random.key(0))
    assert dense.A.shape == (3, 5, 5)
    assert dense.B is not None
    assert dense.B.shape == (5, 3)
    assert dense.C.shape == (5, 2)
    assert dense.d.shape == (5,)
    assert (dense.width, dense.channels, dense.forcing) == (5, 2, True)
    diagonal = LinearCDE(5, 2, structure=Diagonal(), forcing=False, key=jax.random.key(0))
    assert diagonal.A.shape == (3, 5)
    assert diagonal.B is None
    assert not diagonal.forcing


@pytest.mark.parametrize(("structure", "variance"), [(Dense(), 1 / 200), (Diagonal(), 1.0)])
def test_entries_have_the_variance_of_their_family(structure, variance):
    draws = [LinearCDE(200, 3, structure=structure, key=jax.random.key(k)) for k in range(40)]
    entries = np.concatenate([np.ravel(cde.A) for cde in draws])
    assert np.var(entries) == pytest.approx(variance, rel=0.05)
    for name in ("B", "C", "d"):
        values = np.concatenate([np.ravel(getattr(cde, name)) for cde in draws])
        assert np.var(values) == pytest.approx(1.0, rel=0.1)


def test_parameters_are_drawn_independently():
    """One key for all parameters is a fault of the published code (C4)."""
    cde = LinearCDE(4000, 1, structure=Diagonal(), key=jax.random.key(3))
    assert cde.B is not None
    columns = np.vstack([cde.A, cde.B.T, cde.C.T, cde.d[None]])
    correlations = np.corrcoef(columns)[np.triu_indices(len(columns), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)


def test_same_key_gives_the_same_bytes_and_another_key_does_not():
    first, again, other = (LinearCDE(7, 2, key=jax.random.key(k)) for k in (1, 1, 2))
    same = jax.tree.map(
        lambda a, b: np.asarray(a).tobytes() == np.asarray(b).tobytes(), first, again
    )
    assert all(jax.tree.leaves(same))
    assert not np.allclose(first.A, other.A)


def test_homogeneous_equation_shares_the_other_draws():
    forced, free = (LinearCDE(6, 2, forcing=f, key=jax.random.key(5)) for f in (True, False))
    np.testing.assert_array_equal(forced.A, free.A)
    np.testing.assert_array_equal(forced.d, free.d)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"width": 0}, ValueError, "width=0"),
        ({"width": 2.5}, TypeError, "width=2.5"),
        ({"width": True}, TypeError, "width=True"),
        ({"channels": 0}, ValueError, "channels=0"),
        ({"width": 5_000_000}, ValueError, "GiB"),
        ({"structure": "dense"}, TypeError, r"Dense\(\) or Diagonal\(\)"),
        ({"structure": Dense}, TypeError, r"Dense\(\) or Diagonal\(\)"),
        ({"dtype": "int32"}, ValueError, "floating"),
    ],
)
def test_impossible_equations_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        LinearCDE(**{"width": 4, "channels": 2, "key": jax.random.key(0)} | arguments)


def test_float64_without_the_flag_is_refused_and_not_truncated():
    with jax.enable_x64(False):
        assert LinearCDE(3, 1, key=jax.random.key(0)).A.dtype == jnp.float32
        with pytest.raises(ValueError, match="enable_x64"):
            LinearCDE(3, 1, dtype=jnp.float64, key=jax.random.key(0))


def test_import_changes_no_flag():
    code = "import lcde_jax, jax; assert not jax.config.jax_enable_x64"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
