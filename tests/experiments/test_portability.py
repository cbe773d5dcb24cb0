"""What only POSIX has is asked for before it is used: no name that Windows lacks."""

from __future__ import annotations

import ast
import signal
from pathlib import Path

import pytest

from experiments.engine.local import _Worker

ROOT = Path(__file__).parents[2]
SHIPPED = (*(ROOT / "packages").glob("*/src"), ROOT / "experiments")
MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "termios"}
NAMES = set(
    """
    os.O_CLOEXEC os.O_DIRECTORY os.O_NOCTTY os.O_NOFOLLOW os.O_NONBLOCK os.O_SYNC os.WEXITSTATUS
    os.WIFEXITED os.chown os.fchmod os.fork os.forkpty os.getegid os.geteuid os.getgid os.getloadavg
    os.getpgid os.getpgrp os.getuid os.killpg os.mkfifo os.nice os.pathconf os.posix_fadvise
    os.sched_getaffinity os.sched_setaffinity os.setpgid os.setsid os.statvfs os.sync os.sysconf
    os.uname os.wait os.wait3 os.wait4 signal.SIGALRM signal.SIGCHLD signal.SIGCONT signal.SIGHUP
    signal.SIGKILL signal.SIGPIPE signal.SIGQUIT signal.SIGSTOP signal.SIGTSTP signal.SIGUSR1
    signal.SIGUSR2 signal.alarm signal.pause signal.pthread_sigmask signal.setitimer signal.sigwait
    """.split()  # noqa: SIM905 (one name a line would take fifty)
)


def unguarded(tree: ast.AST, known: frozenset[str] = frozenset()) -> list[str]:
    """POSIX names and modules used where no `hasattr` and no `except` stands around them."""
    found: list[str] = []
    for node in ast.iter_child_nodes(tree):
        inside = known
        if isinstance(node, ast.If):
            inside = known | {
                f"{ast.unparse(call.args[0])}.{ast.literal_eval(call.args[1])}"
                for call in ast.walk(node.test)
                if isinstance(call, ast.Call)
                and ast.unparse(call.func) == "hasattr"
                and isinstance(call.args[1], ast.Constant)
            }
        if isinstance(node, ast.Try):
            caught = " ".join(ast.unparse(h.type) for h in node.handlers if h.type is not None)
            inside = known | (NAMES if "AttributeError" in caught else set())
            inside |= MODULES if "ImportError" in caught else set()
        if isinstance(node, ast.Attribute) and ast.unparse(node) in NAMES - known:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: {a.name}" for a in node.names if a.name in MODULES - known]
        if isinstance(node, ast.ImportFrom) and node.module in MODULES - known:
            found.append(f"{node.lineno}: {node.module}")
        found += unguarded(node, inside)
    return found


def test_no_name_is_used_that_windows_lacks():
    files = [path for folder in SHIPPED for path in sorted(folder.rglob("*.py"))]
    assert len(files) > 200
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    wrong = [f"{path.relative_to(ROOT)}:{use}" for path in files for use in unguarded(trees[path])]
    assert not wrong


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import fcntl", 1),
        ("from resource import getrusage", 1),
        ("try:\n    import fcntl\nexcept ImportError:\n    pass", 0),
        ("try:\n    import fcntl\nexcept OSError:\n    pass", 1),
        ("os.kill(1, signal.SIGKILL)", 1),
        ("def f():\n    return os.sysconf('SC_PAGE_SIZE')", 1),
        ("if hasattr(os, 'sched_getaffinity'):\n    os.sched_getaffinity(0)", 0),
        ("if hasattr(os, 'nice'):\n    os.sysconf('SC_PAGE_SIZE')", 1),
        ("try:\n    os.sysconf('a')\nexcept (AttributeError, OSError):\n    pass", 0),
        ("getattr(signal, 'SIGKILL', 9)", 0),
        ("signal.SIGTERM, os.O_RDONLY, os.kill", 0),
    ],
)
def test_the_sweep_sees_them(code, count):
    assert len(unguarded(ast.parse(code))) == count


class OnWindows:
    """A process as Windows has it: signals but SIGTERM are refused."""

    ended = False

    def poll(self):
        return None

    def send_signal(self, number):
        raise ValueError(f"Unsupported signal: {number}")

    def terminate(self):
        self.ended = True


def test_an_interrupt_ends_a_worker_where_it_cannot_be_passed_on():
    worker = _Worker.__new__(_Worker)
    worker._process = OnWindows()
    worker.signal(signal.SIGINT)
    assert worker._process.ended
