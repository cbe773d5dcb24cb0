"""PD-SSM beside its authors' code: the layer of their torch file, the recurrence of their JAX file.

The torch file has one 1 in each row of P, the JAX file one in each column.
"""

from __future__ import annotations

import torch

import seq_torch as st
from seq_torch import ops
from seq_torch.parameter import as_complex


def test_one_per_row_is_the_layer_of_the_torch_file(golden):
    case = golden("pd_ssm")["the layer of the torch file"]
    layer = st.PDSSMConfig(**case.options).build(4).double()
    given = dict(case.inputs)
    x, norm = given.pop("x"), [given.pop(f"norm.{name}") for name in ("weight", "bias")]
    given["B"] = torch.stack((given.pop("B_re"), given.pop("B_im")), -1)
    assert set(given) == set(dict(layer.named_parameters()))
    mixed = torch.func.functional_call(layer, given, (x,))
    case.agrees({"y": torch.nn.functional.layer_norm(mixed, (4,), *norm)})


def test_one_per_column_is_the_recurrence_of_the_jax_file(golden):
    case = golden("pd_ssm")["the recurrence of the JAX file"]
    given = case.inputs
    h = ops.one_hot_scan(
        given["mix"].softmax(-1),
        given["dictionary"],
        torch.polar(given["modulus"], given["phase"]),
        torch.complex(given["drive_re"], given["drive_im"]),
        as_complex(torch.zeros(2, 4, 2).double()),
        **case.options,
    )
    case.agrees({"re": h.real, "im": h.imag})
