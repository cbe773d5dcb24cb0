"""Small models and data on which a fit takes milliseconds."""

import numpy as np
import pytest
import torch
from torch import nn

from seqtheory.dataset import Dataset
from seqtheory.training import FitData


class Tagger(nn.Module):
    """Classes per position from the position's token and a running mean, with dropout."""

    def __init__(self, classes: int = 3, dropout: float = 0.25, width: int = 8):
        super().__init__()
        self.embedding = nn.Embedding(4, width)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, classes)

    def forward(self, inputs, mask=None):
        x = self.dropout(self.embedding(inputs))
        if mask is not None:
            x = x * mask[..., None]
        times = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)[:, None]
        return self.readout(self.norm(x + x.cumsum(1) / times))


@pytest.fixture
def tagger():
    def build(seed: int = 0, **settings) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Tagger(**settings)

    return build


@pytest.fixture
def line():
    """A linear model of three inputs in float64, all ones at first."""

    def build(outputs: int = 1, dtype=torch.float64) -> nn.Module:
        model = nn.Linear(3, outputs, dtype=dtype)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(1.0)
        return model

    return build


@pytest.fixture
def words() -> FitData:
    """Words of several lengths whose classes follow from the running sum."""
    rng = np.random.default_rng(0)

    def draw(count: int, length: int, masked: bool = True) -> Dataset:
        tokens = rng.integers(0, 4, (count, length)).astype(np.uint8)
        lengths = rng.integers(1, length + 1, count)
        mask = np.arange(length) < lengths[:, None] if masked else None
        return Dataset(tokens, tokens.cumsum(1) % 3, mask)

    return FitData(draw(22, 5), draw(17, 6), draw(6, 2, masked=False))


@pytest.fixture
def points() -> FitData:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(20, 3))
    data = Dataset(inputs, inputs @ [0.5, -1.0, 2.0] + 0.3)
    return FitData(*data.split((0.75, 0.25), seed=None))


def snapshots_of(fit, model, data, training):
    """Snapshot after every step, and the history."""
    held = []
    history = fit(model, data, training, on_event=lambda e: keep(held, e))
    return held, history


def keep(held, event):
    if hasattr(event, "snapshot"):
        held.append(event.snapshot())


@pytest.fixture
def snapshots():
    return snapshots_of


@pytest.fixture
def bytes_of():
    def read(model: nn.Module) -> dict[str, bytes]:
        return {k: v.detach().cpu().numpy().tobytes() for k, v in model.state_dict().items()}

    return read
