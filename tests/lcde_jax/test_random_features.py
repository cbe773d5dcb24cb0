"""Random features: routes that agree, depth that is measured, blocks that do not matter."""

import tracemalloc
from itertools import pairwise, product

import jax
import numpy as np
import pytest
import signax

from lcde_jax import (
    Dense,
    Diagonal,
    FeaturePlan,
    LinearCDE,
    feature_blocks,
    plan_features,
    random_features,
    signature_depth,
    solve,
)
from lcde_jax.features.depth import truncation_tails
from lcde_jax.features.signature import time_signatures
from lcde_jax.features.words import word_matrices

FAMILIES = list(product([Dense(), Diagonal()], [True, False]))


def some_paths(count=40, points=12, channels=2, seed=0, scale=0.3):
    walk = np.cumsum(np.random.default_rng(seed).normal(size=(count, points, channels)), axis=1)
    return walk * scale / np.abs(walk).max()


def all_families(width=6, channels=2):
    return [
        LinearCDE(
            width + k % 2, channels, structure=structure, forcing=forcing, key=jax.random.key(k)
        )
        for k, (structure, forcing) in enumerate(FAMILIES)
    ]


def gather(blocks):
    """Rows covered and features of each equation."""
    rows, values = zip(*blocks, strict=True)
    return list(rows), [np.concatenate(parts) for parts in zip(*values, strict=True)]


@pytest.mark.parametrize(
    ("structure", "forcing", "channels"),
    [(*family, 2) for family in FAMILIES] + [(Dense(), True, 1), (Dense(), True, 3)],
)
def test_deep_signature_is_the_exact_solution(structure, forcing, channels):
    cde = LinearCDE(7, channels, structure=structure, forcing=forcing, key=jax.random.key(1))
    paths = some_paths(channels=channels, scale=0.02)
    features = random_features(cde, paths, method="signature", depth={1: 12, 2: 9, 3: 7}[channels])
    exact = random_features(cde, paths, method="exact")
    assert (
        np.abs(features - exact).max() < {1: 1e-7, 2: 1e-5, 3: 1e-3}[channels] * np.abs(exact).max()
    )


def test_exact_features_are_the_last_states():
    cde, paths = all_families()[0], some_paths(5)
    exact = random_features(cde, paths, method="exact")
    for row, path in zip(exact, paths, strict=True):
        np.testing.assert_allclose(row, solve(cde, path)[-1], rtol=1e-11)


def test_adaptive_features_are_those_of_the_adaptive_solver():
    cde, paths = all_families()[0], some_paths(5)
    features = random_features(cde, paths, method="adaptive")
    for row, path in zip(features, paths, strict=True):
        np.testing.assert_allclose(row, solve(cde, path, method="adaptive")[-1], rtol=1e-9)
    exact = random_features(cde, paths, method="exact")
    assert 0 < np.linalg.norm(features - exact) < 0.05 * np.linalg.norm(exact)


@pytest.mark.parametrize("forcing", [True, False])
def test_word_matrices_are_products_of_the_matrices(forcing):
    cde = LinearCDE(4, 1, forcing=forcing, key=jax.random.key(2))
    A, d = np.asarray(cde.A), np.asarray(cde.d)
    expected = []
    for length in range(4):
        for word in product(range(2), repeat=length):
            columns = np.column_stack([d, np.asarray(cde.C)])
            for position, letter in enumerate(word):
                columns = A[letter] @ columns
                if position == 0 and cde.B is not None:
                    columns[:, 0] += np.asarray(cde.B)[:, letter]
            expected.append(columns.T)
    np.testing.assert_allclose(word_matrices(cde, 3), expected, rtol=1e-12, atol=1e-14)


def test_signatures_are_those_of_signax():
    paths = some_paths(3, scale=2.0)
    times = np.broadcast_to(np.linspace(0, 1, 12)[:, None], (3, 12, 1))
    expected = signax.signature(np.concatenate([times, paths], axis=2), 4)
    np.testing.assert_allclose(time_signatures(paths, 4), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("method", ["signature", "exact"])
def test_values_depend_neither_on_start_nor_on_the_run(method):
    cdes, paths = all_families(), some_paths(41)
    plan = plan_features(cdes, paths, method=method, tolerance=0.5)
    _, whole = gather(feature_blocks(cdes, paths, plan, batch_size=8))
    assert [values.shape for values in whole] == [(41, cde.width) for cde in cdes]
    for start in (0, 1, 8, 15, 40):
        rows, values = gather(feature_blocks(cdes, paths, plan, batch_size=8, start=start))
        assert [rows[0].start, rows[-1].stop] == [start, 41]
        assert all(a.stop == b.start and b.start % 8 == 0 for a, b in pairwise(rows))
        for part, all_rows in zip(values, whole, strict=True):
            assert part.tobytes() == all_rows[start:].tobytes()
    assert list(feature_blocks(cdes, paths, plan, batch_size=8, start=41)) == []


def test_sharing_a_pass_changes_no_equation():
    cdes, paths = all_families(), some_paths()
    plan = FeaturePlan("signature", 4, None, "for the test")
    _, together = gather(feature_blocks(cdes, paths, plan))
    for cde, values in zip(cdes, together, strict=True):
        _, (alone,) = gather(feature_blocks([cde], paths, plan))
        np.testing.assert_allclose(values, alone, rtol=1e-12)


@pytest.mark.parametrize("method", ["signature", "exact"])
@pytest.mark.parametrize("flag", [True, False])
def test_features_have_the_type_of_the_paths(method, flag):
    with jax.enable_x64(flag):
        cde = LinearCDE(6, 2, dtype=np.float32, key=jax.random.key(3))
        paths = some_paths()
        wide = random_features(cde, paths, method=method, tolerance=1e-2)
        narrow = random_features(cde, paths.astype(np.float32), method=method, tolerance=1e-2)
        assert jax.config.jax_enable_x64 == flag
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)
    assert 0 < np.abs(wide - narrow).max() < 1e-5 * np.abs(wide).max()


def test_memory_does_not_grow_with_the_number_of_paths(monkeypatch):
    # The bound holds per thread; whether two hold their scratch at one time is left to chance.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    cde = LinearCDE(8, 2, key=jax.random.key(4))
    plan = FeaturePlan("signature", 5, None, "for the test")
    peaks = []
    for count in (1024, 8192):
        paths = some_paths(count, points=10)
        for _ in feature_blocks([cde], paths, plan, batch_size=512):
            pass
        tracemalloc.start()
        for _ in feature_blocks([cde], paths, plan, batch_size=512):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]


def test_depth_is_the_smallest_within_the_tolerance():
    cde, paths = all_families()[0], some_paths()
    exact = random_features(cde, paths, method="exact")
    for tolerance in (0.1, 1e-2, 1e-3):
        depth, tail = signature_depth(cde, paths, tolerance)
        for candidate in (depth, depth - 1):
            features = random_features(cde, paths, method="signature", depth=candidate)
            measured = np.linalg.norm(features - exact) / np.linalg.norm(exact)
            assert (measured <= tolerance) == (candidate == depth)
            if candidate == depth:
                assert measured == pytest.approx(tail, rel=1e-3)


def test_tail_of_several_equations_is_the_worst():
    cdes, paths = all_families(), some_paths()
    alone = [truncation_tails([cde], paths, 1e-3) for cde in cdes]
    np.testing.assert_allclose(truncation_tails(cdes, paths, 1e-3), np.max(alone, 0), rtol=1e-6)


def test_auto_takes_the_signature_for_short_words_and_says_why():
    cdes = [LinearCDE(64, 2, key=jax.random.key(k)) for k in range(2)]
    plan = plan_features(cdes, some_paths(points=100), tolerance=1e-2)
    assert plan.method == "signature"
    assert plan.depth is not None
    assert plan.tail is not None
    assert plan.tail <= 1e-2
    assert "costs" in plan.reason


def test_auto_solves_where_no_depth_is_affordable_and_says_why():
    cde, paths = all_families()[0], some_paths(scale=30.0)
    plan = plan_features([cde], paths)
    assert (plan.method, plan.depth, plan.tail) == ("exact", None, None)
    assert "no affordable depth" in plan.reason
    with pytest.raises(ValueError, match="relative tail"):
        plan_features([cde], paths, method="signature")
    with pytest.raises(ValueError, match="relative tail"):
        signature_depth(cde, paths, 1e-3)


def test_auto_solves_where_that_is_cheaper():
    cde = LinearCDE(4, 4, structure=Diagonal(), key=jax.random.key(0))
    plan = plan_features([cde], some_paths(points=3, channels=4), tolerance=0.2)
    assert plan.method == "exact"
    assert "more than the exact solver" in plan.reason


def test_a_named_depth_is_kept_and_its_tail_reported():
    cde, paths = all_families()[0], some_paths()
    plan = plan_features([cde], paths, method="signature", depth=2, tolerance=1e-9)
    assert plan.depth == 2
    assert plan.tail == pytest.approx(truncation_tails([cde], paths, 1e-9)[1], rel=1e-6)


@pytest.mark.parametrize(
    ("paths", "error", "message"),
    [
        (np.zeros((0, 5, 2)), ValueError, "no paths"),
        (np.zeros((3, 1, 2)), ValueError, "at least two"),
        (np.zeros((3, 0, 2)), ValueError, "at least two"),
        (np.zeros((5, 2)), ValueError, r"path\[None\]"),
        (np.zeros((3, 5, 3)), ValueError, "time channel"),
        (np.zeros((3, 5, 2), int), TypeError, "astype"),
        (np.full((3, 5, 2), np.nan), ValueError, r"paths\[0, 0, 0\] = nan"),
    ],
)
def test_bad_paths_are_refused(paths, error, message):
    cde = all_families()[0]
    for call in (
        lambda: random_features(cde, paths),
        lambda: signature_depth(cde, paths, 1e-3),
        lambda: plan_features([cde], paths, method="exact"),
        lambda: feature_blocks([cde], paths, FeaturePlan("exact", None, None, "")),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "signatures"}, "did you mean 'signature'"),
        ({"tolerance": 0.0}, "tolerance=0"),
        ({"tolerance": -1.0}, "tolerance=-1"),
        ({"tolerance": float("nan")}, "tolerance=nan"),
        ({"depth": 0}, "depth=0"),
        ({"method": "exact", "depth": 3}, "leave the depth out"),
        ({"batch_size": 0, "method": "exact"}, "batch_size=0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        random_features(all_families()[0], some_paths(), **options)


def test_start_beyond_the_end_is_refused_before_iteration():
    cde, paths = all_families()[0], some_paths()
    plan = FeaturePlan("signature", 2, None, "")
    for start in (-1, 41):
        with pytest.raises(ValueError, match=f"start={start}"):
            feature_blocks([cde], paths, plan, start=start)


def test_equations_must_share_the_channels():
    cdes = [LinearCDE(3, c, key=jax.random.key(0)) for c in (1, 2)]
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        plan_features(cdes, some_paths())
    with pytest.raises(ValueError, match="no equations"):
        plan_features([], some_paths())


def test_a_path_that_overflows_is_refused():
    with pytest.raises(ValueError, match="overflows"):
        random_features(all_families()[0], some_paths(scale=1e6), method="exact")
