"""What is written from a card: all formats say the same numbers, and every name is text."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import made_cards
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from rich.console import Console

from experiments.bench import report
from experiments.bench.cards import Card, Measurement, best, from_json, to_json
from experiments.bench.report import figure, numbers, survey_figure
from experiments.bench.report.chart import Panel, panels, success
from experiments.bench.report.grid import grid, grids
from experiments.bench.report.html import html
from experiments.bench.report.latex import latex
from experiments.bench.report.markdown import escaped, markdown
from experiments.bench.report.origin import command, key, origins
from experiments.bench.report.pen import SMALLEST
from experiments.bench.report.plot import plot
from experiments.bench.report.verdict import verdict
from experiments.report import style
from experiments.report.latex import escaped as latex_escaped

THREE = made_cards.card()
TWELVE = made_cards.card(baselines=made_cards.TWELVE)
ODD = made_cards.card(made_cards.ODD[0], made_cards.ODD[1:])
ALONE = made_cards.card(baselines=())
CARDS = {"three": THREE, "twelve": TWELVE, "odd": ODD, "alone": ALONE}
EMPTY = Card(model="m", preset="smoke", width=8, depth=1)
every_card = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)


def measurement(**fields: object) -> Measurement:
    usual = {"part": "cost", "item": "i", "metric": "m", "model": "a", "value": 1.0}
    return Measurement(**{**usual, **fields})


def terminal(card: Card, width: int = 100) -> str:
    buffer = io.StringIO()
    report.show(card, Console(file=buffer, width=width, force_terminal=False))
    return buffer.getvalue()


# Numbers.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1.00"),
        (0.5, "0.500"),
        (0.8731, "0.873"),
        (0.00123456, "0.00123"),
        (0.000123456, "1.23×10⁻⁴"),
        (-2.5, "−2.50"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (123.4, "123"),
        (1234.5, "1,230"),
        (16_384.0, "16,384"),
        (999_999.9, "1.00×10⁶"),
        (2_515_000.0, "2.52×10⁶"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_a_number_has_three_digits(value, text):
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"value": 0.8731, "low": 0.801, "high": 0.912, "n": 5}, "0.873 [0.801, 0.912], n = 5"),
        ({"value": 3.0, "low": 2.0, "high": 4.0, "n": 3}, "3 [2, 4], n = 3"),
        ({"value": 3.0, "low": 2.5, "high": 4.0, "n": 3}, "3.00 [2.50, 4.00], n = 3"),
        ({"metric": "runs that learn it", "value": 0.8, "low": 0.376, "high": 0.964, "n": 5},
         "4 of 5 [0.376, 0.964]"),
        ({"metric": "runs that learn it", "value": 0.83, "n": 5}, "0.830, n = 5"),
        ({"value": 0.5, "low": 0.5, "high": 0.5, "n": 1}, "0.500, n = 1"),
        ({"value": "ok", "n": 1}, "ok"),
        ({"value": None, "note": "too slow"}, "—"),
        ({"value": 1.5, "low": 1.0}, "1.50 [1.00, —]"),
    ],
)  # fmt: skip
def test_a_measurement_is_written_in_one_way(fields, text):
    assert numbers.shown(measurement(**fields)).text == text


def test_control_and_direction_characters_are_taken_out():
    assert numbers.plain("a\x1b[31m\u202eb\n") == "a [31m b "


def test_what_came_out_as_nan_was_not_measured_and_loses_no_card():
    nan = float("nan")
    m = measurement(value=nan, low=nan, high=1.0, curve=((1.0, 0.5), (2.0, nan)), note="rate 1")
    assert (m.value, m.low, m.high, m.curve) == (None, None, 1.0, ((1.0, 0.5),))
    assert m.note == "it came out as NaN; rate 1"
    card = replace(EMPTY, model="a", measurements=(m,))
    assert from_json(to_json(card)) == card


# Tables.


@every_card
@pytest.mark.parametrize("most", [2, 5])
def test_a_split_table_has_every_model_and_the_own_in_each(card, most):
    for whole in grids(card):
        parts = whole.split(most)
        assert all(part.models[0] == whole.models[0] for part in parts)
        assert all(len(part.models) <= most for part in parts)
        assert [m for part in parts for m in part.models[1:]] == list(whole.models[1:])
        for part in parts:
            assert all(len(row.cells) == len(part.models) for row in part.rows)
            marks = {cell.mark for row in part.rows for cell in row.cells} - {""}
            assert marks == {mark for mark, _ in part.notes}


def test_a_model_without_a_measurement_of_a_part_has_no_column():
    assert grid(THREE, "contract").models == ("GatedRecurrence",)
    assert len(grid(THREE, "tracking").models) == 3


def test_what_is_ok_needs_no_note_in_a_brief_table():
    found = (measurement(value="ok", note="seen"), measurement(item="j", value="failed", note="do"))
    card = replace(EMPTY, model="a", measurements=found)
    assert [note for _, note in grid(card, "cost").notes] == ["seen", "do"]
    assert [note for _, note in grid(card, "cost", brief=True).notes] == ["do"]
    assert "seen" not in terminal(card) + latex(card)
    assert "seen" in markdown(card)
    assert "seen" in html(card)


def test_notes_have_letters_beyond_z():
    many = [measurement(item=f"i{k}", note=f"note {k}") for k in range(28)]
    found = grid(replace(EMPTY, model="a", measurements=tuple(many)), "cost")
    assert [mark for mark, _ in found.notes][-3:] == ["z", "aa", "ab"]


def test_the_verdict_says_the_most():
    assert verdict(THREE) == [
        "Contract: failed in gradients.",
        "Tracking: solves parity, counting mod 3, flip-flop, S3 and Z60 in some run; never A5.",
        "Beside 2 baselines: clearly best in 10 of the 10 rows in which any model is.",
    ]
    assert verdict(EMPTY) == []


def test_the_verdict_names_what_was_not_measured():
    absent = {"item": "all", "metric": "not measured", "value": None, "model": "m"}
    found = (
        measurement(**absent, part="tracking", note="it looks ahead"),
        measurement(part="cost", item="one layer", value=None, model="m", note="it has no step"),
        measurement(part="cost", item="size", model="m"),
    )
    assert verdict(replace(EMPTY, measurements=found)) == [
        "Not measured: tracking (it looks ahead) and cost: one layer (it has no step)."
    ]


def test_the_best_needs_numbers_that_say_how_sure_they_are():
    one, two = measurement(value=1.0, better="less"), measurement(value=2.0, better="less")
    assert best([one, replace(two, model="b")]) == "a"  # counts, such as parameters
    assert best([replace(one, value=1.5), replace(two, model="b")]) is None
    assert best([replace(one, n=5), replace(two, model="b")]) is None
    single = {"n": 1, "low": 1.0, "high": 1.0}
    assert best([replace(one, **single), replace(two, model="b")]) is None
    many = {"n": 3, "low": 1.0, "high": 1.0}
    assert best([replace(one, **many), replace(two, model="b", n=3, low=1.9, high=2.1)]) == "a"


def test_what_is_missing_says_why_in_every_format():
    for text in (terminal(THREE), markdown(THREE), latex(THREE), html(THREE)):
        assert "no run learnt it" in text
        assert "at none of 5 rates" in text


@pytest.mark.parametrize("width", [60, 100, 250])
@every_card
def test_the_terminal_says_the_verdict_first_and_keeps_to_its_width(card, width):
    text = terminal(card, width)
    lines = text.splitlines()
    assert lines.index(next(x for x in lines if x.startswith("Contract: failed"))) < 4
    assert "\x1b" not in text
    assert "5 of 5" in text
    longest = max(lines, key=len)
    assert len(longest) <= width, longest


def test_the_terminal_takes_no_name_for_markup():
    odd = made_cards.card("[red]a[/]", ())
    assert terminal(odd).startswith("[red]a[/]: quick")


@every_card
def test_markdown_tables_are_whole_and_names_are_text(card):
    text = markdown(card)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "<script" not in re.sub(r"\\<", "", text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("delta_net_2", "delta_net_2"),
        ("_a_", r"\_a\_"),
        ("a|b*c", r"a\|b\*c"),
        ("<b>&lt;", r"\<b\>\&lt;"),
        ("AT&T [x](y)", r"AT&T \[x\](y)"),
    ],
)
def test_markdown_shows_every_character(text, safe):
    assert escaped(text) == safe


# LaTeX.


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("50% of_a & $x^2$", r"50\% of\_a \& \$x\textasciicircum{}2\$"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a|b<c>", "a$|$b$<$c$>$"),
        ("a---b", "a-{}-{}-b"),
        ("é ß Łódź ñ", r"\'{e} \ss{} \L{}\'{o}d\'{z} \~{n}"),
        ("naï", r"na\" {\i}".replace(" ", "")),
        ("1.2×10⁻⁴", r"1.2$\times$10$^{-}$$^{4}$"),
        ("模", "U+6A21"),
        ("a\x07b", "a b"),
    ],
)
def test_latex_prints_every_character(text, safe):
    assert latex_escaped(text) == safe


@every_card
def test_latex_needs_booktabs_alone_and_fits_the_page(card):
    text = latex(card)
    used = set(re.findall(r"\\([A-Za-z]+rule|add[a-z]+)\b", text))
    assert used <= {"toprule", "midrule", "bottomrule", "addlinespace"}
    assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") >= len(card.parts)
    for head, count, width in re.findall(
        r"@\{\}p\{(.*?)\\textwidth\}\*\{(\d+)\}\{p\{(.*?)\\textwidth", text
    ):
        gaps = 6 * int(count) / 410  # \tabcolsep on both sides, in the narrowest usual text
        assert float(head) + int(count) * float(width) + gaps <= 1
    assert text.isascii()


@pytest.mark.parametrize(
    "name", [*made_cards.ODD, "GatedRecurrenceNumberThree", "-" * 20, "a_b-c.Recurrence" * 3]
)
def test_latex_breaks_long_names_and_loses_no_letter(name):
    text = re.sub("(?m)^%.*$", "", latex(made_cards.card(name, ())))
    whole = latex_escaped(" ".join(numbers.plain(name).split())).replace("{}", "")
    assert whole in text.replace(r"\hspace{0pt}", "").replace("{}", "")
    pieces = re.split(r"\\hspace\{0pt\}|\s", text)
    assert max(len(piece) for piece in pieces if set(piece) <= {"a"}) <= 8
    assert text.isascii()


def test_latex_has_n_and_interval_in_every_cell_and_bold_where_clear():
    text = latex(THREE)
    assert r"\textbf{1.00} {\scriptsize n = 5}\newline{\scriptsize [0.996, 1.00]}" in text
    assert r"5 of 5\newline{\scriptsize [0.650, 1.00]}" in text
    bold = {cell.shown.value for g in grids(THREE) for r in g.rows for cell in r.cells if cell.best}
    assert set(re.findall(r"\\textbf\{(.*?)\}", text)) == bold
    assert r"\textbf" not in latex(ALONE)


# The page.


class Page(HTMLParser):
    """Elements with their attributes, and the text of the body."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, name: str) -> list[str]:
        return [held[name] or "" for _, held in self.elements if name in held]


@every_card
def test_the_page_asks_nobody_for_anything(card):
    page = Page(html(card))
    assert not page.all("src")
    assert all(link.startswith(("#", "data:,")) for link in page.all("href"))
    scripts = [tag for tag, _ in page.elements if tag == "script"]
    assert len(scripts) == 1
    policy = next(text for text in page.all("content") if "default-src" in text)
    script = html(card).split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "url(" not in html(card).split("</style>")[0]


@every_card
def test_every_number_of_the_page_leads_to_its_runs_and_its_command(card):
    page = Page(html(card))
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.all("href") if link.startswith("#")} <= set(ids)
    links = [held for tag, held in page.elements if (held.get("class") or "").startswith("value")]
    assert len(links) == len(card.measurements)
    text = "".join(page.texts)
    for m in card.measurements:
        origin = origins(card)[key(m)]
        assert origin.command in text
        assert all(run in text for run in m.runs)


@every_card
def test_the_page_shows_names_as_text(card):
    text = "".join(Page(html(card)).texts)
    for model in card.models:
        assert text.count(numbers.plain(model)) >= 2


def test_the_command_of_a_number_is_that_of_its_part():
    said = "python -m experiments bench 'a b.py:C' --match state --parts cost,recall --width 8"
    card = replace(EMPTY, facts=(("command", said),))
    made = command(card, part="recall", model="m")
    assert made == ("python -m experiments bench 'a b.py:C' --match state --width 8 --parts recall")
    made = command(card, part="recall", model="DeltaNet [-1, 1]")
    assert made == "python -m experiments bench delta_net --width 8 --parts recall"
    made = command(card, part="recall", model="DeltaNet [-1, 1], width 12")
    assert made == "python -m experiments bench delta_net --width 12 --parts recall"
    assert command(EMPTY, part="recall", model="m") == ""
    odd = replace(EMPTY, facts=(("command", "bench 'open"),))
    assert command(odd, part="recall", model="m") == "bench 'open"


# Figures.


def test_the_map_has_what_theory_says():
    found = success(THREE)
    assert found is not None
    assert found.tasks == made_cards.TASKS
    assert found.values[0] == (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
    assert found.signs[0] == ("+", "−", "?", "+", "−", "?")
    assert success(EMPTY) is None


def test_panels_name_their_axes():
    found = {panel.title: panel for panel in panels(THREE)}
    cost = found["microseconds a token, training"]
    assert (cost.x_label, cost.y_label) == ("length", "microseconds a token, training")
    assert (found["parity"].x_label, found["parity"].y_label) == ("length", "accuracy")
    assert found["memory of age to the power -1.1, trained"].y_log


def test_a_column_has_the_panels_that_say_most():
    found = [panel.title for panel in figure.chosen(panels(THREE), 3)]
    assert [title.partition(",")[0] for title in found] == [
        "microseconds a token",
        "parity",
        "memory of age to the power -1.1",
    ]
    assert len(figure.chosen(panels(THREE), 99)) == len(panels(THREE))


def test_a_curve_leaves_out_what_is_not_finite():
    curve = ((1.0, 0.5), (2.0, float("inf")))
    card = replace(EMPTY, measurements=(measurement(model="m", curve=curve),))
    (panel,) = panels(card)
    assert panel.points == [(1.0, 0.5)]
    assert plot(panel, {"m": 0}).places[0].y_text == "0.500"


@pytest.mark.parametrize("width", figure.NAMES, ids=figure.NAMES.values())
@every_card
def test_letters_of_figures_are_large_enough_and_inside(card, width):
    with style.paper():
        drawn = figure.figure(card, width)
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        sizes = {t.get_fontsize() for t in drawn.findobj(Text) if t.get_text().strip()}
        assert min(map(float, sizes)) >= SMALLEST
        box = drawn.get_tightbbox(canvas.get_renderer())
        assert drawn.get_size_inches()[0] == width
        assert drawn.get_size_inches()[1] < 9
        assert box.x0 > -0.02
        assert box.x1 < width + 0.02
        letters = {text.get_text() for text in drawn.findobj(Text)}
        assert not [text for text in letters if "^" in text and "$" in text.replace(r"\$", "")]


@pytest.mark.parametrize("card", [TWELVE, ODD], ids=["twelve", "odd"])
def test_a_survey_writes_where_each_curve_ends(card):
    with style.paper():
        drawn = survey_figure.survey(card, style.WIDTH)
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        box = drawn.get_tightbbox(canvas.get_renderer())
    assert box.x0 > -0.02
    assert box.x1 < style.WIDTH + 0.02
    assert box.y0 > -0.02
    of_success, of_ends = drawn.axes
    rows = [text.get_text() for text in of_success.get_yticklabels()]
    assert len(rows) == len(success(card).models)
    shown = figure.chosen(panels(card), 9)
    names = [text.get_text() for text in of_ends.get_xticklabels()]
    assert len(names) == len(shown)
    models = success(card).models
    held = sum(value is not None for p in shown for value in survey_figure.ends(p, models))
    assert sum(text.get_text() != "" for text in of_ends.texts) == held


def test_a_curve_ends_at_its_last_number_and_rates_at_their_best():
    lengths = Panel("tracking", "parity", "length", "accuracy", (("a", ((8, 0.9), (64, 0.5))),))
    rates = Panel("rates", "S3", "learning rate", "accuracy", (("a", ((1e-3, 0.9), (1, 0.5))),))
    assert survey_figure.ends(lengths, ("a", "b")) == [0.5, None]
    assert survey_figure.ends(rates, ("a",)) == [0.9]
    assert survey_figure.name(lengths) == "tracking: parity, 64"
    assert survey_figure.name(rates) == "rates: S3, best"


def test_a_survey_without_tracking_is_refused():
    with pytest.raises(ValueError, match="tracking"):
        survey_figure.survey(EMPTY, style.WIDTH)


# All at once.


def test_a_card_is_written_in_every_format_and_twice_the_same(tmp_path):
    small = tuple(m for m in THREE.measurements if m.part in ("tracking", "contract"))
    card = replace(THREE, measurements=small)
    paths = report.write(card, tmp_path / "a")
    names = ["card.json", "card.md", "card.tex", "card.html", "card.bib", "card.png", "card.pdf"]
    assert [p.name for p in paths] == [*names, "card_column.png", "card_column.pdf"]
    again = report.write(from_json(paths[0].read_text(encoding="utf-8")), tmp_path / "b")
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]


def test_a_card_with_nothing_in_it_is_written(tmp_path):
    words = measurement(part="contract", item="causality", value="failed", model="m")
    for place, card in enumerate((EMPTY, replace(EMPTY, measurements=(words,)))):
        assert len(report.write(card, tmp_path / str(place))) == 9
        assert terminal(card).startswith("m: smoke")
