"""Functions whose result `torch.compile` takes as a constant, without loading the compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def constant_when_compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Let `torch.compile` call this function while it traces and keep what it returned.

    The mark is the one that `torch.compiler.assume_constant_result` sets; that function imports all
    of `torch._dynamo` and sympy to set it, which takes longer than importing torch.
    """
    function._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]
    return function
