"""Large results in large pages hold what is written to them, whatever their size and device."""

import pytest
import torch

from seq_torch.ops.glue import pages


@pytest.mark.parametrize("extra", [-4096, 0, 4, 123_456])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_a_large_result_is_like_its_model_and_can_be_written(extra, dtype):
    count = (pages.LARGE + extra) // torch.empty(0, dtype=dtype).element_size()
    like = torch.empty(count, dtype=dtype)
    result = pages.empty_like(like)
    assert (result.shape, result.dtype) == (like.shape, like.dtype)
    assert result.fill_(2.0).sum().item() == 2.0 * count


def test_a_result_without_memory_is_left_alone():
    like = torch.empty(pages.LARGE, device="meta")
    assert pages.empty_like(like).device.type == "meta"
    assert pages.empty_like(torch.empty(0, 3)).shape == (0, 3)
