"""Work cut for threads: every sequence and every state is some worker's, and of one alone."""

from __future__ import annotations

import numpy as np
import pytest

from seq_torch.ops.glue import threads


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cuts", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize(("sequences", "states"), [(1, 1), (2, 200), (9, 65), (30, 3)])
def test_tiles_cover_everything_once(monkeypatch, workers, cuts, sequences, states):
    monkeypatch.setattr(threads, "count", lambda _, tasks: min(workers, tasks))
    done, tiles = np.zeros((sequences, states), int), []

    def share(first: int, last: int, left: int, right: int) -> None:
        done[first:last, left:right] += 1
        tiles.append((first, last, left, right))

    threads.run_tiles(1, sequences, states, share, cut_sequences=cuts[0], cut_states=cuts[1])
    assert (done == 1).all()
    assert cuts[0] or {tile[:2] for tile in tiles} == {(0, sequences)}
    assert cuts[1] or {tile[2:] for tile in tiles} == {(0, states)}
