"""A card's page in a real browser that has no network: sorted, read, followed and narrowed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import made_cards
import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from experiments.bench.cards import Card
from experiments.bench.report.html import html

CARDS: dict[str, Callable[[], Card]] = {
    "three": made_cards.card,
    "twelve": lambda: made_cards.card(baselines=made_cards.TWELVE),
    "odd": lambda: made_cards.card(made_cards.ODD[0], made_cards.ODD[1:]),
}


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Iterator[Callable[[str], Chrome]]:
    """Open the page of a card; at the end its console must be empty and nothing asked for."""

    def go(name: str, *, width: int = 1200, scheme: str = "light") -> Chrome:
        path = tmp_path / f"{name} card.html"
        path.write_text(html(CARDS[name]()), encoding="utf-8")
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        return browser

    yield go
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource')") == []
    asked = [line["message"] for line in browser.get_log("performance")]
    requests = [line for line in asked if '"Network.requestWillBeSent"' in line]
    assert all('"url":"file:' in line or '"url":"data:' in line for line in requests)


def one(driver: Chrome, selector: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, selector)


def every(driver: Chrome, selector: str) -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, selector)


def column(driver: Chrome, table: WebElement, number: int) -> list[str]:
    script = "return [...arguments[0].tBodies[0].rows].map(r => r.cells[arguments[1]].dataset.sort)"
    return driver.execute_script(script, table, number)


def table_of(driver: Chrome, part: int) -> WebElement:
    return one(driver, f"section[aria-labelledby=part-{part}] table.sortable")


@pytest.mark.parametrize("name", CARDS)
def test_the_page_opens_with_the_network_off(opened, name):
    driver = opened(name)
    assert driver.execute_script("return navigator.onLine") is False
    assert one(driver, "h1").text == CARDS[name]().model
    tables = every(driver, "table.sortable")
    assert len(tables) == len(CARDS[name]().parts)
    assert driver.execute_script("return document.scripts.length") == 1
    alerted = "return typeof window.alerted"
    assert driver.execute_script(alerted) == "undefined"


def test_a_click_on_a_head_sorts_and_a_third_one_ends_it(opened):
    driver = opened("three")
    table = table_of(driver, 4)  # tracking
    head = table.find_elements(By.CSS_SELECTOR, "thead th")[3]  # Mamba
    before = column(driver, table, 3)
    assert before != sorted(before)
    for order in ("ascending", "descending"):
        head.find_element(By.TAG_NAME, "button").click()
        assert head.get_attribute("aria-sort") == order
        now = column(driver, table, 3)
        assert now[-1] == ""  # what is missing stands last
        numbers = [float(text) for text in now[:-1]]
        assert numbers == sorted(numbers, reverse=order == "descending")
        assert order in one(driver, "#said").get_attribute("textContent")
    head.find_element(By.TAG_NAME, "button").click()
    assert head.get_attribute("aria-sort") is None
    assert column(driver, table, 3) == before


def test_heads_are_sorted_by_the_keyboard_too(opened):
    driver = opened("three")
    table = table_of(driver, 4)
    button = table.find_elements(By.CSS_SELECTOR, "thead button")[0]
    button.send_keys(Keys.ENTER)
    assert column(driver, table, 0)[0] == "A5"


def test_a_curve_says_its_values_under_the_pointer(opened):
    driver = opened("three")
    plot = one(driver, "#plot-4-1")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    tip = one(driver, "#plot-4-1 ~ .tip")
    assert not tip.is_displayed()
    size = plot.size
    right = int(size["width"] * (0.5 - 20 / 420))  # near the last point
    ActionChains(driver).move_to_element_with_offset(plot, right, 0).perform()
    assert tip.is_displayed()
    lines = tip.text.splitlines()
    assert lines[0] == "length 320"
    assert " ".join(lines[1:]).split() == [
        "GatedRecurrence",
        "1.00",
        "Mamba",
        "0.970",
        "LSTM",
        "0.940",
    ]
    ActionChains(driver).move_to_element_with_offset(plot, -right + 20, 0).perform()
    assert tip.text.splitlines()[0] == "length 20"
    ActionChains(driver).move_to_element(one(driver, "h1")).perform()
    assert not tip.is_displayed()


def test_a_curve_is_read_by_the_keyboard_and_aloud(opened):
    driver = opened("three")
    plot = one(driver, "#plot-4-1")
    plot.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert plot.aria_role == "slider"
    assert plot.accessible_name == "parity"
    said = plot.get_attribute("aria-valuetext") or ""
    assert said.startswith("length 40; GatedRecurrence 1.00; Mamba 0.99")
    assert plot.get_attribute("aria-valuenow") == "2"
    plot.send_keys(Keys.END)
    assert one(driver, "#plot-4-1 ~ .tip").text.startswith("length 320")
    plot.send_keys(Keys.ESCAPE)
    assert not one(driver, "#plot-4-1 ~ .tip").is_displayed()


def test_a_number_leads_to_its_runs_and_to_their_command(opened):
    driver = opened("three")
    link = table_of(driver, 4).find_elements(By.CSS_SELECTOR, "tbody td.own a.value")[0]
    assert link.text == "5 of 5"
    link.send_keys(Keys.ENTER)
    row = one(driver, ".runs tr:target")
    assert driver.switch_to.active_element == row
    assert made_cards.runs("GatedRecurrence", "parity", 5)[0] in row.text
    assert row.text.count("bench my_model.py:GatedRecurrence --preset quick --parts tracking") == 1
    row.find_element(By.CSS_SELECTOR, "button.copy").click()
    box = row.rect
    assert box["height"] > 0


@functools.cache
def luminance(colour: str) -> float:
    red, green, blue = (
        float(part.strip()) for part in colour.split("(")[1].split(")")[0].split(",")[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_are_those_of_the_system_until_one_chooses(opened, scheme):
    driver = opened("three", scheme=scheme)
    body = one(driver, "body")
    is_dark = luminance(body.value_of_css_property("background-color")) < 60
    assert is_dark == (scheme == "dark")
    letters, paper = (
        luminance(body.value_of_css_property(name)) for name in ("color", "background-color")
    )
    assert abs(letters - paper) > 150
    other = "light" if scheme == "dark" else "dark"
    one(driver, f".themes button[data-theme={other}]").click()
    assert (luminance(body.value_of_css_property("background-color")) < 60) != is_dark
    one(driver, ".themes button[data-theme=auto]").click()
    assert (luminance(body.value_of_css_property("background-color")) < 60) == is_dark


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_is_as_wide_as_the_window_and_no_wider(opened, name, width):
    driver = opened(name, width=width)
    whole = driver.execute_script("return document.documentElement.scrollWidth")
    assert whole <= width
    tall = driver.execute_script(
        "return Math.max(...[...document.querySelectorAll('.sortable tr, .map tr')]"
        ".map(row => row.getBoundingClientRect().height))"
    )
    assert tall < 400  # no column so narrow that a name stands letter below letter
    assert every(driver, ".value")[0].is_displayed()


def test_what_can_be_used_has_a_name(opened):
    driver = opened("odd")
    nameless = driver.execute_script(
        "return [...document.querySelectorAll('a, button, [tabindex], summary')]"
        ".filter(e => !(e.textContent.trim() || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby'))).length"
    )
    assert nameless == 0
    levels = driver.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}
