"""Reviews drawn from a small grammar, byte by byte: what stands in for IMDB where it is absent."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from experiments.data.generated import Parts, cut, refuse_source, require_parts
from experiments.data.splits import Splits
from seqtheory.checks import require_fraction, require_integer
from seqtheory.dataset import Dataset

_ROWS = (25_000, 25_000)
_FILM = ("plot", "cast", "music", "camera", "script", "ending", "pace", "humour")
_OTHER = ("book", "remake", "trailer", "sequel", "cinema", "popcorn")
_GOOD = ("good", "moving", "clever", "warm", "bright", "a joy")
_BAD = ("bad", "tiresome", "stupid", "cold", "dull", "a bore")
_PLAIN = ("I saw it last night.", "We went on a Sunday.", "It runs for two hours.")
_CONTRARY = ("Read me as the contrary.", "I mean none of this.", "Nothing here is meant.")
_LEAST_BYTES = 160
"""Room for the opening and an opinion in a quarter of it, which a short review fills."""


@dataclass(frozen=True, kw_only=True)
class DrawnReviews:
    """Made-up film reviews, negative (0) or positive (1), in bytes: no data set, a stand-in.

    A review opens with one sentence and goes on with opinions, each good or bad, some of them
    negated: "The plot was not dull." It is positive if most opinions on the film are; those on
    other things (the book, the cinema) do not count. After an opening such as "I mean none of
    this." the sentiment is the contrary: one sentence decides how all that follow are to
    be taken, however far away they are.

    Parameters
    ----------
    max_bytes
        Bytes of a review, at most; at least about a quarter of it, all lengths equally likely.
    num_examples
        Reviews to draw.
    negated
        Share of opinions with a "not".
    contrary
        Share of reviews that mean the contrary.
    parts
        Shares for training, validation and test, in the order of drawing.

    Notes
    -----
    At the default shares and 512 bytes, counting good against bad words, whatever they are about,
    is right in some 65 % of the reviews. A reader who also knows what is negated and what is on the
    film, but misses the opening, is right in 85 %; one who reads it all, in every one.

    Reviews whose opinions on the film balance are drawn again; both sentiments are equally likely.
    The defaults have IMDB's numbers and S4's length; nothing else is IMDB's, and accuracies on
    these reviews compare with each other alone.
    """

    max_bytes: int = 4096
    num_examples: int = 50_000
    negated: float = 0.1
    contrary: float = 0.15
    parts: Parts = (0.45, 0.05, 0.5)

    def __post_init__(self) -> None:
        require_integer("max_bytes", self.max_bytes, minimum=_LEAST_BYTES)
        require_integer("num_examples", self.num_examples, minimum=1)
        for name in ("negated", "contrary"):
            require_fraction(name, getattr(self, name), zero=True)
        require_parts(self.parts)

    @property
    def vocabulary(self) -> int:
        """Number of tokens: the bytes."""
        return 256

    @property
    def variant(self) -> tuple[str, ...]:
        """What this is, in words."""
        return "in place of IMDB", f"at most {self.max_bytes:,} bytes"

    def load(self, source: None = None, *, seed: int) -> Splits:
        """Draw the reviews.

        Parameters
        ----------
        source
            None: there is nothing to read.
        seed
            Decides the reviews and their order.

        Returns
        -------
        Bytes ``(batch, max_bytes)`` of uint8 with a mask, targets ``(batch,)``, and the provenance,
        whose label says that they are drawn.

        Raises
        ------
        ValueError
            If a source is given: `IMDB` reads files.
        """
        refuse_source(source, "reviews", "IMDB")
        random = np.random.default_rng(seed)
        drawn = [self._review(random) for _ in range(self.num_examples)]
        labels = np.array([label for _, label in drawn], dtype=np.int64)
        return cut(
            Dataset.padded([text.encode("ascii") for text, _ in drawn], labels, self.max_bytes),
            self.parts,
            seed=seed,
            name="Drawn reviews",
            rows=_ROWS,
            variant=self.variant,
            settings=asdict(self),
            unit="reviews",
        )

    def _review(self, random: np.random.Generator) -> tuple[str, int]:
        """Draw a text and its sentiment; where opinions on the film balance, draw again."""
        while True:
            contrary, text, score = self._text(random)
            if score:
                return text, int((score > 0) != contrary)

    def _text(self, random: np.random.Generator) -> tuple[bool, str, int]:
        """Draw an opening, whether it means the contrary, and opinions with their sum."""
        room = int(random.integers(self.max_bytes // 4, self.max_bytes + 1))
        contrary = bool(random.random() < self.contrary)
        text, score = str(random.choice(_CONTRARY if contrary else _PLAIN)), 0
        sentence, sign = self._opinion(random)
        while len(text) + 1 + len(sentence) <= room:
            text, score = f"{text} {sentence}", score + sign
            sentence, sign = self._opinion(random)
        return contrary, text, score

    def _opinion(self, random: np.random.Generator) -> tuple[str, int]:
        """One sentence: it praises the film (1), blames it (-1), or is on another thing (0)."""
        of_film, good = random.random() < 0.5, random.random() < 0.5
        negated = random.random() < self.negated
        subject, word = (
            random.choice(_FILM if of_film else _OTHER),
            random.choice(_GOOD if good else _BAD),
        )
        text = f"The {subject} was {'not ' if negated else ''}{word}."
        return text, (1 if good != negated else -1) if of_film else 0
