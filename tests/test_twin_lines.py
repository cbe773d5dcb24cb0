"""What two frameworks say twice: lines that stand in a file of one and in its twin of the other.

Every line counts that says something, also in docstrings and comments: all but blank lines, lone
brackets and imports, which name what the core has already taken. Lines are compared without the
space around them, as often as they stand in both files. What needs no framework belongs in the
core. What is left is the contract of public methods (names, shapes and errors, which ``help`` must
show in each package) and short lines of a language that two modules of one equation share.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

PACKAGES = Path(__file__).resolve().parent.parent / "packages"
JAX = PACKAGES / "lcde_jax" / "src" / "lcde_jax"
TORCH = PACKAGES / "seq_torch" / "src" / "seq_torch"
PAIRS = {
    "sequence/s4d.py": "mixers/s4d.py",
    "sequence/s5.py": "mixers/s5.py",
    "sequence/s4.py": "mixers/s4_dplr.py",
    "sequence/linear_cde.py": "mixers/linear_cde.py",
    "sequence/orthogonal.py": "mixers/parts/orthogonal.py",
    "sequence/dplr_kernel.py": "mixers/parts/dplr_kernel.py",
    "sequence/convolution.py": "mixers/parts/convolution.py",
    "sequence/mixer.py": "mixers/mixer.py",
    "sequence/real_mode.py": "mixers/parts/real_mode.py",
    "sequence/parameter.py": "parameter.py",
    "sequence/discretisation.py": "ops/discretisation.py",
    "sequence/capacity.py": "capacity.py",
    "sequence/embedding.py": "model/embedding.py",
    "sequence/readout.py": "model/readout.py",
    "sequence/layer.py": "model/layer.py",
    "sequence/network.py": "model/network.py",
    "sequence/model.py": "model/model.py",
    "sequence/checkpoint.py": "model/checkpoint.py",
}
MOST = 220  # 217 by this rule, 115 of them of four words or more


def said(path: Path) -> Counter[str]:
    """Lines of a file that say something, and how often each stands there."""
    text = path.read_text(encoding="utf-8")
    unsaid: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            unsaid.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = (line.strip() for n, line in enumerate(text.splitlines(), 1) if n not in unsaid)
    return Counter(line for line in lines if re.search(r"\w", line))


def identical(jax: str, torch: str) -> int:
    return (said(JAX / jax) & said(TORCH / torch)).total()


def test_every_twin_is_there() -> None:
    assert all((JAX / jax).is_file() and (TORCH / torch).is_file() for jax, torch in PAIRS.items())


def test_few_lines_stand_in_both_frameworks() -> None:
    counts = {jax: identical(jax, torch) for jax, torch in PAIRS.items()}
    assert sum(counts.values()) < MOST, counts


@pytest.mark.parametrize(
    "text",
    [
        "from a import b, c, d, e\n",
        "from a import (\n    b,\n)\n",
        "\n\n",
        "(\n)\n",
    ],
)
def test_what_says_little_is_left_out(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(text, encoding="utf-8")
    assert not said(tmp_path / "file.py")
    (tmp_path / "file.py").write_text(text + "total = first + second + third\n", encoding="utf-8")
    assert said(tmp_path / "file.py").total() == 1
