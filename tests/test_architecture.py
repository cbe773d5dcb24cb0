"""Who may import whom, read from the source alone; see the table of rooms in CONTRIBUTING."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "packages" / "core" / "src" / "seqtheory"
LCDE_JAX = ROOT / "packages" / "lcde_jax" / "src" / "lcde_jax"
SEQ_TORCH = ROOT / "packages" / "seq_torch" / "src" / "seq_torch"
EXPERIMENTS = ROOT / "experiments"

JAX = {"jax", "jaxlib", "equinox", "diffrax", "optax", "lineax", "flax", "lcde_jax"}
TORCH = {"torch", "numba", "llvmlite", "mamba_ssm", "causal_conv1d", "seq_torch"}
SHARED = {"numpy", "scipy", "jaxtyping", "seqtheory"}

MAY_IMPORT = {
    CORE: SHARED | {"sklearn"},
    LCDE_JAX: SHARED | JAX | {"safetensors"},
    SEQ_TORCH: SHARED | TORCH | {"safetensors"},
}

GLOBAL_SETTERS = {
    "update": ("jax.config", "config"),
    "seterr": ("np", "numpy"),
    "seed": ("np.random", "numpy.random", "random"),
    "basicConfig": ("logging",),
    "filterwarnings": ("warnings",),
    "simplefilter": ("warnings",),
    "set_default_dtype": ("torch",),
    "set_num_threads": ("torch", "numba"),
    "manual_seed": ("torch",),
    "use": ("matplotlib", "mpl"),
    "setrecursionlimit": ("sys",),
}


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(tree: ast.AST, *, into_functions: bool = True, types: bool = False) -> Iterator[ast.AST]:
    """Every node that runs; with `into_functions` false, only what runs at import."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node) and not types:
            continue
        lazy = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if lazy and not into_functions:
            continue
        yield node
        yield from walk(node, into_functions=into_functions, types=types)


def imports(path: Path, **options: bool) -> set[str]:
    """Full names of the modules that a file imports absolutely."""
    found: set[str] = set()
    for node in walk(parsed(path), **options):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path, **options: bool) -> set[str]:
    return {name.partition(".")[0] for name in imports(path, **options)}


@pytest.mark.parametrize("package", MAY_IMPORT, ids=lambda p: p.name)
def test_a_package_imports_only_what_its_room_may(package):
    allowed = MAY_IMPORT[package] | set(sys.stdlib_module_names) | {package.name}
    wrong = {str(p): extra for p in files(package) if (extra := tops(p, types=True) - allowed)}
    assert not wrong


def test_core_imports_scikit_learn_for_its_estimators_alone():
    assert {p.parent.name for p in files(CORE) if "sklearn" in tops(p)} == {"estimators"}


def test_core_imports_jaxtyping_for_types_alone():
    assert not [str(p) for p in files(CORE) if "jaxtyping" in tops(p)]


def test_tests_say_which_framework_they_need():
    """By the markers of tests/conftest.py: what else skips is not seen by `--frameworks`."""
    skips = [
        f"{path}:{node.lineno}"
        for path in files(ROOT / "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("importorskip")
    ]
    assert not skips


def test_core_touches_no_network():
    network = {"socket", "urllib", "http", "ftplib", "ssl", "requests"}
    assert not [str(p) for p in files(CORE) if tops(p) & network]


def study_folders() -> list[Path]:
    return [p.parent for p in EXPERIMENTS.glob("*/table.py")]


BRIDGE = EXPERIMENTS / "jax_module.py"
"""The one file that joins both frameworks; it is imported where a guest of JAX is met."""
ABOVE = "bench"
"""The study that measures by what the others measure with."""


def test_there_is_something_to_check():
    assert [p for p in files(CORE) if p.name != "__init__.py"]
    assert [p for p in files(LCDE_JAX) if p.name != "__init__.py"]
    assert [p for p in files(EXPERIMENTS) if p.parent == EXPERIMENTS]
    assert "toy" in {p.name for p in study_folders()}


def test_experiments_import_no_framework_outside_functions():
    wrong = {}
    for path in files(EXPERIMENTS):
        if path != BRIDGE and (extra := tops(path, into_functions=False) & (JAX | TORCH)):
            wrong[str(path)] = extra
    assert not wrong


def test_only_studies_import_frameworks():
    rooms = [EXPERIMENTS / room for room in ("commands", "engine", "report", "store")]
    machinery = [p for p in files(EXPERIMENTS) if p.parent in (EXPERIMENTS, *rooms)]
    assert not [str(p) for p in machinery if p != BRIDGE and tops(p) & (JAX | TORCH)]


def test_one_framework_per_study_file():
    both = [p for p in files(EXPERIMENTS) if tops(p) & JAX and tops(p) & TORCH]
    assert both == [BRIDGE]


def test_figures_and_tables_need_no_framework():
    drawn = [p for p in files(EXPERIMENTS) if p.name in ("figure.py", "table.py")]
    assert drawn
    assert not [str(p) for p in drawn if tops(p) & (JAX | TORCH)]


def test_no_study_imports_another():
    names = {folder.name for folder in study_folders()}
    for folder in study_folders():
        if folder.name == ABOVE:
            continue
        others = {f"experiments.{name}" for name in names - {folder.name}}
        for path in files(folder):
            assert not {".".join(name.split(".")[:2]) for name in imports(path)} & others, path


def test_tyro_stands_where_the_command_line_is_said():
    with_tyro = [p.name for p in files(EXPERIMENTS) if "tyro" in tops(p, types=True)]
    assert sorted(with_tyro) == ["__main__.py", "arguments.py"]


@pytest.mark.parametrize("package", [*MAY_IMPORT, EXPERIMENTS], ids=lambda p: p.name)
def test_importing_changes_no_global(package):
    wrong = []
    for path in files(package):
        for node in walk(parsed(path), into_functions=False):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owners = GLOBAL_SETTERS.get(node.func.attr, ())
            if ast.unparse(node.func.value) in owners:
                wrong.append(f"{path}:{node.lineno}: {ast.unparse(node.func)}")
    assert not wrong


def test_no_package_sets_the_x64_flag_or_the_environment():
    for package in MAY_IMPORT:
        for path in files(package):
            code = ast.unparse(parsed(path))
            assert "config.update('jax_enable_x64'" not in code, path
            assert "os.environ[" not in code, path


def writes(node: ast.AST) -> bool:
    """Whether a call opens or changes a file by a way that `durable` does not know of."""
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    if name.startswith("durable.") or name.split(".")[0] == "stored":
        return False
    last = name.rpartition(".")[2]
    if last in ("write_text", "write_bytes", "touch", "mkdir", "makedirs", "symlink_to", "dump"):
        return True
    if last in ("savez", "savetxt", "to_csv", "save_file", "tofile", "rmtree", "unlink", "rename"):
        return True
    if name in ("np.save", "numpy.save", "plt.savefig", "os.replace", "os.rename", "os.remove"):
        return True
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    if name == "os.open" and "os.devnull" not in map(ast.unparse, values):
        return any(flag in ast.unparse(v) for v in values for flag in ("O_WRONLY", "O_RDWR"))
    modes = [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]
    return last == "open" and any(set(mode) & set("wax+") and len(mode) < 4 for mode in modes)


def test_only_durable_writes_files():
    wrong = [
        f"{path}:{node.lineno}"
        for path in files(EXPERIMENTS)
        if path.name != "durable.py"
        for node in walk(parsed(path))
        if writes(node)
    ]
    assert not wrong


@pytest.mark.parametrize(
    "code",
    [
        "open(p, 'w')",
        "os.open(p, os.O_WRONLY)",
        "p.open('ab')",
        "p.write_text('x')",
        "np.save(p, x)",
        "json.dump(x, f)",
    ],
)
def test_the_check_for_writes_sees_them(code):
    assert any(writes(node) for node in ast.walk(ast.parse(code)))


def test_nothing_is_unpickled():
    loaders = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for package in [*MAY_IMPORT, EXPERIMENTS]:
        for path in files(package):
            assert not tops(path) & loaders, path
            code = ast.unparse(parsed(path))
            assert "allow_pickle=True" not in code, path
            assert "torch.load(" not in code, path
