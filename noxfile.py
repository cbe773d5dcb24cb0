# /// script
# dependencies = ["nox[uv]>=2025.2.9"]
# ///
"""Every job of the repository. `nox -l` lists them; `nox -s NAME -- ARGUMENTS` runs one.

One environment per framework, built from the committed lock and shared by that framework's
sessions, lives in `.nox/<environment>`.
"""

import os
import platform
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"  # sessions share environments, see `environment`
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent.resolve()
ENVIRONMENTS = {
    "core": "--package seqtheory --group test",
    "plot": "--package experiments",
    "jax": "--package experiments --extra jax --group test",
    "torch": "--package experiments --extra torch --group test",
    "ray": "--package experiments --extra ray --extra tensorboard --extra wandb --group test",
    "lint": "--only-group lint",
    "audit": "--only-group audit",
    "release": "--only-group release",
    "both": "--package experiments --extra jax --extra torch --extra parquet --extra pandas "
    "--extra polars --group test --group types",
    "browser": "--package experiments --group browser",
    "docs": "--package experiments --extra jax --extra torch --extra parquet --extra pandas "
    "--extra polars --group docs",
    "benchmarks": "--package experiments --extra jax --extra torch --group benchmarks",
    "cuda": "--package seq-torch --extra cuda --group test",
}
PUBLISHED = ("seqtheory", "lcde-jax", "seq-torch")  # experiments stays in the repository
# What deptry compares: the code of each package, and what that package declares.
CODE = [
    (f"packages/{name}/src", "--config", f"packages/{name}/pyproject.toml")
    for name in ("core", "lcde_jax", "seq_torch")
] + [("experiments", "--config", "experiments/pyproject.toml")]
SPELT = ["packages", "experiments", "release", "tests", "docs", "benchmarks", "changes"]
# Which files of YAML a schema describes; the first two schemas come with the tool.
WORKFLOWS = [str(path) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
SCHEMAS = (
    ("--builtin-schema", "vendor.github-workflows", *WORKFLOWS),
    ("--builtin-schema", "custom.github-workflows-require-timeout", *WORKFLOWS),
    ("--schemafile", "release/schemas/issue_form.json", ".github/ISSUE_TEMPLATE/fault.yml"),
    ("--schemafile", "release/schemas/citation.json", "--default-filetype=yaml", "CITATION.cff"),
)
# Options that say which runs are meant: what is drawn after a study has the same.
SELECTION = ("--preset", "--only", "--set", "--seeds", "--words", "--mixer", "--results")
WORKERS = str(min(4, os.cpu_count() or 1))  # a test process of JAX or torch takes 1 to 2 GiB
# Which environment runs which tests. Core's runs where neither JAX nor torch is installed.
TESTS = {
    "core": ("core", ["tests/core", "packages/core/src", "--doctest-modules"]),
    "lcde_jax": ("jax", ["tests/lcde_jax"]),
    "seq_torch": ("torch", ["tests/seq_torch", "tests/experiments", "-m", "needs_torch"]),
    "experiments": (
        "jax",
        [
            "tests/experiments",
            "tests/test_architecture.py",
            "tests/test_layers.py",
            "tests/test_twin_lines.py",
            "tests/test_front_door.py",
            "tests/test_changes.py",
            "tests/test_release.py",
            "tests/test_container.py",
            "tests/test_security.py",
        ],
    ),
    "cross": ("both", ["tests/cross", "tests/test_readmes.py"]),
    "faults": ("jax", ["tests/faults"]),
}
_SYNCHRONISED: set[str] = set()  # environments that this call of nox has brought to the lock
# What JAX has compiled is kept for the other workers, the other rooms and the next time.
COMPILED = {
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".nox" / f"compiled-{platform.node()}"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
# Python keeps what it has compiled, wherever images or shells ask it not to: a process that reads
# torch or JAX from source starts 2 to 11 s later, and the tests start hundreds.
KEPT: dict[str, str | None] = {"PYTHONDONTWRITEBYTECODE": None}
# Rooms of the core whose annotations hold at every call; the others are still to be mended.
JUDGED = ("dataset", "group", "group_words", "hippo", "linear_systems", "representation")
JUDGED += ("settings", "shapes", "state_space", "structure", "word_csv")
# Where a test that needs one of these is never skipped.
FRAMEWORKS = {"jax": "jax", "torch": "torch", "both": "jax,torch"}


def uv(session: nox.Session, command: str, *arguments: str, **env: str | None) -> None:
    """Run uv, which nox's own extra brings along."""
    session.run("uv", *command.split(), *arguments, env=env, external=True)


def environment(session: nox.Session, name: str) -> Path:
    """Bring `.nox/<name>` to the state of the lock, once a call, and return its programs' folder.

    Nothing is compiled ahead: a session imports a small part of what is installed.
    """
    folder = ROOT / ".nox" / name
    if name not in _SYNCHRONISED:
        locked = {"UV_PROJECT_ENVIRONMENT": str(folder), "VIRTUAL_ENV": None}
        uv(session, f"sync --frozen --quiet {ENVIRONMENTS[name]}", **locked)
        _SYNCHRONISED.add(name)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def python(session: nox.Session, name: str, *arguments: str, **env: str) -> None:
    """Run the Python of environment `name` from the repository's root."""
    program = str(environment(session, name) / "python")
    session.run(program, *arguments, env=KEPT | env, external=True)


def study(session: nox.Session, environment: str, name: str, module: str) -> None:
    """Run one half of a study, then draw its figure and print its table from the same runs.

    A session that calls it bears the tag `studies`: CI runs the smoke preset of all that do.
    """
    run = ("-m", "experiments", "run", f"{name}.{module}")
    python(session, environment, *run, *session.posargs)
    if not {"-h", "--help", "--dry-run"} & set(session.posargs):
        same = options(session.posargs, *SELECTION)
        for command in ("plot", "table"):
            python(session, environment, "-m", "experiments", command, f"{name}.{module}", *same)


def options(arguments: list[str], *names: str) -> list[str]:
    """Keep these options and their values, in either spelling: `--name value`, `--name=value`."""
    kept = []
    for position, argument in enumerate(arguments):
        if argument in names:
            kept += arguments[position : position + 2]
        elif argument.startswith(tuple(f"{name}=" for name in names)):
            kept.append(argument)
    return kept


@nox.session(tags=["studies"])
def lcde_toy(session: nox.Session) -> None:
    """Main job: signature labels from random linear CDEs, full scale [-- --preset controls ...]."""
    study(session, "jax", "toy", "linear_cde")


@nox.session(tags=["studies"])
def lcde_limit(session: nox.Session) -> None:
    """Random linear CDEs of growing and of infinite width, on the same paths [-- --preset ...]."""
    study(session, "jax", "toy", "kernel_limit")


@nox.session(tags=["studies"])
def torch_toy(session: nox.Session) -> None:
    """Signature labels from trained S4, S5 and Mamba [-- --preset smoke|quick|paper ...]."""
    study(session, "torch", "toy", "sequence_models")


@nox.session(tags=["studies"])
def memory_theory(session: nox.Session) -> None:
    """Linear theory of the curse of memory, coefficients bounded too [-- --preset ...]."""
    for module in ("theory", "bounded_coefficients"):
        study(session, "plot", "memory", module)


@nox.session(tags=["studies"])
def torch_memory(session: nox.Session) -> None:
    """Trained networks under perturbation, then memory functions [-- --preset smoke|quick|...]."""
    for module in ("recurrent_models", "memory_functions"):
        study(session, "torch", "memory", module)


@nox.session(tags=["studies"])
def torch_stability(session: nox.Session) -> None:
    """Learning rates that each parameterisation bears: functionals, then images [-- ...]."""
    for module in ("functionals", "images"):
        study(session, "torch", "stability", module)


@nox.session(tags=["studies"])
def torch_optimisers(session: nox.Session) -> None:
    """The largest rate that learns, by map and optimiser [-- --preset smoke|modes|quick ...]."""
    study(session, "torch", "stability", "optimisers")


@nox.session(tags=["studies"])
def torch_lra(session: nox.Session) -> None:
    """Long sequences: S4 with either norm in either place, and its peers [-- --preset ...]."""
    study(session, "torch", "lra", "sequence_models")


@nox.session(tags=["studies"])
def jax_lra(session: nox.Session) -> None:
    """The half of the same table in JAX: S4 [-- --preset smoke|quick|rates|steps|images ...]."""
    study(session, "jax", "lra", "s4_jax")


@nox.session(tags=["studies"])
def lcde_a5(session: nox.Session) -> None:
    """Words of A5 through a linear CDE [-- --preset controls --words FOLDER ...]."""
    study(session, "jax", "a5", "linear_cde")


@nox.session(tags=["studies"])
def torch_representable(session: nox.Session) -> None:
    """Stacks of S4 and Mamba with weights set by hand on words of A5 [-- --preset smoke|quick]."""
    study(session, "torch", "a5", "representable")


@nox.session(tags=["studies"])
def torch_letters(session: nox.Session) -> None:
    """Words of six groups until each letter is known [-- --preset smoke|quick|whole]."""
    study(session, "torch", "a5", "letter_times")


@nox.session(tags=["studies"])
def torch_integrals(session: nox.Session) -> None:
    """Integrals of paths by layers of S6 with weights set by hand [-- --preset smoke|quick]."""
    study(session, "torch", "toy", "representable")


@nox.session(tags=["studies"])
def torch_factorial(session: nox.Session) -> None:
    """What decides whether one layer of S6 is enough, trained [-- --preset quick|long|area ...]."""
    study(session, "torch", "toy", "factorial")


@nox.session(tags=["studies"])
def torch_a5(session: nox.Session) -> None:
    """Words of A5 through RNN, Transformer, S4 and Mamba [-- --preset controls ...]."""
    study(session, "torch", "a5", "sequence_models")


@nox.session(tags=["studies"])
def lcde_tracking(session: nox.Session) -> None:
    """The study of tracking, its linear CDEs in JAX [-- --preset smoke|quick|prediction ...]."""
    study(session, "jax", "tracking", "linear_cde")


@nox.session(tags=["studies"])
def torch_tracking(session: nox.Session) -> None:
    """What each transition class can follow, and for how long [-- --preset prediction ...]."""
    study(session, "torch", "tracking", "sequence_models")


@nox.session
def bench(session: nox.Session) -> None:
    """Your model's card: nox -s bench -- my_model.py:Recurrence [--preset smoke ...]."""
    python(session, "torch", "-m", "experiments", "bench", *session.posargs)


@nox.session
def doctor(session: nox.Session) -> None:
    """Say what this machine can run, and the command that mends what it cannot."""
    python(session, "torch", "-m", "experiments", "doctor")


@nox.session
def plot(session: nox.Session) -> None:
    """Redraw a study's figure from its records: nox -s plot -- toy (no framework installed)."""
    python(session, "plot", "-m", "experiments", "plot", *session.posargs)


@nox.session
def table(session: nox.Session) -> None:
    """Print a study's table and claims from its records: nox -s table -- toy."""
    python(session, "plot", "-m", "experiments", "table", *session.posargs)


@nox.session
def reproduce(session: nox.Session) -> None:
    """Run published records again, drawn at random, and attest how they compare [-- --sample N]."""
    python(session, "both", "-m", "experiments", "reproduce", *session.posargs)


@nox.session
def canary(session: nox.Session) -> None:
    """Say whether the numerics of every study are as on file for this processor [-- --write]."""
    python(session, "both", "-m", "experiments", "canary", *session.posargs)


@nox.session
@nox.parametrize("room", list(TESTS), ids=list(TESTS))
def tests(session: nox.Session, room: str) -> None:
    """Tests of each room in its own environment: core without JAX and torch, then the rest."""
    name, arguments = TESTS[room]
    python(
        session,
        name,
        "-m",
        "pytest",
        f"--frameworks={FRAMEWORKS.get(name, '')}",
        *(session.posargs or [*arguments, "-n", WORKERS, "--dist", "worksteal"]),
        OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "1"),
        **COMPILED,
    )


@nox.session
def shapes(session: nox.Session) -> None:
    """Tests of the core whose every call is held to its annotations, shapes included."""
    arguments = session.posargs or [f"tests/core/test_{name}.py" for name in JUDGED]
    python(session, "core", "-m", "pytest", "-p", "tests.shapes", *arguments)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure which lines the tests run, with a report per package [-- core lcde_jax ...]."""
    (ROOT / ".nox" / "coverage").mkdir(parents=True, exist_ok=True)
    measure = ("-m", "coverage")
    rooms = session.posargs or list(TESTS)
    python(session, TESTS[rooms[0]][0], *measure, "erase")
    for room in rooms:
        name, arguments = TESTS[room]
        run = ("run", "-m", "pytest", f"--frameworks={FRAMEWORKS.get(name, '')}", *arguments)
        python(session, name, *measure, *run, "-n", WORKERS, OMP_NUM_THREADS="1")
    python(session, "core", *measure, "combine", "--quiet")
    for package in ("packages/core", "packages/lcde_jax", "packages/seq_torch", "experiments"):
        session.log(package)
        report = ("report", "--skip-covered", "--sort=cover", f"--include={package}/*")
        python(session, "core", *measure, *report)


@nox.session
def minimums(session: nox.Session) -> None:
    """The oldest releases that are declared: tests of the core, and what the READMEs use."""
    members = {
        "core": ("tests/core", "tests/test_readmes.py", "-m", "not slow"),
        "lcde_jax": ("tests/test_readmes.py", "tests/lcde_jax/sequence/test_prefill.py"),
        "seq_torch": ("tests/test_readmes.py", "tests/seq_torch/ops/test_linear_scan.py"),
    }
    for member, tests in members.items():
        folder = ROOT / ".nox" / f"minimums-{member}"
        programs = folder / ("Scripts" if os.name == "nt" else "bin")
        uv(session, "venv --quiet --clear --python 3.11", str(folder))
        packages = [f"--editable=packages/{name}" for name in dict.fromkeys(("core", member))]
        wanted = (*packages, "--group", f"packages/{member}/pyproject.toml:test")
        chosen = f"pip install --quiet --resolution lowest-direct --python {programs / 'python'}"
        uv(session, chosen, *wanted)
        session.run(str(programs / "python"), "-m", "pytest", *tests, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint with ruff, check spelling, fragments, YAML, the lock and what it exports."""
    programs = environment(session, "lint")
    for command in (
        ("ruff", "format", "--check", "."),
        ("ruff", "check", "."),
        ("codespell", *SPELT, "README.md"),
        *(("deptry", *code) for code in CODE),
        ("towncrier", "build", "--draft", "--version", version()),  # a misnamed fragment stops it
        *(("check-jsonschema", *of_schema) for of_schema in SCHEMAS),
    ):
        session.run(str(programs / command[0]), *command[1:], external=True)
    uv(session, "lock --check --quiet")
    pinned = Path(session.create_tmp()) / "requirements.txt"
    uv(session, "export --frozen --quiet --no-annotate --only-group bootstrap -o", str(pinned))
    if _lines(pinned) != _lines(ROOT / ".ci" / "requirements.txt"):
        session.error(".ci/requirements.txt is not the lock's: run the command at its head")


def _lines(requirements: Path) -> list[str]:
    text = requirements.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def version() -> str:
    """Read the version, which all packages share."""
    declared = (ROOT / "packages" / "core" / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(declared)["project"]["version"])


@nox.session
def changelog(session: nox.Session) -> None:
    """Print what the fragments in changes/ add to the changelog [-- --yes moves them into it]."""
    program = str(environment(session, "lint") / "towncrier")
    build = ("build", "--version", version(), *(session.posargs or ["--draft"]))
    session.run(program, *build, external=True)


@nox.session
def audit(session: nox.Session) -> None:
    """Ask whether the lock holds a release with a known vulnerability; needs the network."""
    listed = str(Path(session.create_tmp()) / "requirements.txt")
    # The extras cuda12 and cuda13 exclude each other.
    all_of_it = "--all-packages --all-groups --all-extras --no-extra cuda13 --no-emit-workspace"
    uv(session, f"export --frozen --quiet {all_of_it} -o", listed)
    program = str(environment(session, "audit") / "pip-audit")
    session.run(program, "--require-hashes", "--disable-pip", "-r", listed, external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Type-check with pyright: strict for the core."""
    programs = environment(session, "both")
    session.run(str(programs / "pyright"), "--pythonpath", str(programs / "python"), external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation: every code cell is executed, warnings are errors."""
    _documentation(session, *session.posargs)


def _documentation(session: nox.Session, *options: str) -> Path:
    """Build the documentation and return its folder, beside which the cells' outputs lie."""
    build = "-m sphinx -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html"
    python(session, "docs", *build.split(), *options)
    return ROOT / "docs" / "_build" / "html"


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run the notebooks of chapters and bench, each from a fresh kernel [-- bench ...]."""
    python(session, "docs", "docs/notebooks.py", "--run", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Build the site from the published records, with the docs [-- --out DIR --no-docs]."""
    out = Path((options(session.posargs, "--out") or ["", "_site"])[-1].removeprefix("--out="))
    arguments = [word for word in session.posargs if word != "--no-docs"]
    with_docs = len(arguments) == len(session.posargs)
    if with_docs:
        built = _documentation(session)
        shutil.rmtree(out / "docs", ignore_errors=True)
        shutil.copytree(built, out / "docs")
    python(session, "docs" if with_docs else "plot", "-m", "experiments", "site", *arguments)


@nox.session
def report(session: nox.Session) -> None:
    """Make pages of your own records, in one file to send or a folder [-- RESULTS --out ...]."""
    python(session, "plot", "-m", "experiments", "report", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Speed and memory against peers, printed as ratios [-- labels words scans ...]."""
    python(session, "benchmarks", "-m", "benchmarks", *session.posargs)


@nox.session
def ray_tests(session: nox.Session) -> None:
    """Tests of the Ray engine on a local cluster, and of the sinks (some minutes)."""
    tests = ("tests/ray", "tests/experiments/test_sinks.py")
    python(session, "ray", "-m", "pytest", *(session.posargs or tests))


@nox.session
def browser(session: nox.Session) -> None:
    """Use cards, site and reports in Chromium without a network (needs chromium, chromedriver)."""
    tests = session.posargs or [
        f"tests/browser/test_{pages}.py" for pages in ("page", "site", "own")
    ]
    python(session, "browser", "-m", "pytest", *tests)


@nox.session
def latex(session: nox.Session) -> None:
    """Compile a card's tables in a two-column article (needs TeX Live's latex-recommended)."""
    tests = session.posargs or ["tests/browser/test_paper.py"]
    python(session, "browser", "-m", "pytest", *tests)


def toolkit() -> str:
    """Ask nvcc for its toolkit's folder: the nvcc on PATH may be a script that calls another."""
    command = ("nvcc", "--dryrun", "-E", "-x", "cu", os.devnull)
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    (folder,) = re.findall(r"^#\$ TOP=(.*)$", said, re.MULTILINE)
    return str(Path(folder).resolve())


@nox.session
def torch_cuda_build(session: nox.Session) -> None:
    """Compile the CUDA kernels for one architecture and compare; stops where nvcc is missing."""
    check = (
        "import sys; from seq_torch.doctor import build_obstacles; "
        "sys.exit(chr(10).join(f'{f.name}: {f.detail}. Mend it: {f.command}' "
        "for f in build_obstacles()) or None)"
    )
    python(session, "torch", "-c", check)
    # The build reads these; what the caller has set stays.
    for name, value in {
        "CUDA_HOME": os.environ.get("CUDA_HOME") or toolkit(),
        "PYTORCH_NVCC": str(ROOT / "packages/seq_torch/tools/nvcc_one.py"),
        "NVCC_ONE": "sm_80",
        "MAX_JOBS": "2",
        "NVCC_THREADS": "1",
    }.items():
        os.environ.setdefault(name, value)
        session.log(f"{name}={os.environ[name]}")
    tests = [f"tests/seq_torch/ops/test_cuda_{part}.py" for part in ("build", "kernels")]
    python(session, "cuda", "-m", "pytest", *(session.posargs or tests))


@nox.session
def wheels(session: nox.Session) -> None:
    """Build wheels and sdists, look into each, use them [-- FOLDER that gets what to publish]."""
    out = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(out, ignore_errors=True)
    for package in (*PUBLISHED, "experiments"):  # each wheel from its source archive
        uv(session, f"build --quiet --package {package} --out-dir", str(out))
    python(session, "release", "-m", "release.archive", str(out))
    archives = sorted([*out.glob("*.whl"), *out.glob("*.tar.gz")])
    python(session, "release", "-m", "twine", "check", "--strict", *map(str, archives))
    _use(session, out)
    for target in map(Path, session.posargs[:1]):
        target.mkdir(parents=True, exist_ok=True)
        for archive in archives:
            if not archive.name.startswith("experiments-"):
                session.log(f"{shutil.copy2(archive, target)}")


def _use(session: nox.Session, out: Path) -> None:
    """Use the wheels: two in a fresh environment, all four before the frameworks of `both`."""
    wheel = {path.name.partition("-")[0]: str(path) for path in out.glob("*.whl")}
    isolated = "run --isolated --no-project --with"
    alone = "from seqtheory.group import group; assert group('A5').order == 60"
    uv(session, isolated, wheel["seqtheory"], "python", "-Ic", alone)
    fresh = (wheel["seqtheory"], "--with", wheel["experiments"])
    for command in ("list", "doctor"):  # -I: not the folder of that name here
        uv(session, isolated, *fresh, "python", "-Im", "experiments", command)
    over = str(out.with_name("over"))
    shutil.rmtree(over, ignore_errors=True)
    program = str(environment(session, "both") / "python")
    install = f"pip install --quiet --no-deps --python {program} --target"
    uv(session, install, over, *wheel.values())
    names = ", ".join(sorted(wheel))
    ours = f"import {names}; assert all(m.__file__.startswith({over!r}) for m in ({names}))"
    for code in (("-c", ours), ("-m", "experiments", "doctor")):
        python(session, "both", "-P", *code, PYTHONPATH=over)


@nox.session(name="version")
def share_version(session: nox.Session) -> None:
    """Print the version that all packages share, or set it everywhere [-- 0.2.0]."""
    python(session, "release", "-m", "release.version", *session.posargs)
    if session.posargs:
        uv(session, "lock --quiet")
