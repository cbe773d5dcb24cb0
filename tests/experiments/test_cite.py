"""How models, cards and the laboratory are cited: entries for BibTeX, each of the right paper."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import made_cards
import pytest

from experiments.bench.baselines import NAMES
from experiments.bench.report import cite
from experiments.bench.report.html import html
from experiments.bench.report.markdown import markdown
from experiments.site.model import Shelf, pages
from experiments.zoo import MODELS
from experiments.zoo.paper import Paper
from experiments.zoo.papers import PAPERS, project

ROOT = Path(__file__).resolve().parents[2]
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
ENTRY = re.compile(r"@(misc|article)\{([\w.]+),\n(  \w+ = \{.+\},\n)+\}")
ODD = "a" * 3 + "<script>"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_has_a_paper_of_its_year(model):
    assert PAPERS[model.paper].year == model.year


def test_every_paper_is_of_a_model_and_told_apart():
    assert {model.paper for model in MODELS} == {*PAPERS}
    numbers = [paper.arxiv for paper in PAPERS.values() if paper.arxiv]
    assert len({*numbers}) == len(numbers)


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_an_entry_is_well_formed_and_has_its_facts(paper):
    said = paper.bibtex()
    assert ENTRY.fullmatch(said)
    assert said.isascii()
    assert said.count("{") == said.count("}")
    assert f"year = {{{paper.year}}}" in said
    assert paper.arxiv or paper.journal
    if paper.arxiv:  # its first two digits are the year of its first version
        assert re.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv)
        assert 2000 + int(paper.arxiv[:2]) == paper.year
    missing = not paper.title or not paper.authors
    assert missing == (paper.key == "arxiv2609.24797"), "its title and authors are not known here"


def test_the_documentation_names_the_same_numbers():
    pages = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("docs/models", "packages/core/src/seqtheory/settings")
        for path in sorted((ROOT / folder).iterdir())
        if path.suffix in (".md", ".py")
    )
    assert [p.key for p in PAPERS.values() if p.arxiv and p.arxiv not in pages] == []


def test_letters_become_commands_of_tex_or_are_refused():
    assert PAPERS["gu2021s4"].bibtex().count(r"Christopher R{\'e}") == 1
    with pytest.raises(ValueError, match="command of TeX"):
        Paper("x", "ð", ("A",), 2000, "0001.0001").bibtex()


def test_our_own_entry_says_what_the_citation_file_says():
    said = project()
    assert ENTRY.fullmatch(said)
    (title,) = re.findall(r'^title: "(.+)"$', CITATION, re.MULTILINE)
    (version,) = re.findall(r"^version: (\S+)$", CITATION, re.MULTILINE)
    (author,) = re.findall(r'^  - name: "(.+)"$', CITATION, re.MULTILINE)
    for text in (title, author, f"Version {version}"):
        assert f"{{{text}}}" in said


def test_papers_of_the_citation_file_are_written_alike():
    """A paper in both has one title and one number."""
    found = re.findall(r'title: "([^"]+)".*?year: (\d+).*?arXiv:([\d.]+)', CITATION, re.DOTALL)
    assert len(found) >= 4
    held = {paper.arxiv: paper for paper in PAPERS.values()}
    for title, year, number in found:
        if number in held and "seqtheory:" not in title:
            assert (held[number].title, held[number].year) == (title, int(year))


def asked(name: str, model: str, *baselines: str):
    card = made_cards.card(model, baselines)
    return replace(card, facts=(("command", f"python -m experiments bench {name}"),))


@pytest.mark.parametrize("name", NAMES)
def test_a_card_of_the_bench_cites_the_model(name):
    card = asked(name, str(NAMES[name]))
    ours, theirs = cite.own(card)
    assert ours == project()
    paper = {model.baseline: model.bibtex for model in MODELS}.get(name)
    assert theirs == (paper or PAPERS["mucacirone2024selective"].bibtex())
    assert theirs in markdown(card)


def test_a_card_of_a_file_cites_no_paper_for_it_whatever_it_is_called():
    card = asked("mine.py:Mamba", "Mamba", "LSTM", "Mamba")
    assert cite.own(card) == [project()]
    assert [entry.split(",")[0] for entry in cite.beside(card)] == [
        "@article{hochreiter1997lstm",
        "@misc{gu2023mamba",
    ]


def test_a_paper_stands_once_and_not_again_beside_the_model():
    card = asked("slstm", "sLSTM", "mLSTM", "GLA", "minGRU", "minLSTM", ODD)
    keys = re.findall(r"@\w+\{([\w.]+),", cite.bibtex(card))
    assert keys == ["seqtheory", "beck2024xlstm", "yang2023gla", "feng2024minrnn"]


def test_a_command_that_is_no_command_cites_no_model():
    assert cite.own(asked("'gla", "GLA")) == [project()]


def test_the_page_of_a_card_shows_the_entries_as_text():
    card = asked("rwkv7", "RWKV-7", "Mamba")
    page = html(card)
    assert "RWKV-7 &#34;Goose&#34;" in page
    assert page.count("@misc{gu2023mamba,") == 1
    assert page.index("@misc{seqtheory,") < page.index("@misc{peng2025rwkv7,")


@pytest.mark.parametrize("name", ["S4", "Mamba, [-1, 1]", "CKDA"])
def test_the_page_of_a_model_shows_its_paper_and_our_own_entry(name):
    (model,) = (model for model in MODELS if model.name == name)
    (page,) = pages(model, Shelf(()), (), docs=False).values()
    shown = unescape(page)
    assert model.bibtex in shown
    assert project() in shown
