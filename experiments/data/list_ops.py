"""ListOps with splits and provenance: the files of the Long Range Arena, or drawn from a seed."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from experiments.data.folder import complete, contents, located
from experiments.data.generated import cut, refuse_source, require_parts
from experiments.data.published import Published
from experiments.data.splits import VALIDATE_ON_TEST, File, Provenance, Splits
from experiments.exit_code import DataError
from experiments.store.inputs import reading
from seqtheory import listops
from seqtheory.checks import require_choice, require_integer
from seqtheory.dataset import Dataset
from seqtheory.tasks import ListOps

FILES = ("basic_train.tsv", "basic_val.tsv", "basic_test.tsv")
_ROWS = (96_000, 2_000, 2_000)
_UNIT = "expressions"


@dataclass(frozen=True, kw_only=True)
class ListOpsFiles:
    """The three files of the Long Range Arena: 96,000 + 2,000 + 2,000 expressions, 10 values.

    Parameters
    ----------
    max_length
        Expressions have fewer tokens; a longer one is an error.
    split
        ``"official"``: each file is a part. ``"validate_on_test"``: the test file validates too,
        so that a model selected by it has a test accuracy that is too high; the way of the
        published S4 in JAX.

    Notes
    -----
    No checksum of the official files is published, so that what is read never passes for verified,
    however many rows it has.

    References
    ----------
    Y. Tay et al., Long Range Arena, arXiv:2011.04006; the folder ``listops-1000`` of its release.
    """

    max_length: int = 2000
    split: Literal["official", "validate_on_test"] = "official"

    published: ClassVar[Published] = Published(
        name="ListOps",
        folder="listops",
        copies=("listops-1000", "lra_release/listops-1000"),
        url="https://github.com/google-research/long-range-arena",
        remote=(),
    )

    def __post_init__(self) -> None:
        require_integer("max_length", self.max_length, minimum=2)
        require_choice("split", self.split, ("official", VALIDATE_ON_TEST))

    @property
    def length(self) -> int:
        """Time steps of the inputs."""
        return self.max_length - 1

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return len(listops.VOCABULARY)

    def load(self, source: str | os.PathLike[str] | None = None, *, seed: int = 0) -> Splits:
        """Read the three files.

        Parameters
        ----------
        source
            Folder that holds them, or one that holds ``listops-1000``. With None it is looked for
            in the data folder.
        seed
            Unused, the parts being given; other data sets have it.

        Returns
        -------
        Tokens ``(batch, length)`` of uint8 with a mask, targets ``(batch,)`` of 0 to 9, and the
        provenance.

        Raises
        ------
        DataError
            If a file is missing (it is named), or damaged (with its line and column).
        """
        paths = self._paths(located(self.published, source))
        parts = [self._part(path) for path in paths.values()]
        files = {name: File.at(path) for name, path in paths.items()}
        learnt = _ROWS[0]
        if self.split == VALIDATE_ON_TEST:
            parts[1] = parts[2]
        else:
            learnt += _ROWS[1]
        train, validation, test = parts
        provenance = Provenance(
            name=self.published.name,
            source="local",
            whole=False,
            files=files,
            rows=(learnt, _ROWS[2]),
            split=self.split,
            seed=seed,
            sizes=(len(train), len(validation), len(test)),
            settings=asdict(self),
            unit=_UNIT,
        )
        return Splits(train, validation, test, provenance)

    def _paths(self, path: Path) -> dict[str, Path]:
        if not path.is_dir():
            raise DataError(f"{path} is a file, expected the folder of {', '.join(FILES)}")
        places = (path, *(path / name for name in self.published.copies))
        if found := complete(places, FILES, self.published.name):
            return found
        raise DataError(
            f"{path} holds no file of ListOps (expected {', '.join(FILES)}); it holds "
            f"{contents(path)}"
        )

    def _part(self, path: Path) -> Dataset:
        try:
            return listops.read(reading(path), length=self.length)
        except (listops.ListOpsFileError, OSError) as error:
            raise DataError(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class GeneratedListOps:
    """Expressions drawn from a seed, cut into three parts that share none.

    Parameters
    ----------
    task
        Lengths, depth and number of expressions.
    parts
        Shares for training, validation and test, in the order of drawing; the published ones are
        the default.
    """

    task: ListOps = field(default_factory=ListOps)
    parts: tuple[float, float, float] = (0.96, 0.02, 0.02)

    def __post_init__(self) -> None:
        require_parts(self.parts)

    @property
    def length(self) -> int:
        """Time steps of the inputs."""
        return self.task.length

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return self.task.vocabulary

    @property
    def variant(self) -> tuple[str, ...]:
        """What makes this another task than the published one."""
        task, usual = self.task, ListOps()
        marks = []
        if (task.min_length, task.max_length) != (usual.min_length, usual.max_length):
            marks.append(f"{task.min_length + 1} to {task.max_length - 1} tokens")
        if task.max_depth != usual.max_depth:
            marks.append(f"depth {task.max_depth}")
        if task.max_arguments != usual.max_arguments:
            marks.append(f"{task.max_arguments} arguments")
        return (*marks, "balanced") if task.balanced else tuple(marks)

    def load(self, source: None = None, *, seed: int) -> Splits:
        """Draw the expressions.

        Parameters
        ----------
        source
            None: there is nothing to read.
        seed
            Decides the expressions and their order.

        Returns
        -------
        Tokens ``(batch, length)`` of uint8 with a mask, targets ``(batch,)`` of 0 to 9, and the
        provenance with a SHA-256 of all tokens.

        Raises
        ------
        ValueError
            If a source is given: `ListOpsFiles` reads files.
        """
        refuse_source(source, "expressions", "ListOpsFiles")
        return cut(
            self.task.build(seed),
            self.parts,
            seed=seed,
            name="ListOps",
            rows=(_ROWS[0] + _ROWS[1], _ROWS[2]),
            variant=self.variant,
            settings=asdict(self),
            unit=_UNIT,
        )
