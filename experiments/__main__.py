"""Command line: ``python -m experiments COMMAND``; see its ``--help``."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import tyro

from experiments import exit_code
from experiments.arguments import Options, Positional
from experiments.bench import command as cards
from experiments.commands import broom, drawing, listing, verification
from experiments.commands import canary as canaries
from experiments.commands import publish as publishing
from experiments.commands import reproduce as reruns
from experiments.commands import results as pages
from experiments.commands import run as runs
from experiments.commands.output import OutputError, finish, open_streams, tell
from experiments.engine.job import install_hint
from experiments.selection import Selection
from experiments.store import system_error

Study = Positional[str]
Results = Path("results")

app = tyro.extras.SubcommandApp()


@app.command
def run(request: Options[runs.Request]) -> int:
    """Run what is not finished in a preset: killed runs resume, failed runs are tried again."""
    return runs.run(request)


@app.command
def bench(request: Options[cards.Request]) -> int:
    """Check a model, measure what it remembers, computes and costs, and write its card."""
    return cards.bench(request)


@app.command
def plot(request: Options[drawing.Drawing]) -> int:
    """Draw a study's figure from its records."""
    drawing.plot(request)
    return exit_code.OK


@app.command
def table(layout: Options[drawing.Layout]) -> int:
    """Print a study's numbers beside the published ones, and every claim with its verdict.

    With --rows and --value, print a table of one number of the records instead.
    """
    drawing.table(layout)
    return exit_code.OK


@app.command
def export(
    selection: Options[Selection], csv: bool = False, parquet: bool = False, to: Path | None = None
) -> int:
    """Write records as a flat table, one row per run: settings, status, last metrics, notes.

    Args:
        selection: The runs whose records are written.
        csv: Write CSV, to standard output unless --to names a file.
        parquet: Write Parquet, which needs pyarrow (the extra `parquet`).
        to: File to write; for Parquet RESULTS/STUDY.parquet if left out.
    """
    if csv == parquet:
        raise exit_code.ConfigError("give one of --csv and --parquet")
    drawing.export(selection, "parquet" if parquet else "csv", to)
    return exit_code.OK


@app.command
def results(folder: Positional[Path] = Path("docs/results")) -> int:
    """Write the pages of results, one per study, from the published records alone.

    Args:
        folder: Folder to write the pages to.
    """
    pages.write(folder)
    return exit_code.OK


@app.command
def site(out: Path = Path("_site")) -> int:
    """Build the site: pages of all studies, runs and models, from the published records alone.

    Args:
        out: Folder to write to. The pages lead to a documentation in its folder docs, if any.
    """
    from experiments.site.build import build

    build(out)
    return exit_code.OK


@app.command
def logbook(folder: Positional[Path], study: str | None = None) -> int:
    """Write all claims with verdict, evidence and commands, and tables of all published runs.

    Claims are linked data (claims.jsonld, in the form of schema.json) and a table; tables are CSV,
    and Parquet too where pyarrow is installed (the extra `parquet`).

    Args:
        folder: Folder to write to.
        study: One study, such as toy; all of this package if left out.
    """
    from experiments.logbook.build import write

    write(folder, study)
    return exit_code.OK


@app.command
def report(results: Positional[Path] = Results, out: Path | None = None) -> int:
    """Make pages of your own records, also of partial and failed runs: a folder, or one file.

    Args:
        results: Folder of the records.
        out: Folder to write to, or a file whose name ends in .html and which then holds all of it,
            to be sent by mail; report.html in the folder of the records if left out.
    """
    from experiments.site.report import report

    report(results, out)
    return exit_code.OK


@app.command
def models() -> int:
    """List the checkpoints that come with seq_torch, with one line of what each shows."""
    from experiments.models import command

    return command.listing()


@app.command
def make_models(
    names: Positional[tuple[str, ...]] = (), results: Path = Results, out: Path | None = None
) -> int:
    """Make checkpoints anew from their runs and seeds, and write their weights and cards.

    Args:
        names: Which, such as a5/blocks-4; all of them if left out.
        results: Folder of the records; finished ones are not made again.
        out: Folder to write to; that of the package seq_torch if left out.
    """
    from experiments.models import command

    return command.make(names, results, out)


@app.command
def watch(results: Positional[Path] = Results, port: int = 8765) -> int:
    """Show runs while they go on, in a browser on this machine: curves, time left, failures.

    Args:
        results: Folder of the records.
        port: Port on 127.0.0.1; 0 takes a free one.
    """
    from experiments.site.watch import watch

    watch(results, port)
    return exit_code.OK


@app.command
def reproduce(
    sample: int = 20,
    seed: int = 0,
    study: str | None = None,
    minutes: float | None = None,
    workers: int = 1,
) -> int:
    """Run randomly drawn published records again, and record how the numbers compare.

    The reruns' records go to a temporary folder, the attestations to experiments/attestations.

    Args:
        sample: Number of records to draw.
        seed: Seed of the draw.
        study: Dotted name of one study; all of this package if left out.
        minutes: Limit on the sum of the recorded wall times of the drawn records; none if left out.
        workers: Number of processes at once; each uses the number of threads in the record.
    """
    return reruns.reproduce(
        reruns.Request(sample=sample, seed=seed, study=study, minutes=minutes, workers=workers)
    )


@app.command
def canary(write: bool = False) -> int:
    """Report for every study whether its numbers have changed, by one small run of each.

    Args:
        write: Store new and changed numbers as the reference for this family of processors.
    """
    return canaries.canary(write=write)


@app.command(name="list")
def list_studies(study: Positional[str | None] = None, results: Path = Results) -> int:
    """List the studies, their presets, and the number of your own and of published records.

    Args:
        study: One study; all of this package if left out.
        results: Folder of the records.
    """
    listing.overview(study, results)
    return exit_code.OK


@app.command
def show(record: Study, results: Path = Results) -> int:
    """Show one record in full.

    Args:
        record: The first digits of the record's hash, or its address RESULTS/STUDY/HASH.
        results: Folder of the records.
    """
    listing.show(record, results)
    return exit_code.OK


@app.command
def verify(study: Positional[str | None] = None, results: Path = Results) -> int:
    """Check every record, published ones included, against its own SHA-256 digests.

    Args:
        study: One study; all studies with records if left out.
        results: Folder of the records.
    """
    return verification.verify(study, results)


@app.command
def publish(study: Study, results: Path = Results) -> int:
    """Add finished records to this repository's archives of published records.

    Args:
        study: Dotted name of one of this package's studies.
        results: Folder of the records, which is not changed.
    """
    return publishing.publish(study, results)


@app.command
def clean(results: Path = Results, yes: bool = False) -> int:
    """List files that killed and repeated runs left behind: locks, old copies, temporary files.

    Args:
        results: Folder of the records; published records are not touched.
        yes: Remove these files; otherwise they are only listed. Runs under way are left alone.
    """
    return broom.clean(results, yes=yes)


@app.command
def doctor() -> int:
    """Report what this machine can run, and the commands that install what is missing."""
    from experiments.commands import doctor

    return doctor.show()


def console() -> int:
    """Answer the console script ``seqtheory``, which takes the commands of this module.

    Unlike ``python -m experiments`` it is not led astray by a folder `experiments` in the working
    folder.
    """
    open_streams()
    return main(prog="seqtheory")


def main(arguments: list[str] | None = None, prog: str = "experiments") -> int:
    """Run one command and return its exit code; a foreseen error is printed in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack some characters
            stream.reconfigure(errors="backslashreplace")
    try:
        _require_working_folder()
        code = app.cli(prog=prog, args=arguments)
    except SystemExit as error:  # raised by the command's parser
        return finish(error.code if isinstance(error.code, int) else exit_code.OK)
    except KeyboardInterrupt:
        tell("interrupted; the same command goes on where it stopped")
        code = exit_code.SIGINT
    except ImportError as error:
        tell(f"error: {install_hint(error)}")
        code = exit_code.ENVIRONMENT
    except Exception as error:
        code = _print_error(error)
    return finish(code)


def _print_error(error: Exception) -> int:
    """Print an error of a foreseen kind in one line and return its exit code; else raise it."""
    if isinstance(error, BrokenPipeError):  # raised while the parser prints
        error = OutputError(error)
    code = getattr(error, "exit_code", None)
    if isinstance(error, OutputError) and error.closed:
        return error.exit_code
    if code is None and isinstance(error, OSError):
        tell(f"error: {system_error.message(error)}")
        return exit_code.FAILED
    if code is None:
        raise error
    tell(f"error: {error}")
    return code


def _require_working_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise exit_code.ConfigError(
            "the working folder was removed; change to another one (cd) and try again"
        ) from None


if __name__ == "__main__":
    open_streams()
    sys.exit(main())
