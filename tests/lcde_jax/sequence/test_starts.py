"""Starts of the cited code in JAX: the distributions of torch's twins."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import lcde_jax as lj

WIDTH, STATES = 200, 100


def built(config, width=WIDTH):
    return config.build(width, dtype=np.float32, key=jax.random.key(0))


def as_complex(pair):
    pair = np.asarray(pair, np.float64)
    return pair[..., 0] + 1j * pair[..., 1]


def spread(values):
    return np.mean(np.abs(values) ** 2)


@pytest.mark.parametrize(("start", "of_B", "of_C"), [("own", 1 / WIDTH, 1), ("published", 0.01, 2)])
def test_s5_starts_with_the_variances_of_its_start(start, of_B, of_C):
    module = built(lj.S5Config(state_dim=STATES, start=start))
    assert spread(as_complex(module.B)) == pytest.approx(of_B, rel=0.06)
    assert spread(as_complex(module.C)) == pytest.approx(of_C / STATES, rel=0.06)


def test_what_s5_carries_over_is_cut_off_at_two_deviations_as_published():
    config = lj.S5Config(state_dim=STATES, start="published", conjugate_symmetry=False)
    module, vectors = built(config), config.block_spectrum()[1]
    B, C = vectors @ as_complex(module.B), as_complex(module.C) @ vectors.conj().T
    assert np.abs(B.imag).max() < 1e-5
    for drawn in STATES**0.5 * np.stack((B.real, C.real.T, C.imag.T)):
        assert abs(drawn.mean()) < 0.03
        assert drawn.std() == pytest.approx(1, rel=0.02)
        assert 2.2 < np.abs(drawn).max() < 2.2737  # 2 / 0.8796
        assert np.mean(drawn**4) / np.mean(drawn**2) ** 2 == pytest.approx(2.365, abs=0.05)


def test_s4_and_s4d_start_from_the_clipped_input():
    B = as_complex(built(lj.S4DPLRConfig(start="published"), 1).B)[0]
    assert abs(B.imag).max() == 2
    assert (abs(B.imag) == 2).sum() == 11
    own, module = (
        built(lj.S4DConfig(initialisation="legs", start=start)) for start in ("own", "published")
    )
    np.testing.assert_allclose(as_complex(module.C), B * as_complex(own.C), rtol=1e-5)
    both = [built(lj.S4DConfig(start=start)).C for start in ("own", "published")]
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("kind", [lj.S4DPLRConfig, lj.S4DConfig, lj.S5Config])
def test_an_unknown_start_says_what_is_known(kind):
    with pytest.raises(ValueError, match="did you mean 'published'"):
        kind(start="publication")
