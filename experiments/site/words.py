"""How values, names and small mathematics are written on the pages."""

from __future__ import annotations

import json
import re
from typing import Any

from experiments.bench.report.numbers import number, plain

__all__ = ["number", "plain", "plain_math", "slug", "sorting", "value"]

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "lambda": "λ",
    "mu": "μ", "sigma": "σ", "tau": "τ", "rho": "ρ", "omega": "ω", "times": "×", "cdot": "·",
    "leq": "≤", "geq": "≥", "infty": "∞", "pm": "±",
}  # fmt: skip
_RAISED = str.maketrans("0123456789-+t", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵗ")
_LONGEST = 60
_MOST = 10**300  # larger integers are no floats


def plain_math(text: str) -> str:
    r"""Write a matplotlib text without mathematics: ``$E_m(\beta)$`` becomes E_m(β), one line."""
    parts = re.split(r"(?<!\\)\$", text)
    said = [_mathless(part) if k % 2 else part.replace("\\$", "$") for k, part in enumerate(parts)]
    return " ".join(plain("".join(said)).split())


def _mathless(text: str) -> str:
    text = re.sub(r"\\([a-zA-Z]+)", lambda found: _GREEK.get(found[1], found[1]), text)
    text = re.sub(r"\^\{([^{}]*)\}|\^(\w)", _raised, text)
    return text.replace("{", "").replace("}", "").replace("\\", "")


def _raised(found: re.Match[str]) -> str:
    inner = found[1] or found[2]
    fits = all(sign in "0123456789-+t" for sign in inner)
    return inner.translate(_RAISED) if fits else f"^{inner}"


def value(held: Any) -> str:
    """Write a setting or a metric: numbers to three digits, long values cut."""
    if isinstance(held, bool) or held is None:
        return {True: "yes", False: "no", None: "—"}[held]
    if isinstance(held, int):
        if abs(held) > _MOST:
            return plain(str(held)[: _LONGEST - 1] + "…")
        return number(float(held), whole=True) if abs(held) >= 10_000 else str(held)
    if isinstance(held, float):
        return number(held)
    text = plain(held if isinstance(held, str) else json.dumps(held, default=str))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def sorting(held: Any) -> str:
    """Say what a column is sorted by; empty where there is nothing, which stands last."""
    if held is None or held != held:
        return ""
    if isinstance(held, bool):
        return str(int(held))
    return repr(held) if isinstance(held, int | float) else value(held)


def slug(name: str) -> str:
    """Name a file after a text: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "nameless"
