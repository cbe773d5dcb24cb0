"""The whole site in a real browser that has no network: found, read, sorted, filtered, narrowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait
from site_pages import broken

from experiments.site.build import build

START_LIMIT = 300_000
PAGES = (
    "index.html",
    "follows.html",
    "new.html",
    "reproduction.html",
    "studies/tracking.html",
    "studies/memory.html",
    "studies/bench.html",
    "models/mamba.html",
    "models/mamba-card.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site of all published records, built once; it takes a minute."""
    folder = tmp_path_factory.mktemp("a site")
    build(folder)
    return folder


@pytest.fixture
def opened(browser: Chrome, site: Path) -> Iterator[Callable[..., Chrome]]:
    """Open a page; at the end the console must be empty, and nothing asked for but files."""

    def go(name: str, *, width: int = 1200, scheme: str = "light") -> Chrome:
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(f"{site.as_uri()}/{name}")
        return browser

    browser.get_log("browser")
    browser.get_log("performance")
    yield go
    browser.execute_script("localStorage.clear()")
    assert browser.get_log("browser") == []
    asked = [line["message"] for line in browser.get_log("performance")]
    requests = [line for line in asked if '"Network.requestWillBeSent"' in line]
    assert requests
    assert all('"url":"file:' in line or '"url":"data:' in line for line in requests)


def one(driver: Chrome, selector: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, selector)


def every(driver: Chrome, selector: str) -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, selector)


def seen(driver: Chrome, table: str) -> list[list[str]]:
    """What the rows of a table that are shown are sorted by, cell by cell."""
    script = (
        "return [...document.getElementById(arguments[0]).tBodies[0].rows]"
        ".filter(row => !row.hidden).map(row => [...row.cells].map(cell => cell.dataset.sort))"
    )
    return driver.execute_script(script, table)


def heads(driver: Chrome, table: str) -> list[str]:
    return [head.text.strip() for head in every(driver, f"#{table} thead th")]


def filtered(text: str) -> bool:
    """Whether a filter says that fewer rows are shown than there are: a browser tells it late."""
    shown, _, whole = text.partition(" of ")
    return int(shown) < int(whole.split(" ")[0])


def test_every_link_of_the_whole_site_leads_somewhere(site):
    pages = {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
        for path in site.rglob("*.*")
    }
    assert len(pages) > 1300
    assert list(broken(pages)) == []
    start = sum(len(pages[name].encode()) for name in ("index.html", "site.css", "site.js"))
    assert start < START_LIMIT


def test_no_artist_of_any_figure_is_left_out(site):
    for path in (site / "studies").iterdir():
        assert "Not drawn here" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_the_network_off(opened, name):
    driver = opened(name)
    assert driver.execute_script("return navigator.onLine") is False
    assert one(driver, "h1").text
    assert one(driver, "body").value_of_css_property("margin-top") == "0px"  # the style is there


def test_from_the_readme_to_who_follows_a5_for_how_long_and_how_sure_in_three_clicks(opened):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert "open _site/index.html" in readme
    driver = opened("index.html")  # the first click, on the file that the README names
    question = one(driver, ".questions a")
    assert question.text == "Which model follows A5, for how long, and how sure is that?"
    said = one(driver, ".questions li .reading").text
    question.click()
    assert driver.current_url.endswith("follows.html")
    assert one(driver, ".lead").text == said
    best, *others = every(driver, "#follows-table tbody tr")
    model = best.find_element(By.TAG_NAME, "th").text
    cells = [cell.text for cell in best.find_elements(By.TAG_NAME, "td")]
    assert model.replace(", JAX", " in JAX") in said  # which model,
    mean, low, high, seeds = re.fullmatch(r"(\S+) \[(\S+), (\S+)\], n = (\d)", cells[2]).groups()
    assert float(low) <= float(mean) <= float(high)  # for how long,
    assert cells[1] == f"{seeds} of {seeds}"  # and how sure
    assert len(others) > 10
    link = best.find_element(By.CSS_SELECTOR, "a")
    name = link.get_attribute("href").rpartition("/")[2]
    driver.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", link)
    link.click()
    assert driver.current_url.endswith(f"runs/{name}")
    assert "experiments run tracking.linear_cde" in one(driver, ".command").text
    one(driver, "nav.site a").click()
    assert driver.current_url.endswith("index.html")


def test_theory_stands_beside_measurement_in_the_study_of_tracking(opened):
    driver = opened("studies/tracking.html")
    row = next(r for r in every(driver, "table.map tbody tr") if r.text.startswith("Mamba [0, 1]"))
    names = [head.text.split("\n")[0] for head in every(driver, "table.map thead th")]
    place = next(k for k, name in enumerate(names) if name.startswith("A5 12"))
    assert re.fullmatch(r"\N{MINUS SIGN} 0\.\d\d", row.find_elements(By.TAG_NAME, "td")[place].text)


def test_the_search_of_the_start_page_finds_models_claims_and_studies(opened):
    driver = opened("index.html")
    one(driver, "#search").send_keys("mamba a5")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('[data-find], .claims tbody tr')]"
        ".filter(e => !e.hidden).map(e => e.textContent.toLowerCase())"
    )
    assert shown
    assert all("mamba" in text and "a5" in text for text in shown)
    assert re.fullmatch(rf"{len(shown)} of \d+ entries", one(driver, "form.whole output").text)
    Select(one(driver, "[data-table=claims-table] select")).select_by_visible_text("fail")
    told = (By.CSS_SELECTOR, "[data-table=claims-table] output")
    WebDriverWait(driver, 10).until(lambda found: filtered(found.find_element(*told).text))
    assert all(
        row[3] == "fail" and "mamba" in " ".join(row).lower()
        for row in seen(driver, "claims-table")
    )
    one(driver, "#search").clear()
    one(driver, "#search").send_keys(" ", Keys.BACKSPACE)
    assert one(driver, "form.whole output").text == ""


def test_a_table_of_400_runs_is_sorted_filtered_and_sorted_back(opened):
    driver, table = opened("studies/bench.html"), "table-bench-measurements"
    rows = seen(driver, table)
    assert len(rows) > 350
    place = heads(driver, table).index("token accuracy")
    button = every(driver, f"#{table} thead button")[place]
    driver.execute_script(
        "arguments[0].scrollIntoView({block: 'center', inline: 'center'})", button
    )
    for order in ("ascending", "descending"):
        button.send_keys(Keys.ENTER)
        assert every(driver, f"#{table} thead th")[place].get_attribute("aria-sort") == order
        now = [float(row[place]) for row in seen(driver, table) if row[place]]
        assert now == sorted(now, reverse=order == "descending")
    button.send_keys(Keys.ENTER)
    assert seen(driver, table) == rows
    field = one(driver, "#find-bench-measurements")
    field.send_keys("lstm grouPWords")
    found = seen(driver, table)
    assert 0 < len(found) < len(rows)
    assert all(any("lstm" in cell for cell in row) for row in found)
    assert one(driver, "form[data-table=table-bench-measurements] output").text == (
        f"{len(found)} of {len(rows)} runs"
    )
    field.clear()
    select = Select(every(driver, "form[data-table=table-bench-measurements] select")[0])
    choice = select.options[1].text
    select.select_by_visible_text(choice)
    told = (By.CSS_SELECTOR, "form[data-table=table-bench-measurements] output")
    WebDriverWait(driver, 10).until(lambda found: filtered(found.find_element(*told).text))
    assert 0 < len(seen(driver, table)) < len(rows)


def test_a_curve_says_its_values_to_pointer_and_keyboard(opened):
    driver = opened("studies/tracking.html")
    plot = one(driver, "figure.plot svg")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    tip = plot.find_element(By.XPATH, "./following-sibling::*[contains(@class, 'tip')]")
    assert not tip.is_displayed()
    ActionChains(driver).move_to_element_with_offset(plot, 30, 0).perform()
    assert tip.is_displayed()
    assert tip.text.startswith("position ")
    plot.send_keys(Keys.HOME)
    assert tip.text.splitlines()[0] == "position 1"
    assert (plot.get_attribute("aria-valuetext") or "").startswith("position 1; Mamba [0, 1] 1.00")
    plot.send_keys(Keys.ESCAPE)
    assert not tip.is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_those_of_the_system_until_one_chooses_for_all_pages(opened, scheme):
    driver = opened("index.html", scheme=scheme)
    assert dark(driver) == (scheme == "dark")
    other = "light" if scheme == "dark" else "dark"
    one(driver, f".themes button[data-theme={other}]").click()
    assert dark(driver) == (other == "dark")
    driver = opened("studies/toy.html", scheme=scheme)
    assert dark(driver) == (other == "dark")
    assert (
        one(driver, f".themes button[data-theme={other}]").get_attribute("aria-pressed") == "true"
    )


def dark(driver: Chrome) -> bool:
    colour = one(driver, "body").value_of_css_property("background-color")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 200


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 1200])
def test_a_page_is_no_wider_than_the_window(opened, name, width):
    driver = opened(name, width=width)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", [name for name in PAGES if "card" not in name])
def test_what_can_be_used_has_a_name_and_headings_go_down_step_by_step(opened, name):
    driver = opened(name)
    nameless = driver.execute_script(
        "return [...document.querySelectorAll('a, button, [tabindex], summary, input, select')]"
        ".filter(e => !(e.textContent.trim() || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby') || e.labels?.length"
        " || e.querySelector('[aria-label]'))).length"
    )
    assert nameless == 0
    levels = driver.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3, h4, h5')].map(e => +e.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    plots = every(driver, "figure.plot svg")
    assert all(plot.accessible_name for plot in plots)
