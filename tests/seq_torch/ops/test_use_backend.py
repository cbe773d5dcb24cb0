"""One word decides the backend of every operation below it, in its own thread alone."""

from __future__ import annotations

import threading

import pytest
import torch

from seq_torch import ops
from seq_torch.ops.glue.backend import asked


def test_the_choice_of_a_call_comes_first_and_an_inner_choice_before_an_outer():
    with ops.use_backend("parallel"):
        assert asked("auto") == "parallel"
        assert asked("fused") == "fused"
        with ops.use_backend("auto"):
            assert asked("auto") == "auto"
        assert asked("auto") == "parallel"
    assert asked("auto") == "auto"


def test_the_choice_ends_with_an_error():
    with pytest.raises(KeyError), ops.use_backend("reference"):
        raise KeyError
    assert asked("auto") == "auto"


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with (
        pytest.raises(ValueError, match="got backend='slow', expected one of auto, reference"),
        ops.use_backend("slow"),
    ):
        pass


def test_a_backend_that_an_operation_lacks_is_refused():
    x = torch.zeros(2, 4, 3)
    with ops.use_backend("cuda"):
        with pytest.raises(ops.BackendError, match="tensors on cpu"):
            ops.selective_scan(x, x, -torch.ones(4, 2), torch.ones(4, 2), torch.ones(4, 2))
        with pytest.raises(ops.BackendError, match="which it does not have"):
            ops.linear_scan(torch.ones(3), x)
    with (
        ops.use_backend("parallel"),
        pytest.raises(ops.BackendError, match="'parallel', which it does not have"),
    ):
        ops.residual_scan(x, torch.zeros(3))


def test_threads_choose_for_themselves():
    seen = {}
    together = threading.Barrier(2)

    def choose(name):
        with ops.use_backend(name):
            together.wait()
            seen[name] = asked("auto")

    with ops.use_backend("parallel"):
        threads = [threading.Thread(target=choose, args=(n,)) for n in ("reference", "fused")]
        threads.append(threading.Thread(target=lambda: seen.update(new=asked("auto"))))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {"reference": "reference", "fused": "fused", "new": "auto"}
