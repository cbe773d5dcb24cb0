"""LinOSS beside its authors' code: both discretisations, with the gelu behind them."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st


@pytest.mark.parametrize("title", ["IM", "IMEX"])
def test_the_layer_is_that_of_the_authors(golden, title):
    case = golden("linoss")[title]
    layer = st.LinOSSConfig(**case.options).build(4).double()
    given = dict(case.inputs)
    y = torch.func.functional_call(layer, given, (given.pop("x"),))
    assert set(given) == set(dict(layer.named_parameters()))
    case.agrees({"y": y})
