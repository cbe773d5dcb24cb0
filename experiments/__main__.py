"""Command line: ``python -m experiments COMMAND``; see its ``--help``."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import tyro

from experiments import exit_code
from experiments.commands import broom, drawing, listing, verification
from experiments.commands import canary as canaries
from experiments.commands import publish as publishing
from experiments.commands import reproduce as reruns
from experiments.commands import results as pages
from experiments.commands import run as runs
from experiments.commands.output import OutputError, complain, finish, open_streams
from experiments.engine.job import install_hint
from experiments.store import sinks, system_error

Study = Annotated[str, tyro.conf.Positional]
Settings = Annotated[
    tuple[str, ...],
    tyro.conf.arg(name="set", metavar="FIELD=VALUE"),
    tyro.conf.UseAppendAction,
]
Log = Annotated[tuple[sinks.Name, ...], tyro.conf.UseAppendAction]
Results = Path("results")

app = tyro.extras.SubcommandApp()


@app.command
def run(
    study: Study,
    preset: str | None = None,
    settings: Settings = (),
    seeds: int | None = None,
    words: Path | None = None,
    mixer: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    results: Path = Results,
    rerun: runs.Rerun | None = None,
    force: bool = False,
    checkpoint_seconds: float = 60.0,
    stall_seconds: float = 600.0,
    engine: runs.EngineName = "local",
    address: str | None = None,
    gpus: float = 0.0,
    log: Log = (),
) -> int:
    """Run what is not finished in a preset: killed runs resume, failed runs are tried again.

    Args:
        study: Dotted name (toy.linear_cde) or the path of a file (my_study.py).
        preset: One of the study's presets; the study's default if left out.
        settings: Override a field: lr=1e-3,3e-4 sweeps, task.length=50 reaches inside,
            widths=(16,32) is one tuple.
        seeds: Number of seeds for each run, counted up from the run's own seed.
        words: Folder of word-problem files GROUP=LENGTH.csv to train on instead of drawn words.
        mixer: FILE:NAME of a mixer of your own; its runs replace those of the preset.
        workers: Number of processes at once; one per core, at most one per run, if left out.
        threads: Threads for each process; the workers share the cores if left out.
        results: Folder of the records.
        rerun: Run finished records again: those made from other source (stale),
            failed ones, or all.
        force: Resume even from a checkpoint that other source wrote; the record notes it.
        checkpoint_seconds: Time between checkpoints.
        stall_seconds: Silence after which a worker on this machine is killed as hung; its run
            is tried once more.
        engine: Where the runs are computed: processes on this machine (local), or a Ray cluster
            that shares the results folder (ray).
        address: Address of a running Ray cluster, host:port or auto; if left out, one is
            started here.
        gpus: GPUs for each run on Ray, a fraction below 1 or a whole number.
        log: Send metrics to wandb or tensorboard too; repeat the option to use both.
    """
    return runs.run(
        runs.Request(
            study=study,
            preset=preset,
            settings=_with_words(settings, words),
            seeds=seeds,
            workers=workers,
            threads=threads,
            results=results,
            rerun=rerun,
            force=force,
            checkpoint_seconds=checkpoint_seconds,
            stall_seconds=stall_seconds,
            mixer=mixer,
            engine=engine,
            address=address,
            gpus=gpus,
            log=log,
        )
    )


@app.command
def plot(
    study: Study,
    preset: str | None = None,
    settings: Settings = (),
    seeds: int | None = None,
    words: Path | None = None,
    mixer: str | None = None,
    results: Path = Results,
) -> int:
    """Draw a study's figure from its records.

    Args:
        study: A study folder: its name (toy) or a path.
        preset: The preset whose records are drawn; the study's default if left out.
        settings: The overrides that the runs were made with.
        seeds: The number of seeds that the runs were made with.
        words: The folder of word-problem files that the runs were made with.
        mixer: FILE:NAME of a mixer of your own; its records are added to those of the preset.
        results: Folder of the records; the figure is written there too.
    """
    drawing.plot(_drawing(study, preset, _with_words(settings, words), seeds, results, mixer))
    return exit_code.OK


@app.command
def table(
    study: Study,
    preset: str | None = None,
    settings: Settings = (),
    seeds: int | None = None,
    words: Path | None = None,
    mixer: str | None = None,
    results: Path = Results,
) -> int:
    """Print a study's numbers beside the published ones, and every claim with its verdict.

    Args:
        study: A study folder: its name (toy) or a path.
        preset: The preset whose records are read; the study's default if left out.
        settings: The overrides that the runs were made with.
        seeds: The number of seeds that the runs were made with.
        words: The folder of word-problem files that the runs were made with.
        mixer: FILE:NAME of a mixer of your own; its records are added to those of the preset.
        results: Folder of the records; the table is written there too.
    """
    drawing.table(_drawing(study, preset, _with_words(settings, words), seeds, results, mixer))
    return exit_code.OK


@app.command
def results(folder: Annotated[Path, tyro.conf.Positional] = Path("docs/results")) -> int:
    """Write the pages of results, one per study, from the published records alone.

    Args:
        folder: Folder to write the pages to.
    """
    pages.write(folder)
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
def list_studies(
    study: Annotated[str | None, tyro.conf.Positional] = None, results: Path = Results
) -> int:
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
def verify(
    study: Annotated[str | None, tyro.conf.Positional] = None, results: Path = Results
) -> int:
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


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; a foreseen error is printed in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack some characters
            stream.reconfigure(errors="backslashreplace")
    try:
        _require_working_folder()
        code = app.cli(prog="experiments", args=arguments)
    except SystemExit as error:  # raised by the command's parser
        return finish(error.code if isinstance(error.code, int) else exit_code.OK)
    except KeyboardInterrupt:
        complain("interrupted; the same command goes on where it stopped")
        code = exit_code.SIGINT
    except ImportError as error:
        complain(f"error: {install_hint(error)}")
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
        complain(f"error: {system_error.message(error)}")
        return exit_code.FAILED
    if code is None:
        raise error
    complain(f"error: {error}")
    return code


def _require_working_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise exit_code.ConfigError(
            "the working folder was removed; change to another one (cd) and try again"
        ) from None


def _with_words(settings: tuple[str, ...], words: Path | None) -> tuple[str, ...]:
    return settings if words is None else (*settings, f'words="{words.expanduser().absolute()}"')


def _drawing(
    study: str,
    preset: str | None,
    settings: tuple[str, ...],
    seeds: int | None,
    results: Path,
    mixer: str | None,
) -> drawing.Request:
    return drawing.Request(
        study=study, preset=preset, settings=settings, seeds=seeds, results=results, mixer=mixer
    )


if __name__ == "__main__":
    open_streams()
    sys.exit(main())
