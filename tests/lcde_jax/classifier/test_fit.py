"""The fit: what it promises about resuming, stopping, diverging and measuring."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcde_jax import LinearCDE, LinearCDEClassifier, evaluate, fit
from lcde_jax.train.optimiser import tensor_names, tensor_rates
from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.tasks import GroupWords
from seqtheory.training import Evaluated, FitData, Snapshot, Stepped, Training

KEY = jax.random.key(0)
TASK = GroupWords("Z5", length=3, num_words=125)
SETTINGS = {"loss": "cross_entropy", "learning_rate": 1e-2, "batch_size": 10, "clip": 1.0}


def words(auxiliary=True):
    train, held_out = TASK.build(0).split((0.8, 0.2), seed=0)
    return FitData(train, held_out, TASK.auxiliary().build(0) if auxiliary else None)


def classifier(width=6, **settings):
    return LinearCDEClassifier(5, 5, width, matrix_per_token=True, key=KEY, **settings)


def training(**settings):
    return Training(**SETTINGS | {"num_steps": 12, "evaluate_every": 6} | settings)


def same(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


@pytest.mark.parametrize("auxiliary", ["summed", "separate"])
def test_resumed_fit_ends_with_the_same_bytes(auxiliary):
    settings = training(
        auxiliary=auxiliary, schedule="cosine", warmup_steps=3, num_steps=18, weight_decay=0.1
    )
    events, snapshots = [], []

    def keep(event):
        events.append(event)
        if isinstance(event, Stepped):
            snapshots.append(event.snapshot())

    model, history = fit(classifier(), words(), settings, key=KEY, on_event=keep)
    assert [s.step for s in snapshots] == [0, 6, 12, 18]
    assert history.status == "done"
    for snapshot in (snapshots[0], snapshots[2], snapshots[3]):
        stored = json.loads(json.dumps(snapshot.state))  # as on disk
        resume = Snapshot(snapshot.step, snapshot.tensors, stored)
        later = []
        again, told = fit(
            classifier(), words(), settings, key=KEY, resume=resume, on_event=later.append
        )
        assert same(again, model)
        assert told == history
        evaluated = [e for e in events if isinstance(e, Evaluated) and e.step > resume.step]
        assert [e for e in later if isinstance(e, Evaluated)] == evaluated


def test_snapshot_of_another_fit_is_refused():
    kept = []
    fit(classifier(), words(), training(num_steps=6), key=KEY, on_event=kept.append)
    resume, settings = kept[-1].snapshot(), training(num_steps=6)
    for changed, message in [
        ({"model": classifier(7)}, "of another model"),
        ({"training": training(num_steps=6, learning_rate=1.0)}, "learning_rate"),
        ({"key": jax.random.key(1)}, "key"),
        ({"data": words(auxiliary=False)}, "data"),
    ]:
        given = {"model": classifier(), "data": words(), "training": settings, "key": KEY}
        with pytest.raises(ValueError, match=message):
            fit(**given | changed, resume=resume)


def test_same_seed_same_bytes_and_another_seed_others():
    def run(**settings):
        return fit(classifier(), words(), training(**settings), key=KEY)

    (one, told), (two, again) = run(), run()
    assert same(one, two)
    assert told == again
    assert not same(one, run(seed=1)[0])


def test_model_given_is_not_changed():
    model = classifier()
    before = jax.tree.map(np.array, eqx.filter(model, eqx.is_array))
    trained, _ = fit(model, words(), training(), key=KEY)
    assert same(eqx.filter(model, eqx.is_array), before)
    assert not same(trained, model)


def test_events_come_in_order_and_say_what_was_measured():
    events = []
    model, history = fit(classifier(), words(), training(), key=KEY, on_event=events.append)
    kinds = [(type(e).__name__, e.step) for e in events]
    assert kinds == [(n, s) for s in (0, 6, 12) for n in ("Evaluated", "Stepped")]
    assert history.evaluations == tuple(e for e in events if isinstance(e, Evaluated))
    first, *_, last = history.evaluations
    assert "train_loss" not in first.metrics
    held_out = words().held_out
    measured = evaluate(model, held_out, "cross_entropy", batch_size=7)
    for name, value in measured.items():
        np.testing.assert_allclose(last.metrics[name], value, rtol=1e-12)
    predicted = np.argmax(model(held_out.inputs), axis=-1)
    assert measured["token_accuracy"] == metrics.token_accuracy(predicted, held_out.targets)
    assert measured["sequence_accuracy"] == metrics.sequence_accuracy(predicted, held_out.targets)
    positions = metrics.position_accuracy(predicted, held_out.targets)
    np.testing.assert_array_equal(measured["position_accuracy"], positions)


def test_target_stops_early():
    _, history = fit(classifier(), words(), training(target=0.01), key=KEY)
    assert (history.status, history.step) == ("target", 0)


def test_auxiliary_rows_fewer_than_a_batch_are_taken_all_at_once():
    rows = len(words().auxiliary)
    found = [
        fit(classifier(), words(), training(auxiliary_batch_size=size), key=KEY)[0]
        for size in (rows, rows + 7)
    ]
    assert same(*found)


def test_fit_learns_a_group():
    settings = training(
        num_steps=300, evaluate_every=50, target=0.99, batch_size=50, auxiliary_batch_size=25
    )
    model, history = fit(classifier(12, dropout=0.0), words(), settings, key=KEY)
    assert history.status == "target"
    assert evaluate(model, words().held_out, "cross_entropy")["token_accuracy"] >= 0.99


class Linear(eqx.Module):
    """A model that is none of ours: the mean over time of a linear map."""

    weight: jax.Array

    def __call__(self, inputs, mask=None, *, key=None):
        del key
        counted = jnp.ones(inputs.shape[:2]) if mask is None else mask.astype(inputs.dtype)
        mean = (inputs * counted[..., None]).sum(1) / counted.sum(1)[:, None]
        return mean @ self.weight


def regression(rows=40, mask=False):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(rows, 4, 3))
    counted = np.arange(4) < rng.integers(1, 5, rows)[:, None] if mask else None
    part = Dataset(inputs, inputs.mean(axis=1) @ [1.0, -2.0, 0.5], counted)
    return FitData(part, part)


def test_any_model_is_fitted_to_real_targets():
    settings = Training(learning_rate=0.05, num_steps=200, evaluate_every=100, batch_size=40)
    model, history = fit(Linear(jnp.zeros((3, 1))), regression(), settings, key=KEY)
    assert history.evaluations[-1].metrics["rmse"] < 0.05
    np.testing.assert_allclose(model.weight[:, 0], [1, -2, 0.5], atol=0.1)


def test_hidden_positions_do_not_matter():
    data = regression(mask=True)
    inputs = np.where(data.train.mask[..., None], data.train.inputs, 1e6)
    spoilt = Dataset(inputs, data.train.targets, data.train.mask)
    model = Linear(jnp.ones((3, 1)))
    one, other = (evaluate(model, part, "squared_error") for part in (data.train, spoilt))
    assert one == other


def test_divergence_is_a_result():
    model = Linear(jnp.ones((3, 1)))
    settings = Training(learning_rate=1e200, num_steps=20, evaluate_every=10, batch_size=40)
    left, history = fit(model, regression(), settings, key=KEY)
    assert (history.status, history.step) == ("diverged", 1)
    assert history.divergence["step"] == 2
    assert history.divergence["tensor"] == "weight"
    assert history.divergence["learning_rate"] == 1e200
    assert np.isfinite(left.weight).all()


def test_words_at_an_absurd_rate_end_without_an_exception():
    _, history = fit(classifier(), words(), training(learning_rate=1e6), key=KEY)
    assert history.status in ("done", "diverged")
    assert all(np.isfinite(e.metrics["loss"]) for e in history.evaluations[:1])


def test_state_matrices_have_their_own_rate_and_no_decay():
    settings = training(weight_decay=0.1, state_learning_rate=1e-4)
    model = (classifier(), LinearCDE(3, 2, key=KEY))
    rates = dict(zip(tensor_names(model), tensor_rates(model, settings), strict=True))
    state = {name for name, rate in rates.items() if rate.learning_rate == 1e-4}
    assert state == {"0.cde.matrices", "1.A"}
    decayed = {name for name, rate in rates.items() if rate.decay}
    assert {"0.embedding", "0.mix.weight", "0.readout.weight"} <= decayed
    assert not decayed & {"0.mix.bias", "0.norm.weight", "0.cde.d", *state}


def test_updates_are_those_of_optax():
    import optax

    from lcde_jax.train import optimiser

    rng = np.random.default_rng(0)
    parameters = {"w": jnp.asarray(rng.normal(size=(3, 2)))}
    rates = (optimiser.Rates(0.1, 0.3),)
    theirs = optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(0.1, weight_decay=0.3))
    state, moments = theirs.init(parameters), optimiser.initial_moments(parameters)
    ours = parameters
    for _ in range(5):
        gradient = {"w": jnp.asarray(rng.normal(size=(3, 2)))}
        norm = optimiser.gradient_norms(gradient).total
        ours, moments = optimiser.update(ours, moments, gradient, norm, jnp.ones(()), rates, 0.5)
        change, state = theirs.update(gradient, state, parameters)
        parameters = optax.apply_updates(parameters, change)
    np.testing.assert_allclose(ours["w"], parameters["w"], rtol=1e-10)


BAD = [
    ({"data": FitData(TASK.build(0), GroupWords("Z7", 3, 20).build(0))}, r"expected 0\.\.4"),
    ({"model": LinearCDEClassifier(5, 4, 6, matrix_per_token=True, key=KEY)}, "4 classes"),
    ({"training": training(precision="bfloat16")}, "on a CPU"),
    ({"training": training(batch_size=1000)}, "batch_size=1000"),
    ({"model": lambda tokens, mask=None, key=None: jnp.zeros(3)}, "outputs have shape"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_does_not_fit_together_is_refused(given, message):
    whole = {"model": classifier(), "data": words(), "training": training()} | given
    with pytest.raises(ValueError, match=message):
        fit(**whole, key=KEY)


def test_mask_that_hides_everything_is_refused():
    data = TASK.build(0)
    mask = np.ones(data.inputs.shape, bool)
    mask[4] = False
    hidden = Dataset(data.inputs, data.targets, mask)
    with pytest.raises(ValueError, match="row 4"):
        fit(classifier(), FitData(hidden, data), training(), key=KEY)
    with pytest.raises(ValueError, match="row 4"):
        evaluate(classifier(), hidden, "cross_entropy")
