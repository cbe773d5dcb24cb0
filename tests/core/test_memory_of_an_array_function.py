"""A NumPy function is measured as any model: the numbers of the system that all rooms share."""

import numpy as np
import pytest

from seqtheory.memory_theory import memory_function


@pytest.mark.parametrize("probe", ["step", "impulse"])
def test_the_memory_of_a_numpy_function_is_that_of_its_system(linear_system, probe):
    A, B, C, memory = linear_system

    def model(x):
        h, outputs = np.zeros((len(x), len(A))), []
        for x_k in x.swapaxes(0, 1):
            h = h @ A.T + x_k @ B.T
            outputs.append(h @ C.T)
        return np.stack(outputs, 1)

    found = memory_function(model, len(memory), channels=2, probe=probe)
    np.testing.assert_allclose(found, memory, rtol=1e-10, atol=1e-12)
