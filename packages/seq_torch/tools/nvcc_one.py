#!/usr/bin/env python3
"""Compiler for CUDA that keeps one architecture of all that a build asks for.

mamba-ssm and causal-conv1d ask for nine, whatever ``TORCH_CUDA_ARCH_LIST`` says, which takes an
hour on two cores. ``PYTORCH_NVCC`` names this file, ``NVCC_ONE`` the architecture, such as
``sm_80``, and ``CUDA_HOME`` the toolkit.
"""

import os
import sys


def kept(arguments: list[str], architecture: str) -> list[str]:
    """Drop pairs ``-gencode VALUE`` of every other architecture."""
    left, result = iter(arguments), []
    for argument in left:
        if argument != "-gencode":
            result.append(argument)
        elif architecture in (value := next(left)):
            result += [argument, value]
    return result


if __name__ == "__main__":
    compiler = f"{os.environ['CUDA_HOME']}/bin/nvcc"
    os.execv(compiler, [compiler, *kept(sys.argv[1:], os.environ["NVCC_ONE"])])  # noqa: S606
