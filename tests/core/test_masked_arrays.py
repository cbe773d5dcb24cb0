"""A masked array is refused by every public function that takes arrays: its mask would be lost."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import seqtheory
from seqtheory.dataset import Dataset
from seqtheory.group import group

# What functions return, made of arrays that they computed.
RESULTS = {
    "DPLR", "Horizon", "Intertwiner", "Irreducible", "KernelReadout", "LinearProbe", "Snapshot",
    "StabilityVerdict", "StableApproximation",
}  # fmt: skip
# Need a system beside their arrays, which no number stands for.
INNER = {
    "ContinuousSystem",
    "DiscreteSystem",
    "bracketed",
    "dplr_generating_function",
    "dplr_kernel",
}
OTHERS = {
    "num_classes": 3,
    "group": group("Z3"),
    "structure": group("Z3"),
    "name": "Z3",
}


def public_functions():
    found = {}
    for module in pkgutil.walk_packages(seqtheory.__path__, "seqtheory."):
        if "._" in module.name:
            continue
        names = getattr(importlib.import_module(module.name), "__all__", None)
        for name in names or ():
            function = getattr(importlib.import_module(module.name), name)
            if callable(function) and function.__module__.startswith("seqtheory"):
                found.setdefault(name, function)
    return {"Dataset": Dataset} | found


def array_parameters(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return []
    return [p.name for p in parameters if "np.ndarray" in str(p.annotation)]


CASES = {
    name: function
    for name, function in public_functions().items()
    if array_parameters(function) and name not in RESULTS | INNER
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_masked_array_is_refused(name):
    function, arrays = CASES[name], array_parameters(CASES[name])
    masked = np.ma.masked_array(np.eye(3), np.eye(3, k=1))
    required = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.name not in arrays and p.kind is not p.VAR_KEYWORD
    ]
    others = {key: OTHERS.get(key, 2) for key in required}
    with pytest.raises(TypeError, match=r"masked array.*mask would be dropped"):
        function(**dict.fromkeys(arrays, masked), **others)


def test_most_of_the_public_functions_are_tried():
    assert len(CASES) > 40
