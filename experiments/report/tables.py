"""Tables of text, read from Markdown and written as Markdown, LaTeX (booktabs) or CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.report.latex import escaped
from experiments.report.markdown import markdown

Format = Literal["markdown", "latex", "csv"]
ENDINGS: dict[Format, str] = {"markdown": "md", "latex": "tex", "csv": "csv"}
_RULE = re.compile(r"^\|(\s*:?-+:?\s*\|)+\s*$")


@dataclass(frozen=True)
class Table:
    """A head and rows of texts, all of equal length."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def written(self, form: Format) -> str:
        """Write the table in one of the formats."""
        if form == "markdown":
            return markdown(self.head, self.rows)
        return _latex(self) if form == "latex" else _csv(self)


def converted(text: str, form: Format) -> str:
    """Convert a Markdown text: tables to another format, and text between them to comments."""
    if form == "markdown":
        return text
    comment = "% " if form == "latex" else "# "
    parts = []
    for part in split(text):
        if isinstance(part, Table):
            parts.append(part.written(form))
        else:
            parts.append("\n".join(f"{comment}{line}".rstrip() for line in part.splitlines()))
    return "\n\n".join(parts) + "\n"


def split(text: str) -> list[str | Table]:
    """Split Markdown into tables and the text between them."""
    lines = text.splitlines()
    heads = [k - 1 for k, line in enumerate(lines) if k and _RULE.match(line)]
    found: list[str | Table] = []
    end = 0
    for start in heads:
        found.append("\n".join(lines[end:start]).strip())
        end = next(
            (k for k in range(start, len(lines)) if not lines[k].startswith("|")), len(lines)
        )
        found.append(Table(_cells(lines[start]), [_cells(row) for row in lines[start + 2 : end]]))
    return [part for part in (*found, "\n".join(lines[end:]).strip()) if part]


def _cells(line: str) -> list[str]:
    inner = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [cell.strip().replace(r"\|", "|").replace("**", "") for cell in inner]


def _latex(table: Table) -> str:
    r"""Format a table with the rules of the package ``booktabs``."""
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in (table.head, *table.rows)]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{'l' * len(table.head)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _csv(table: Table) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([table.head, *table.rows])
    return buffer.getvalue().rstrip("\n")
