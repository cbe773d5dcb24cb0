"""What a cell of the A5 study shows, judged from records of every kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import made_up
import numpy as np
import pytest

from experiments.a5 import claims, figure, plateau_table, sequence_models, table, words
from experiments.a5.known_letters import known_letters
from experiments.a5.minimum_depth import cells, minimum_depths, outcome
from experiments.exit_code import ConfigError
from seqtheory.plain import described
from seqtheory.tasks import GroupWords
from seqtheory.training import TaskStream

FLAT = (0.1, 0.3, 0.4, 0.4, 0.4, 0.4)
RISING = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
SOLVED = (0.1, 0.5, 0.95)


def record(
    accuracies: tuple[float, ...] = SOLVED,
    *,
    model: str = "s4",
    group: str = "A5",
    length: int = 6,
    depth: int = 1,
    seed: int = 0,
    every: int = 100,
    status: str = "done",
    budget: int = 1_000,
    schedule: str = "constant",
    optimiser: str = "muon",
    width: int = 256,
    grown: bool = False,
) -> Any:
    lines = [
        {
            "step": every * i,
            "token_accuracy": a,
            "sequence_accuracy": a**2,
            "position_accuracy": [1.0] * (known := round(a * length)) + [0.0] * (length - known),
        }
        for i, a in enumerate(accuracies)
    ]
    longer = {"token_accuracy": 0.5, "position_accuracy": [1.0, 0.95, 0.9, 1.0]}
    training = SimpleNamespace(
        num_steps=budget, batch_size=64, schedule=schedule, optimiser=optimiser, curriculum=None
    )
    if grown:
        training.curriculum = "length"
    run = SimpleNamespace(
        model=model,
        group=group,
        length=length,
        depth=depth,
        seed=seed,
        training=training,
        auxiliary_fraction=0,
        width=width,
        fresh=False,
    )
    notes = {"longer": {str(2 * length): longer}}
    return made_up.record(run, lines, study="a5.sequence_models", status=status, notes=notes)


def outcomes(*records: Any) -> dict[tuple[str, int, int], str]:
    study = cells(records)
    a5 = [cell for cell in study if cell.group == "A5"]
    return {(c.model, c.length, c.depth): outcome(c, study) for c in a5}


def test_two_seeds_of_three_solve_a_cell():
    runs = [record(seed=0), record(seed=1), record(FLAT, seed=2)]
    assert outcomes(*runs)["s4", 6, 1] == "solved"
    runs = [record(seed=0), record(FLAT, seed=1), record(FLAT, seed=2)]
    assert outcomes(*runs)["s4", 6, 1] != "solved"


def test_the_threshold_itself_does_not_pass():
    assert outcomes(record((0.1, 0.9)))["s4", 6, 1] != "solved"


def test_a_flat_failure_of_a_model_that_learns_counts_as_cannot():
    easy, slow = record(length=3), record(model="rnn")
    assert outcomes(record(FLAT), easy, slow)["s4", 6, 1] == "cannot"


@pytest.mark.parametrize(
    "others",
    [
        [record(model="rnn")],  # nothing shows that S4 learns at all
        [record(length=3), record(model="rnn", every=1_000)],  # another needed more steps
    ],
)
def test_without_evidence_a_failure_is_undertrained(others):
    assert outcomes(record(FLAT), *others)["s4", 6, 1] == "undertrained"


def test_a_failure_under_a_rate_that_falls_is_undertrained():
    others = [record(length=3), record(model="rnn")]
    assert outcomes(record(FLAT, schedule="cosine"), *others)["s4", 6, 1] == "undertrained"


def test_a_plateau_must_be_three_times_the_longest_that_was_left_at_any_length():
    waited = (0.1, 0.3, 0.3, 0.3, 0.95)  # stands still for 300 steps, then solves length 3
    assert outcomes(record(FLAT), record(waited, length=3))["s4", 6, 1] == "undertrained"
    still = record((*FLAT, *[0.4] * 8))  # 1,100 steps
    assert outcomes(still, record(waited, length=3))["s4", 6, 1] == "cannot"


def test_a_failure_that_a_published_run_contradicts_is_undertrained():
    assert outcomes(record(FLAT, depth=2), record(length=3))["s4", 6, 2] == "undertrained"
    assert outcomes(record(FLAT, length=4), record(length=3))["s4", 4, 1] == "undertrained"


def test_a_failure_that_another_run_contradicts_is_undertrained():
    learns = record(length=3)
    cell = [record(FLAT, seed=seed) for seed in range(3)]
    assert outcomes(*cell, learns)["s4", 6, 1] == "cannot"
    others = [
        record(seed=3),  # a seed of the same cell, of four, that passes
        record(length=8, budget=500),  # longer words solved
        record((0.1, 0.5), budget=500),  # a training that knows half a letter more
    ]
    for other in others:
        assert outcomes(*cell, learns, other)["s4", 6, 1] == "undertrained"
    assert outcomes(*cell, learns, record(depth=2))["s4", 6, 1] == "cannot"


def test_shorter_words_show_that_a_model_learns_where_no_more_blocks_were_needed():
    assert outcomes(record(FLAT), record(length=4))["s4", 6, 1] == "cannot"
    assert outcomes(record(FLAT), record(length=4, depth=2))["s4", 6, 1] == "undertrained"


def test_a_search_counts_the_seeds_that_it_left_out():
    passed = record(length=4, seed=0)
    deeper = [record(FLAT, length=4, depth=2, seed=1), record(length=4, depth=2, seed=2)]
    failed = [record(FLAT, length=4, seed=seed) for seed in (1, 2)]
    found = cells([passed, *failed, *deeper])
    assert [(cell.depth, cell.passed, cell.tried) for cell in found] == [(1, 1, 3), (2, 2, 3)]
    assert minimum_depths(found) == {"s4": {4: 2}}
    longer = cells([*failed, passed, record(length=6)])[1]
    assert (longer.passed, longer.tried, longer.is_solved) == (1, 3, False)
    other = cells([*failed, passed, record(length=6, budget=500)])[1]
    assert (other.passed, other.tried) == (1, 1)


def test_last_plateaus_stand_beside_the_longest_that_the_model_left():
    waited = record((0.1, 0.3, 0.3, 0.3, 0.95), length=3)  # left a plateau of 300 steps
    falling = record(FLAT, length=8, schedule="cosine")
    study = cells([record(FLAT, seed=1), record((*FLAT, *[0.4] * 8)), waited, falling])
    text = "\n".join(plateau_table.section(study))
    assert "| s4 | A5 | 6 | 1 | 300, 1,100 | 300 | undertrained |" in text
    assert "| s4 | A5 | 8 |" not in text
    assert plateau_table.section(cells([waited, falling])) == []


def test_a_rising_curve_is_undertrained():
    assert outcomes(record(RISING), record(length=3))["s4", 6, 1] == "undertrained"


def test_a_control_group_shows_that_a_model_learns():
    assert outcomes(record(FLAT), record(group="Z60"))["s4", 6, 1] == "cannot"


def test_a_diverged_run_shows_nothing():
    runs = [record(FLAT, status="diverged"), record(length=3)]
    assert outcomes(*runs)["s4", 6, 1] == "undertrained"


def test_the_least_depth_that_solves_a_length_is_computed():
    runs = [record(FLAT, depth=1), record(depth=2), record(depth=3), record(FLAT, length=8)]
    assert minimum_depths(cells(runs)) == {"s4": {6: 2, 8: None}}


def test_a_cell_holds_the_best_accuracy_of_each_seed():
    (cell,) = cells([record((0.2, 0.7, 0.6), seed=0), record((0.1, 0.3), seed=1)])
    np.testing.assert_allclose(cell.accuracies, [0.7, 0.3])


def test_a_longer_training_is_a_cell_of_its_own_and_decides_a_claim():
    short, long = record(FLAT, budget=100), record(RISING, budget=500)
    learns = record(length=3)
    others = [record(FLAT, length=length) for length in (8, 12, 20)]
    assert [cell.budget for cell in cells([long, short])] == [100, 500]
    assert verdict("s4", [short, learns, *others]) == "pass"
    assert verdict("s4", [short, long, learns, *others]) == "undecided"


def test_lengths_and_depths_are_compared_in_the_same_training():
    longer = record((0.99,), length=8, budget=5_000)
    one = [record((0.9,), length=4), record((0.5,), length=8), longer]
    deeper = record((0.6,), length=8, depth=2)
    assert verdict("deeper-s4", [*one, deeper]) == "pass"
    assert verdict("deeper-s4", [longer, deeper]) == "not run"


def verdict(name: str, records: list[Any]) -> str:
    return made_up.verdict(claims.CLAIMS, name, records)


def test_claims_tell_pass_fail_undecided_and_not_run_apart():
    learns = record(length=3)
    flat = [record(FLAT, length=length) for length in (6, 8, 12, 20)]
    assert verdict("s4", [*flat, learns]) == "pass"
    assert verdict("s4", [*flat[:-1], learns]) == "undecided"  # length 20 is not there yet
    assert verdict("s4", [record(), learns]) == "fail"
    assert verdict("s4", [record(RISING), learns]) == "undecided"
    assert verdict("s4", [learns]) == "not run"
    lengths = claims.LENGTHS
    dense = [record((0.999,), model="linear_cde", length=length) for length in lengths]
    assert verdict("dense", dense) == "pass"
    assert verdict("dense", [*dense, record((0.98,), model="linear_cde", seed=1)]) == "fail"
    assert verdict("dense", dense[1:]) == "undecided"
    assert verdict("rnn", [record(model="rnn", length=n) for n in lengths if n <= 12]) == "pass"
    assert verdict("rnn", [record(model="rnn")]) == "undecided"
    assert verdict("deeper-s4", [record(FLAT), record(RISING, depth=2)]) == "pass"
    assert verdict("abelian", [record((0.97,), model="selective_diagonal", group="Z60")]) == "pass"
    assert verdict("controls", [record((0.999,), model="linear_cde", group="Z60")]) == "pass"


def test_letters_are_counted_at_equal_words_seen():
    short = record((0.1, 0.9), length=4)
    assert verdict("letters-s4", [short, record((0.1, 0.3), length=8)]) == "pass"
    assert verdict("letters-s4", [short, record((0.1, 0.5), length=8)]) == "fail"  # four of eight
    late = record((0.1, 0.3, 0.9), length=8)  # its third evaluation has seen more words
    assert verdict("letters-s4", [short, late]) == "pass"
    assert verdict("letters-s4", [short]) == "not run"
    growing = record((0.1, 0.3), length=8, grown=True)  # whose words are short at first
    assert verdict("letters-s4", [short, growing]) == "not run"


def loader(records: list[Any]) -> Any:
    return lambda preset, model_file: records if (preset, model_file) == _HOME else []


_HOME = ("quick", "sequence_models")


def test_figure_and_table_are_made_from_whatever_is_there(tmp_path):
    runs = [record(), record(FLAT, model="mamba"), record(model="rnn", length=8)]
    paths = figure.draw(loader(runs), "quick", tmp_path)
    assert all(path.stat().st_size > 1_000 for path in paths)
    text = table.table(loader(runs), "quick")
    for part in (
        "| s4 | 1 (1 of 1) / 2 | not run / 2 |",
        "| mamba | >1, undertrained (0 of 1) / 2 |",
        "6 to 12",
        r"a \| b",
        "| **not run** |",
        "and c |",
    ):
        assert part in text


def test_lines_at_one_block_are_inside_the_panel(tmp_path, monkeypatch, drawn):
    monkeypatch.setattr(figure, "representable_depths", lambda *_: {6: 5})
    figure.draw(loader([record(), record(model="rnn", length=8)]), "quick", tmp_path)
    panel = drawn[0].axes[0]
    places = [line.get_transform().transform(line.get_xydata()) for line in panel.lines]
    heights = np.concatenate([place[:, 1] for place in places if len(place)])
    assert panel.bbox.y0 < heights.min() < heights.max() < panel.bbox.y1


def test_a_record_that_was_only_begun_is_not_read():
    begun = SimpleNamespace(finished=False, path=0, run={}, metrics=[])
    assert cells([begun]) == []
    assert "| **not run** |" in table.table(loader([begun]), "quick")


def test_a_run_that_two_presets_share_counts_once():
    shared = record()
    held = figure.records(lambda preset, file: [shared] if "seq" in file else [], "quick")
    assert held == [shared]


def test_figure_and_table_of_nothing_are_empty_not_broken(tmp_path):
    assert figure.draw(loader([]), "quick", tmp_path)
    assert "not run" in table.table(loader([]), "quick")


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"group": "A9x"}, "A9x"),
        ({"length": 1}, "at least 2"),
        ({"train_fraction": 1.0}, r"expected a number in \(0, 1\)"),
        ({"auxiliary_fraction": 1.5}, r"expected a number in \[0, 1\]"),
        ({"model": "gru"}, "expected one of"),
        ({"depth": 0}, "depth=0: expected an integer of at least 1"),
        ({"model": "transformer", "heads": 3}, "divisor"),
        ({"dropout": 1.0}, r"\[0, 1\)"),
    ],
)
def test_a_run_that_could_give_no_result_is_refused(setting, match):
    with pytest.raises(ValueError, match=match):
        sequence_models.SequenceModelRun(**setting)


def small(**settings: Any) -> words.WordsRun:
    return words.WordsRun(**{"length": 4, "num_words": 1_000, "num_held_out": 50, **settings})


def test_words_are_split_and_the_words_of_length_two_go_beside_them():
    data = words.fit_data(small())
    assert (len(data.train), len(data.held_out)) == (800, 50)
    assert len(data.auxiliary) == 3600
    assert words.fit_data(small(auxiliary_fraction=0.0)).auxiliary is None
    assert len(words.fit_data(small(auxiliary_fraction=0.8)).auxiliary) == 2880


def test_training_and_held_out_words_share_no_word():
    data = words.fit_data(small(num_held_out=200))
    seen = {tuple(word) for word in data.train.inputs.tolist()}
    assert not seen & {tuple(word) for word in data.held_out.inputs.tolist()}


def test_longer_words_are_drawn_apart_and_the_hand_set_recurrence_solves_them():
    run = small(num_longer=20)
    longer = words.longer_words(run)
    assert {n: data.inputs.shape for n, data in longer.items()} == {8: (20, 8), 16: (20, 16)}
    assert all(words.hand_set_accuracy("A5", data) == 1.0 for data in longer.values())
    assert words.longer_words(small(num_longer=0)) == {}
    wrong = GroupWords("Z60", 8, 20).build(0)
    assert words.hand_set_accuracy("A5", wrong) < 0.5


def test_a_folder_without_the_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"A5=4\.csv"):
        words.fit_data(small(words=str(tmp_path)))


@pytest.mark.parametrize(("fraction", "each"), [(0.0, 64), (1.0, 96)])
def test_known_letters_are_read_against_words_seen(fraction, each):
    training = SimpleNamespace(batch_size=64, auxiliary_batch_size=32)
    run = SimpleNamespace(auxiliary_fraction=fraction, training=training)
    accuracies = ([0.9, 0.1, 0.1], [1.0, 0.95, 0.3], [1.0, 1.0, 0.92])
    lines = [{"step": 100 * i, "position_accuracy": a} for i, a in enumerate(accuracies)]
    found = known_letters(made_up.record(run, lines, study="a5.sequence_models"))
    assert found.words == (0, 100 * each, 200 * each)
    assert found.letters == (1, 2, 3)
    assert [found.words_until(n) for n in (2, 3, 4)] == [100 * each, 200 * each, None]
    assert [found.after(words) for words in (0, 150 * each, 10**6)] == [1, 2, 3]


def test_fresh_words_are_drawn_step_by_step():
    run = words.WordsRun(length=3, fresh=True, num_held_out=50, auxiliary_fraction=0.0)
    data = words.fit_data(run)
    assert isinstance(data.train, TaskStream)
    assert data.auxiliary is None
    assert len(data.held_out) == 50
    assert words.hand_set_accuracy("A5", data.sample) == 1
    with pytest.raises(ValueError, match="fresh=True draws the words, but words='folder'"):
        words.WordsRun(length=3, fresh=True, words="folder")


def test_the_recipe_is_ablated_part_by_part():
    runs = sequence_models.runs("ablation")
    assert len(runs) == 18
    assert {(r.model, r.length, r.depth, r.fresh) for r in runs} == {("s4", 6, 2, True)}
    recipe = next(r for r in sequence_models.runs("plateaus") if r == runs[0])
    changed = [
        {
            name
            for name, value in described(run.training).items()
            if value != described(recipe.training).get(name)
        }
        | {n for n in ("width", "published_step") if getattr(run, n) != getattr(recipe, n)}
        for run in runs
        if run.seed == recipe.seed
    ]
    assert changed[0] == set()
    assert {"width"} in changed
    assert {"schedule"} in changed
    assert {"published_step"} in changed
    searched = sequence_models.runs("plateaus")
    first = [run for run in searched if run.length == 4 and run.depth == 1]
    assert sequence_models.due("plateaus", searched, {}) == first


def test_the_recipe_shares_no_cell_with_presets_that_are_shown_beside_it():
    def told(preset):
        runs = sequence_models.runs(preset)
        return {(r.model, r.group, r.length, r.depth, r.training.num_steps) for r in runs}

    beside = set().union(*map(told, (sequence_models.DEFAULT_PRESET, "controls", "long")))
    assert not told("plateaus") & beside
