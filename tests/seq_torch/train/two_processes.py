"""One process of several that train together: ``python two_processes.py RANK WORLD FOLDER``.

Writes what came of it to ``FOLDER/RANK.npz``. With a world of 1 there is no process group.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn

from seq_torch import fit
from seqtheory.dataset import Dataset
from seqtheory.training import Curriculum, FitData, Stepped, Training

# 22 rows in batches of 3: the last batch of an epoch has one row, and one process none of it.
TRAINING = Training(
    loss="cross_entropy",
    num_steps=10,
    batch_size=3,
    learning_rate=0.02,
    clip=0.3,
    schedule="cosine",
    warmup_steps=3,
    evaluate_every=4,
)


class Tagger(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.embedding = nn.Embedding(4, 6, dtype=dtype)
            self.norm = nn.LayerNorm(6, dtype=dtype)
            self.readout = nn.Linear(6, 3, dtype=dtype)

    def forward(self, inputs, mask=None):
        x = self.embedding(inputs)
        if mask is not None:
            x = x * mask[..., None]
        return self.readout(self.norm(x + x.cumsum(1)))


def words() -> FitData:
    rng = np.random.default_rng(0)

    def draw(count: int, length: int, masked: bool = True) -> Dataset:
        tokens = rng.integers(0, 4, (count, length))
        mask = np.arange(length) < rng.integers(1, length + 1, count)[:, None]
        return Dataset(tokens, tokens.cumsum(1) % 3, mask if masked else None)

    return FitData(draw(22, 5), draw(13, 6), draw(5, 2, masked=False))


def train(dtype, **changes):
    """Parameters and metrics, in one flat list of numbers; and the events seen."""
    model, events, snapshots = Tagger(dtype), [], []

    def on_event(event):
        events.append(event)
        if isinstance(event, Stepped) and event.step == 4:
            snapshots.append(event.snapshot())

    history = fit(model, words(), dataclasses.replace(TRAINING, **changes), on_event=on_event)
    numbers = [p.detach().double().numpy().ravel() for p in model.parameters()]
    for evaluated in history.evaluations:
        for _, value in sorted(evaluated.metrics.items()):
            numbers.append(np.ravel(value))
    return np.concatenate(numbers), len(events), history, snapshots


def resumed(snapshots, rank: int, world: int):
    if world > 1:  # the snapshot is process 0's; every process needs it
        distributed.broadcast_object_list(snapshots if rank == 0 else (snapshots := [None]))
    model = Tagger(torch.float64)
    fit(model, words(), TRAINING, resume=snapshots[0])
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def refusal() -> str:
    inputs = np.zeros((8, 3))
    data = Dataset(inputs, np.zeros(8))
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    try:
        return fit(model, FitData(data, data), Training(num_steps=1)).status
    except ValueError as error:
        return str(error)


def divergence() -> dict:
    """Only a row of process 1 is bad, and both must stop."""

    class Bad(nn.Linear):
        def forward(self, inputs):
            hurt = inputs[:, :1] * (float("nan") if self.training else 1.0)
            return super().forward(inputs) + torch.where(inputs[:, :1] > 6, hurt, 0.0)

    inputs = np.arange(8.0)[:, None]
    data = Dataset(inputs, np.zeros(8))
    history = fit(Bad(1, 1), FitData(data, data), Training(num_steps=4, batch_size=8))
    return {"status": history.status, "step": history.step}


def main(rank: int, world: int, folder: Path) -> None:
    if world > 1:
        place = f"file://{folder / 'meeting'}"
        distributed.init_process_group("gloo", init_method=place, rank=rank, world_size=world)
    double, events, _, snapshots = train(torch.float64)
    separate, *_ = train(torch.float64, auxiliary="separate")
    single, *_ = train(torch.float32)
    curriculum = Curriculum(start=2, level=0.4)
    course, *_ = train(torch.float64, optimiser="momentum", curriculum=curriculum, lengths="mixed")
    _, _, stopped, _ = train(torch.float64, target=0.45)
    facts = {
        "events": events,
        "stopped": [stopped.status, stopped.step],
        "refusal": refusal(),
        "divergence": divergence(),
    }
    again = resumed(snapshots, rank, world)
    found = {"double": double, "separate": separate, "single": single, "course": course}
    np.savez(folder / f"{rank}.npz", again=again, **found)
    (folder / f"{rank}.json").write_text(json.dumps(facts))
    if world > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
