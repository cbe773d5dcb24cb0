"""A guest: h_k = a_k h_{k-1} + (1 - a_k) v_k with a_k = sigmoid(A x_k) and v_k = V x_k."""

import torch
from torch import nn


class GatedRecurrence(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.maps = nn.Linear(width, 2 * width)

    def forward(self, x):
        gate, value = self.maps(x).chunk(2, -1)
        gate = gate.sigmoid()
        state, states = torch.zeros_like(value[:, 0]), []
        for a, v in zip(gate.unbind(1), value.unbind(1), strict=True):
            state = a * state + (1 - a) * v
            states.append(state)
        return torch.stack(states, 1)


class Narrow(nn.Linear):
    def __init__(self, width):
        super().__init__(width, width - 1)


class Greedy(nn.Linear):
    pass


def number(width):
    return width


constant = 3
