"""Types of fields for the command line; besides ``__main__`` the only module that imports tyro."""

from __future__ import annotations

from typing import Annotated, TypeVar

import tyro

Any_ = TypeVar("Any_")

Positional = tyro.conf.Positional
"""A field without an option of its own: ``run STUDY``."""

Options = tyro.conf.OmitArgPrefixes
"""A dataclass whose fields are options by their own names."""

Repeated = Annotated[tuple[Any_, ...], tyro.conf.UseAppendAction]
"""An option that may be given several times."""

Conditions = Annotated[Repeated[str], tyro.conf.arg(metavar="FIELD=VALUE")]
"""``FIELD=VALUE``, which may be given several times."""

Settings = Annotated[Repeated[str], tyro.conf.arg(name="set", metavar="FIELD=VALUE")]
"""``--set FIELD=VALUE``, which may be given several times."""

Fields = Annotated[
    tuple[str, ...],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="FIELD,FIELD",
        instance_from_str=lambda texts: tuple(texts[0].split(",")),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda value: [",".join(value)],
    ),
]
"""Names of fields, separated by commas."""
