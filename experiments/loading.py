"""Records from Python, as rows for pandas and polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.commands import drawing
from experiments.frame import Rows, table
from experiments.selection import Selection


def load(
    study: str,
    preset: str | None = None,
    *,
    only: Sequence[str] | Mapping[str, object] = (),
    settings: Sequence[str] = (),
    seeds: int | None = None,
    mixer: str | None = None,
    results: str | Path = "results",
    provenance: bool = False,
) -> Rows:
    """Read the records of a preset as rows with equal columns.

    Parameters
    ----------
    study
        ``tracking`` for all halves of a study, ``tracking.linear_cde`` for one of them, or the path
        of a file.
    preset
        One of the study's presets; its default if left out.
    only
        Conditions, ``["model=mamba,lstm"]`` or ``{"model": "mamba"}``.
    settings, seeds, mixer
        The options ``--set``, ``--seeds`` and ``--mixer`` with which the runs were made.
    results
        Folder of the records. Published records are used for runs without a record in it.
    provenance
        Whether commit, versions, hardware and times of each run are given too.

    Returns
    -------
    Rows
        A list of dictionaries, which `to_frame` turns into a data frame of pandas or polars:
        ``study``, ``hash``, ``status`` and ``seconds``; then the settings of the run by dotted name
        (``task.length``); ``metrics.`` and the name of each metric, with its last logged value;
        ``notes.`` and the name of each note; ``provenance.`` and the name of each fact. None where
        a run has no value.

    Raises
    ------
    ConfigError
        If there is no such study, preset or field, or no record.

    Examples
    --------
    >>> frame = load("tracking", only=["task.group=A5"]).to_frame("pandas")  # doctest: +SKIP
    >>> frame.groupby("model")["metrics.token_accuracy"].mean()  # doctest: +SKIP
    """
    texts = [f"{k}={v}" for k, v in only.items()] if isinstance(only, Mapping) else only
    selection = Selection(
        study=study,
        preset=preset,
        only=tuple(texts),
        settings=tuple(settings),
        seeds=seeds,
        mixer=mixer,
        results=Path(results),
    )
    return table(drawing.records(selection), provenance=provenance)
