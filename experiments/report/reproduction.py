"""The page of reproduction: results of rerunning published records, from the attestations."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.report import attestation
from experiments.report.attestation import CLOSE, Attestation
from experiments.report.markdown import markdown

_HEAD = """\
# Reproduction: published records run again

Made by `python -m experiments results` from the attestations in `experiments/attestations`, and by
nothing else. `nox -s reproduce -- --sample N --seed S` draws published records at random, among the
short ones where it is given `--minutes`, runs them again in the locked environment with the threads
on record, and attests each, however it ends. Compared are all numbers in the last line of the
metrics and in the notes. The deviation of a number a from b is |a - b| / max(1, |a|, |b|).
"""
_NONE = "No attestation yet."


def page() -> str:
    """Make the page: title, one sentence, and tables by preset and of each deviating record."""
    found = attestation.committed()
    sections = [_HEAD, f"{sentence(found)}\n"]
    if found:
        sections += ["## By preset\n", f"{_presets(found)}\n", f"{_processors(found)}\n"]
        sections += ["## Where the digits differ\n", f"{_deviating(found)}\n"]
    return "\n".join(sections)


def sentence(found: Sequence[Attestation]) -> str:
    """Describe in one sentence how many reruns agree, and the largest deviation."""
    if not found:
        return _NONE
    exact, close = sum(each.exact for each in found), sum(each.close for each in found)
    ended = [each for each in found if each.deviation < float("inf")]
    text = (
        f"{exact} of {len(found)} reruns agree to the digit, {close} within {CLOSE:g}; "
        f"{len(found) - len(ended)} ended otherwise"
    )
    if exact == len(ended):
        return f"{text}."
    most = max(ended, key=lambda each: each.deviation)
    assert most.numbers is not None
    assert most.numbers.mixed is not None
    return (
        f"{text}; the largest deviation is {most.deviation:.2g} "
        f"({most.numbers.mixed.metric} of a run of `{most.study}`)."
    )


def _presets(found: Sequence[Attestation]) -> str:
    groups: dict[tuple[str, str], list[Attestation]] = {}
    for each in found:
        groups.setdefault((each.study, each.preset), []).append(each)
    rows = []
    for (study, preset), group in groups.items():
        ended = [each.deviation for each in group if each.deviation < float("inf")]
        counts = (len(group), _exact(group), sum(each.close for each in group))
        largest = f"{max(ended):.2g}" if ended else "none"
        rows.append([study, preset, *map(str, counts), str(len(group) - len(ended)), largest])
    head = ["study", "preset", "reruns", "same digits", f"within {CLOSE:g}", "ended otherwise"]
    return markdown([*head, "largest deviation"], rows)


def _processors(found: Sequence[Attestation]) -> str:
    same = [each for each in found if each.same_processor]
    other = [each for each in found if not each.same_processor]
    return (
        f"On a processor of the name on record {_exact(same)} of {len(same)} agree to the digit, "
        f"on another {_exact(other)} of {len(other)}. Sums of another order and other instructions "
        "are enough for another last digit, and training enlarges it."
    )


def _deviating(found: Sequence[Attestation]) -> str:
    rows = []
    for each in (each for each in found if not each.exact):
        held, largest = each.numbers, ["none"] * 3
        if held is not None and held.absolute and held.relative and held.mixed:
            largest = [
                f"{most.deviation:.2g} ({most.metric})"
                for most in (held.mixed, held.absolute, held.relative)
            ]
        same = f"{held.same} of {held.compared}" if held is not None else "none"
        rows.append(
            [f"{each.study} {each.hash}", _end(each), each.processor, _before(each), same, *largest]
        )
    head = ["record", "ended", "processor", "on record", "same digits"]
    return markdown([*head, "deviation", "absolute", "relative"], rows)


def _exact(found: Sequence[Attestation]) -> int:
    return sum(each.exact for each in found)


def _end(each: Attestation) -> str:
    before = each.published["status"]
    return each.status if each.status == before else f"{each.status}, published {before}"


def _before(each: Attestation) -> str:
    return " and ".join([each.published["processor"], *each.published["gpus"]])
