"""A torch module as a function of arrays, which the memory tools of the core can probe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn


def array_model(module: nn.Module) -> Callable[[Any], np.ndarray]:
    """Wrap a module for `seqtheory.memory_theory.memory_function`.

    Parameters
    ----------
    module
        Maps ``(batch, time, channel)``, or integers ``(batch, time)``, to
        ``(batch, time, output)``, or to a tuple that begins with it, as `torch.nn.LSTM` does.

    Returns
    -------
    A function from NumPy arrays to NumPy arrays. Inputs take the type and the device of the
    module's first parameter (float64 on the CPU if it has none); integers, which are letters, take
    the device alone.

    Raises
    ------
    ValueError
        If a recurrent module of torch was built without ``batch_first=True``: it would take
        sequences for time.

    Notes
    -----
    The module stays in the mode it is in: call ``module.eval()`` first, or dropout will make its
    answers differ from call to call. In float32, memory below 1e-7 of the largest is rounding.
    """
    if isinstance(module, nn.RNNBase) and not module.batch_first:
        raise ValueError(
            f"{type(module).__name__} was built with batch_first=False, so its first axis is time; "
            "expected (batch, time, channel). Build it with batch_first=True."
        )

    def model(inputs: Any) -> np.ndarray:
        like = next(module.parameters(), torch.empty(0, dtype=torch.float64))
        with torch.no_grad():
            given = torch.from_numpy(np.array(inputs))
            outputs = module(given.to(like if given.is_floating_point() else like.device))
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        return outputs.cpu().numpy()

    return model
