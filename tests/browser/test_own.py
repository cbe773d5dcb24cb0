"""A report of own results in one file, and runs watched while they go on, in a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from filelock import FileLock
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from experiments.engine.job import Job, StopFlag, perform
from experiments.overrides import override
from experiments.site.report import report
from experiments.site.watch import Server
from experiments.store import durable, journal
from experiments.study import load
from seqtheory.plain import described

STUDY = Path(__file__).parents[1] / "experiments" / "studies" / "my_study.py"
OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
ONLINE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
PAGE = (360, 1200)


def job(results: Path, *settings: str) -> Job:
    study = load(str(STUDY))
    (run,) = override(study.runs("smoke"), settings)
    name = study.hash(run)
    facts = {"study": str(STUDY), "run": described(run), "preset": "smoke", "settings": settings}
    where = {"hash": name, "folder": str(results / study.name / name)}
    how = {"over": False, "force": False, "checkpoint_seconds": 0.0, "provenance": {"threads": 1}}
    return Job(**facts, **where, **how)


class Stop(StopFlag):
    """Asks for a stop at the tenth step."""

    calls = 0

    def asked(self) -> bool:
        self.calls += 1
        return self.calls >= 20


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Records of runs that are done, have failed, diverged, and were stopped at step 10."""
    for mood in ("calm", "fails", "diverges"):
        perform(job(tmp_path, f"mood={mood}"), print, StopFlag())
    perform(job(tmp_path, "seed=7"), print, Stop())
    return tmp_path


@pytest.fixture
def page(browser: Chrome) -> Iterator[Chrome]:
    browser.get_log("browser")
    browser.get_log("performance")
    yield browser
    assert browser.get_log("browser") == []


def urls(driver: Chrome) -> list[str]:
    lines = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    asked = [line for line in lines if line["method"] == "Network.requestWillBeSent"]
    return [line["params"]["request"]["url"] for line in asked]


def wide(driver: Chrome, width: int, scheme: str = "light") -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def usable(driver: Chrome) -> None:
    """What can be used has a name, and headings go down step by step."""
    script = (
        "const all = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility());"
        "return [all('a, button, [tabindex], summary, input').filter(e =>"
        " !(e.textContent.trim() || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby') || e.labels?.length)).length,"
        "all('h1, h2, h3, h4').map(e => +e.tagName[1])]"
    )
    nameless, levels = driver.execute_script(script)
    assert nameless == 0
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_report_of_one_file_is_read_with_no_network(page, results):
    place = report(results, None)
    for width in PAGE:
        wide(page, width, "dark")
        page.get(place.as_uri())
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    shown = "return [...document.querySelectorAll('.page:not([hidden])')].map(page => page.id)"
    assert page.execute_script(shown) == ["index"]
    usable(page)
    page.find_element(By.CSS_SELECTOR, "#index--unfinished-table tbody a").click()
    (name,) = page.execute_script(shown)
    assert name.startswith("runs-")
    assert page.find_element(By.CSS_SELECTOR, f"#{name} h1").is_displayed()
    assert page.title.startswith("Run ")
    assert page.execute_script("return document.activeElement.id") == name
    plot = page.find_element(By.CSS_SELECTOR, f"#{name} figure.plot svg")
    plot.send_keys(Keys.HOME)
    assert (plot.get_attribute("aria-valuetext") or "").startswith("step 1; norm ")
    usable(page)
    page.back()
    assert page.execute_script(shown) == ["index"]
    page.find_element(By.ID, "index--search").send_keys("walker fell")
    assert "1 of " in page.find_element(By.CSS_SELECTOR, "#index form.whole output").text
    assert {url.partition("#")[0] for url in urls(page) if not url.startswith("data:")} == {
        place.as_uri()
    }


@pytest.fixture
def watched(results: Path, browser: Chrome) -> Iterator[Server]:
    """A server of the results; the browser reaches this machine while it is there."""
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE)
    with Server(results) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        browser.get("about:blank")
        server.shutdown()
        thread.join()
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", OFFLINE)


def rows(driver: Chrome) -> dict[str, list[str]]:
    """Cells of each run by its hash."""
    script = (
        "return [...document.querySelectorAll('#rows tr')].map(row => "
        "[row.querySelector('button').title, ...[...row.cells].map(cell => cell.textContent)])"
    )
    return {name: cells for name, *cells in driver.execute_script(script)}


def test_a_run_is_seen_to_go_on_to_stop_and_to_resume(page, results, watched):
    run = job(results, "seed=7")
    folder = Path(run.folder)
    log = folder / "metrics.jsonl"
    held = log.read_bytes()

    def until(status: str, step: str) -> list[str]:
        def found(driver: Chrome) -> bool:
            cells = rows(driver).get(run.hash, [""] * 7)
            return (cells[2], cells[4]) == (status, step)

        WebDriverWait(page, 120).until(found)
        return rows(page)[run.hash]

    wide(page, 1200)
    page.get(watched.address)
    until("stopped", "10")
    assert page.find_element(By.ID, "idle").is_displayed()
    with (
        FileLock(folder.with_name(f".{folder.name}.lock")),
        journal.kept(folder.parent, "my_study, preset smoke", {run.hash: HOSTILE}, print) as told,
    ):
        log.write_bytes(held + b'{"step": 11, "norm": 5.5}\n{"step": 12, "norm": 77')
        told.on_event({"event": "started", "hash": run.hash}, None)
        told.on_event({"event": "progress", "hash": run.hash, "done": 11, "total": 20}, 240.0)
        told.write()
        cells = until("running", "11")
        WebDriverWait(page, 60).until(lambda driver: rows(driver)[run.hash][3] == "55 %")
        assert (cells[0], cells[5]) == (HOSTILE, "norm 5.50")
        command = page.find_element(By.CSS_SELECTOR, "#working li").text
        assert command.startswith(
            "my_study, preset smoke: 0 of 1 runs done; about 4 min left, as of"
        )
        assert page.find_elements(By.CSS_SELECTOR, "#figures figure.plot")
        assert HOSTILE in page.find_element(By.CSS_SELECTOR, "#figures h3").text
        assert page.find_elements(By.CSS_SELECTOR, "#rows img, #figures img") == []
        usable(page)
    assert until("stopped", "11")[3] == ""
    durable.Log(log, keep=len(held)).close()  # as a resumed run begins
    until("stopped", "10")
    perform(run, print, StopFlag())
    assert until("done", "20")[3] == "100 %"
    failed = next(cells for cells in rows(page).values() if cells[2] == "failed")
    assert failed[6] == "RuntimeError: the walker fell"
    assert "77" not in page.find_element(By.ID, "rows").text
    assert all(url.startswith((watched.address, "data:", "about:")) for url in urls(page))


def test_curves_of_any_run_are_chosen_by_the_keyboard(page, watched):
    for width in PAGE:
        wide(page, width, "dark")
        page.get(watched.address)
        WebDriverWait(page, 60).until(lambda driver: len(rows(driver)) == 4)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    button = page.find_element(By.CSS_SELECTOR, "#rows button")
    button.send_keys(Keys.ENTER)
    figures = (By.CSS_SELECTOR, "#figures figure.plot svg")
    WebDriverWait(page, 60).until(lambda driver: driver.find_elements(*figures))
    assert button.get_attribute("aria-pressed") == "true"
    plot = page.find_element(*figures)
    plot.send_keys(Keys.HOME)
    assert (plot.get_attribute("aria-valuetext") or "").startswith("step 1; norm ")
    usable(page)
