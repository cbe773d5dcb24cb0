"""A paper and its entry for BibTeX, in ASCII: letters beyond it become commands of TeX."""

from __future__ import annotations

from dataclasses import dataclass

_LETTERS = {"é": r"{\'e}", "ć": r"{\'c}", "ö": r"{\"o}", "ü": r"{\"u}", "ë": r"{\"e}", "Ł": r"{\L}"}


@dataclass(frozen=True)
class Paper:
    """A paper that a model is from.

    Parameters
    ----------
    key
        Its name in BibTeX: first author, year, model.
    title, authors, year
        As published; "others" as the last author stands for those left out. A title or authors
        that are not known for certain here are left out of the entry.
    arxiv
        Its number there; empty if it is not there.
    journal
        Fields of the entry of one that appeared in a journal only, by their names.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    arxiv: str = ""
    journal: tuple[tuple[str, str], ...] = ()

    def bibtex(self) -> str:
        """Write the entry."""
        known = {
            "title": f"{{{self.title}}}" if self.title else "",  # braces keep its capitals
            "author": " and ".join(self.authors),
            "year": str(self.year),
            "eprint": self.arxiv,
            "archivePrefix": "arXiv" if self.arxiv else "",
        } | dict(self.journal)
        if not self.title:  # what styles sort by and print in its place
            known |= {"key": self.arxiv, "note": f"arXiv:{self.arxiv}"}
        return entry("article" if self.journal else "misc", self.key, known)


def entry(kind: str, key: str, fields: dict[str, str]) -> str:
    """Write an entry of a kind with those fields that are not empty.

    Raises
    ------
    ValueError
        If a letter has no command of TeX here.
    """
    lines = [f"  {name} = {{{_in_tex(text)}}}," for name, text in fields.items() if text]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _in_tex(text: str) -> str:
    written = "".join(_LETTERS.get(letter, letter) for letter in text)
    if not written.isascii():
        raise ValueError(f"{text!r} has a letter without a command of TeX: add it to {__name__}")
    return written
