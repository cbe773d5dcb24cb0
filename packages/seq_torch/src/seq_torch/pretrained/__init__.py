"""Small models that come with the package, trained or set by hand: each shows one thing.

    from seq_torch import pretrained
    model, card = pretrained.load("a5/blocks-4")

Files and cards lie in the folder ``files`` beside this module; nothing is fetched. A card is what
``python -m experiments make-models`` measured when it made the model.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import lzma
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from ..model import CheckpointError, SequenceModel
from ..model import load as open_model

__all__ = ["Pretrained", "card", "load", "names"]

_FILES = Path(__file__).with_name("files")


class Pretrained(NamedTuple):
    """A model, and what is known of it.

    Attributes
    ----------
    model
        In evaluation mode, with its stored numbers; ``model.config`` holds its settings.
    card
        As `card` gives it.
    """

    model: SequenceModel
    card: dict[str, Any]


def names() -> list[str]:
    """Names of all models, such as ``"a5/blocks-4"``: the task, then what is on it."""
    return sorted(
        path.relative_to(_FILES).with_suffix("").as_posix() for path in _FILES.rglob("*.json")
    )


def card(name: str) -> dict[str, Any]:
    """Read what is known of a model, without building it.

    Returns
    -------
    ``shows``, one line; ``outcome``, one word; ``how`` and ``run``, from which it was made;
    ``settings``; ``measured``; ``theory``; ``record``, the sealed record of its making; ``file``,
    ``bytes`` and ``sha256``; ``licence``; ``load``, how to load it.

    Raises
    ------
    ValueError
        If there is no such model; the message names the nearest ones.
    CheckpointError
        If the card is damaged.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
        guess = f" did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"no pretrained model {name!r};{guess} seq_torch.pretrained.names() lists all "
            f"{len(names())}."
        )
    path = _FILES / f"{name}.json"
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no card: {error}. Install the package again.") from error
    if not isinstance(found, dict) or not all(
        isinstance(found.get(key), str) for key in ("file", "sha256")
    ):
        raise CheckpointError(
            f"{path} is no card: it names no file and SHA-256. Install the package again."
        )
    return found


def load(name: str) -> Pretrained:
    """Build a model from its file, on the CPU, and read its card.

    Parameters
    ----------
    name
        One of `names`.

    Raises
    ------
    ValueError
        If there is no such model; the message names the nearest ones.
    CheckpointError
        If a file is damaged: its content is not what the card's SHA-256 says.

    Examples
    --------
    >>> import torch
    >>> model, card = load("parity/rnn")
    >>> model(torch.tensor([[1, 1, 1]])).argmax(-1).tolist()
    [[1, 0, 1]]
    """
    found = card(name)
    path = _FILES / Path(name).with_name(found["file"])
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != found["sha256"]:
        raise CheckpointError(
            f"{path} is not the file that its card describes: its SHA-256 differs. Install the "
            "package again."
        )
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder) / "model.safetensors"
        unpacked.write_bytes(content)
        return Pretrained(open_model(unpacked).eval(), found)


def _content(path: Path) -> bytes:
    """Content of a model's file, unpacked if its name ends in ``.xz``."""
    try:
        content = path.read_bytes()
        return lzma.decompress(content) if path.suffix == ".xz" else content
    except (OSError, lzma.LZMAError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. Install the package again.") from (
            error
        )
