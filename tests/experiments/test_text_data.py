"""IMDB reviews and ListOps: files as published and as damaged, and what is said of their origin.

Every file is made here.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import samples
from samples import put

from experiments.data import IMDB, DataError, GeneratedListOps, ListOpsFiles
from experiments.data.folder import located
from experiments.data.imdb import ARCHIVE
from experiments.data.list_ops import FILES
from experiments.data.published import Remote
from experiments.run import canonical
from seqtheory import listops
from seqtheory.tasks import ListOps

EACH = 10  # reviews of each sentiment in each official set


def texts() -> dict[str, bytes]:
    return samples.reviews(EACH)


def tarred(files: dict[str, bytes]) -> bytes:
    return gzip.compress(samples.review_archive(files), mtime=0)


def published_as(archive: bytes) -> type[IMDB]:
    """Make the class take this archive for the published one."""
    remote = Remote(ARCHIVE, len(archive), hashlib.sha256(archive).hexdigest())
    facts = dataclasses.replace(IMDB.published, url="https://nowhere.invalid", remote=(remote,))
    return type("IMDB", (IMDB,), {"published": facts})


def table(rows: list[list[str]], header: str = "id,sentiment,review") -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return f"{header}\n{text.getvalue()}".encode()


ROWS = [[f"{n}_{9 - 7 * (n % 2)}", str((n + 1) % 2), f'"{n}",\nça et là' * n] for n in range(1, 41)]


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQTHEORY_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def read_back(part) -> list[bytes]:
    return [row[mask].tobytes() for row, mask in zip(part.inputs, part.mask, strict=True)]


# IMDB as published


def test_archive_and_folder_hold_the_same_bytes(tmp_path: Path):
    files = texts()
    archive = put(tmp_path, {ARCHIVE: tarred(files)}) / ARCHIVE
    folder = put(tmp_path / "unpacked/aclImdb", files)
    sources = (archive, tmp_path, folder, folder.parent)
    loaded = [IMDB().load(source, seed=0) for source in sources]
    for splits in loaded:
        assert splits.provenance.sizes == (18, 2, 20)
        np.testing.assert_array_equal(splits.train.inputs, loaded[0].train.inputs)
        expected = {files[f"test/{label}"] for label in _names("pos")}
        positive = {
            text
            for text, target in zip(read_back(splits.test), splits.test.targets, strict=True)
            if target
        }
        assert positive == expected
    learnt = read_back(loaded[0].train) + read_back(loaded[0].validation)
    assert sorted(learnt) == sorted(files[n] for n in files if n.startswith(("train/p", "train/n")))


def _names(label: str) -> list[str]:
    return [f"{label}/{number}_{8 if label == 'pos' else 2}.txt" for number in range(EACH)]


def test_reviews_are_cut_to_their_first_bytes_and_padding_is_masked(tmp_path: Path):
    folder = put(tmp_path, texts())
    splits = IMDB(max_bytes=24).load(folder, seed=0)
    full = IMDB().load(folder, seed=0)
    assert splits.test.inputs.shape == (20, 24)
    assert splits.test.inputs.dtype == np.uint8
    assert full.train.inputs.shape[1] == max(map(len, texts().values()))
    for cut, text in zip(read_back(splits.test), read_back(full.test), strict=True):
        assert cut == text[:24]
    assert not splits.test.inputs[~splits.test.mask].any()
    assert "first 24 bytes" in splits.provenance.label


def test_the_seed_cuts_the_validation_set(tmp_path: Path):
    folder = put(tmp_path, texts())
    one, same, other = (IMDB(validation=0.3).load(folder, seed=seed) for seed in (1, 1, 2))
    assert read_back(one.validation) == read_back(same.validation)
    assert set(read_back(one.validation)) != set(read_back(other.validation))
    assert not set(read_back(one.train)) & set(read_back(one.validation))
    assert read_back(one.test) == read_back(other.test)


def test_only_the_published_archive_is_the_benchmark(tmp_path: Path):
    files = texts()
    archive = tarred(files)
    kind = published_as(archive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.data.imdb._ROWS", (2 * EACH, 2 * EACH))
        put(tmp_path, {ARCHIVE: archive})
        provenance = kind().load(tmp_path, seed=0).provenance
        assert provenance.whole
        assert provenance.label == "IMDB"
        assert kind(share=0.5).load(tmp_path, seed=0).provenance.label == (
            "IMDB (subset of 10 + 10 reviews)"
        )
        unpacked = kind().load(put(tmp_path / "folder", files), seed=0).provenance
        assert not unpacked.whole
        assert unpacked.label == "IMDB (unverified copy)"
        other = put(tmp_path / "other", {ARCHIVE: tarred({**files, "README": b"new"})})
        assert kind().load(other, seed=0).provenance.label == "IMDB (unverified copy)"
    assert kind().load(tmp_path, seed=0).provenance.label == "IMDB (subset of 20 + 20 reviews)"
    assert str(tmp_path) not in json.dumps(provenance.described(), allow_nan=False)


def test_selection_on_the_test_set_is_named(tmp_path: Path):
    splits = IMDB(split="validate_on_test").load(put(tmp_path, texts()), seed=0)
    assert splits.provenance.sizes == (20, 20, 20)
    assert read_back(splits.validation) == read_back(splits.test)
    assert "selected on test" in splits.provenance.label
    assert "subset of 20 + 20 reviews" in splits.provenance.label


@pytest.mark.parametrize("form", ["archive", "folder"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train/pos/3_8.txt", None, r"lacks review 3 of train/pos, 3_RATING\.txt"),
        ("test/neg/0_2.txt", None, "lacks review 0 of test/neg"),
        ("test/neg/4_2.txt", b" \n\t ", "test/neg/4_2.txt: the review is empty"),
        ("test/neg/4_2.txt", b"", "test/neg/4_2.txt: the review is empty"),
        ("train/neg/9_2.txt", b"bad\xe9", "9_2.txt: the byte 0xe9 at 3 is not UTF-8"),
        ("train/neg/10_7.txt", b"good", "the sentiment 0, but 10_7 has the rating 7, expected 1"),
        ("test/pos/10_5.txt", b"fair", "the sentiment 1, but 10_5 has the rating 5, expected 7"),
        ("test/pos/10_9.txt", bytes(2**20 + 1), "1,048,577 bytes, expected at most"),
    ],
)
def test_a_bad_review_is_named(tmp_path: Path, form: str, name: str, content, message: str):
    files = {**texts(), name: content}
    files = {key: value for key, value in files.items() if value is not None}
    source = put(tmp_path, {ARCHIVE: tarred(files)} if form == "archive" else files)
    with pytest.raises(DataError, match=message) as caught:
        IMDB().load(source, seed=0)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_folder_that_lacks_a_part_is_named(tmp_path: Path):
    files = {name: text for name, text in texts().items() if not name.startswith("test/neg")}
    with pytest.raises(DataError, match=r"test/neg is missing"):
        IMDB().load(put(tmp_path / "a", files), seed=0)
    with pytest.raises(DataError, match=r"holds no review of test/neg"):
        IMDB().load(put(tmp_path / "b", {ARCHIVE: tarred(files)}), seed=0)
    with pytest.raises(DataError, match=r"0_x\.txt: the name is not of the form ID_RATING"):
        IMDB().load(put(tmp_path / "c", {**texts(), "train/neg/0_x.txt": b"x"}), seed=0)
    with pytest.raises(DataError, match=r"holds neither aclImdb_v1.* it holds photo\.jpg"):
        IMDB().load(put(tmp_path / "d", {"photo.jpg": b"x"}), seed=0)


@pytest.mark.parametrize("size", [0, 50, -500])
def test_an_archive_that_was_cut_short_is_refused(tmp_path: Path, size: int):
    source = put(tmp_path, {ARCHIVE: tarred(texts())[:size]})
    with pytest.raises(DataError, match="cut short"):
        IMDB().load(source, seed=0)


# A CSV of reviews


@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_is_a_subset_with_a_drawn_split(tmp_path: Path, packed: bool):
    path = tmp_path / ("some.csv.gz" if packed else "some.csv")
    path.write_bytes(gzip.compress(table(ROWS)) if packed else table(ROWS))
    splits = IMDB(validation=0.25).load(path, seed=0)
    assert splits.provenance.sizes == (24, 8, 8)
    assert splits.provenance.label == "IMDB (subset of 32 + 8 reviews, split drawn)"
    assert not splits.provenance.whole
    file = splits.provenance.files[path.name]
    assert file.sha256 == hashlib.sha256(table(ROWS)).hexdigest()
    parts = (splits.train, splits.validation, splits.test)
    found = {
        text: target
        for part in parts
        for text, target in zip(read_back(part), part.targets, strict=True)
    }
    assert found == {review.encode(): int(sentiment) for _, sentiment, review in ROWS}
    again, other = (IMDB(validation=0.25).load(path, seed=seed) for seed in (0, 1))
    assert read_back(again.test) == read_back(splits.test)
    assert read_back(other.test) != read_back(splits.test)
    chosen = IMDB(split="validate_on_test").load(path, seed=0)
    assert chosen.provenance.label.endswith("split drawn, selected on test)")
    assert read_back(chosen.test) == read_back(splits.test)


def test_duplicates_are_dropped_and_counted(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_bytes(table([*ROWS, *ROWS[5:8], ["x", ROWS[5][1], ROWS[5][2]]]))
    provenance = IMDB().load(path, seed=0).provenance
    assert provenance.settings["duplicates_dropped"] == 4
    assert sum(provenance.sizes) == len(ROWS)


def test_columns_may_stand_in_any_order(tmp_path: Path):
    path = tmp_path / "a.csv"
    rows = [[review, identity, "x", sentiment] for identity, sentiment, review in ROWS]
    path.write_bytes(b"\xef\xbb\xbf" + table(rows, "review,id,more,sentiment"))
    assert sum(IMDB().load(path, seed=0).provenance.sizes) == len(ROWS)


GOOD = b"id,sentiment,review\n1_9,1,fine\n"


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"", ":1", "no column id, sentiment, review; the header is ''"),
        (b"id,label,review\n1,1,a\n", ":1", "no column sentiment; the header is 'id,label,review'"),
        (b"id\tsentiment\treview\n", ":1", "no column id, sentiment, review"),
        (b"id,sentiment,review\n", "", "a header and no reviews"),
        (GOOD + b"2_9,1\n", ":3", "2 fields, expected 3"),
        (GOOD + b"2_9,1,a,b\n", ":3", "4 fields, expected 3"),
        (GOOD + b"2_9,2,a\n", ":3: column 'sentiment'", "got '2', expected 0"),
        (GOOD + b"2_9,,a\n", ":3: column 'sentiment'", "got '', expected 0"),
        (GOOD + b"2_9,positive,a\n", ":3: column 'sentiment'", "got 'positive'"),
        (GOOD + b"2_9,0,a\n", ":3: column 'sentiment'", "2_9 has the rating 9, expected 1 to 4"),
        (GOOD + b"2_9,1,\n", ":3: column 'review'", "the review is empty"),
        (GOOD + b'2_9,1," \n "\n', ":3: column 'review'", "the review is empty"),
        (GOOD + b'2_9,1,"a\nb"\n3_9,1,\n', ":5: column 'review'", "the review is empty"),
        (GOOD + b"2_9,1,bad\xe9\n", ":3: column 'review'", "the byte 0xe9 at 3 is not UTF-8"),
        (GOOD + b'2_9,1,"open\n', ":3", "a quote is not closed"),
        (GOOD + b'2_9,1,"a"b\n', ":3", "a quote is not closed or not doubled"),
        (GOOD + b'2_9,1,"' + b"a" * 200_000 + b'"\n', ":3", "field larger than field limit"),
        (GOOD + b"2_2,0,fine\n", ":3: column 'sentiment'", "line 2 has the same review with 1"),
        (gzip.compress(GOOD, mtime=0)[:-9], "", "cut short, as half a download is"),
    ],
)
def test_a_bad_csv_is_named_with_line_and_column(tmp_path, content: bytes, place: str, message):
    path = tmp_path / "reviews.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        IMDB().load(path, seed=0)
    assert f"{path}{place}" in str(caught.value)


# The data folder and the settings


def test_without_a_source_the_data_folder_is_read(data_folder: Path):
    with pytest.raises(DataError, match=r"IMDB is not at .*imdb or .*imdb_\*\.csv"):
        IMDB().load(seed=0)
    (data_folder / "imdb_40.csv").write_bytes(table(ROWS))
    assert "split drawn" in IMDB().load(seed=0).provenance.label
    (data_folder / "imdb_other.csv").write_bytes(table(ROWS))
    with pytest.raises(DataError, match=r"several names, .*imdb_40\.csv, .*imdb_other\.csv; pass"):
        IMDB().load(seed=0)
    put(data_folder / "imdb", {ARCHIVE: tarred(texts())})
    assert IMDB().load(seed=0).provenance.split == "official"


def test_real_reviews_are_balanced_and_of_the_known_length():
    if "SEQTHEORY_DATA" not in os.environ:
        pytest.skip("SEQTHEORY_DATA names no folder with reviews")
    try:
        path = located(IMDB.published, None)
    except DataError as error:
        pytest.skip(str(error))
    splits = IMDB(max_bytes=16_384).load(path, seed=0)
    assert splits.train.mask.sum(axis=1).mean() == pytest.approx(1320, rel=0.05)
    assert splits.train.targets.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_bytes": 0}, "max_bytes=0: expected"),
        ({"split": "test"}, "split='test': expected"),
        ({"validation": 1.0}, "validation=1.0: expected"),
        ({"test": 0}, "test=0: expected"),
        ({"share": 2}, "share=2: expected"),
    ],
)
def test_wrong_settings_are_refused_at_construction(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        IMDB(**fields)


def test_settings_are_fields_of_a_run():
    for data in (IMDB(max_bytes=512), ListOpsFiles(), GeneratedListOps()):
        assert json.dumps(canonical(data), allow_nan=False)


# ListOps


def listops_folder(folder: Path, sizes: tuple[int, int, int] = (30, 10, 10)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = ListOps(3, 40, num_examples=sum(sizes)).build(seed=0)
    parts = data.split([size / sum(sizes) for size in sizes], seed=None)
    for name, part in zip(FILES, parts, strict=True):
        listops.write(folder / name, part)
    return folder


@pytest.mark.parametrize("inside", ["", "listops-1000", "lra_release/listops-1000"])
def test_listops_files_are_the_parts(tmp_path: Path, inside: str):
    listops_folder(tmp_path / inside)
    splits = ListOpsFiles(max_length=40).load(tmp_path)
    expected = ListOps(3, 40, num_examples=50).build(seed=0)
    together = [
        row for part in (splits.train, splits.validation, splits.test) for row in read_back(part)
    ]
    assert together == read_back(expected)
    assert splits.test.inputs.shape == (10, 39)
    provenance = splits.provenance
    assert provenance.label == "ListOps (subset of 40 + 10 expressions)"
    assert not provenance.whole
    for name in FILES:
        content = (tmp_path / inside / name).read_bytes()
        assert provenance.files[name].sha256 == hashlib.sha256(content).hexdigest()
    chosen = ListOpsFiles(max_length=40, split="validate_on_test").load(tmp_path)
    assert read_back(chosen.validation) == read_back(chosen.test)
    assert chosen.provenance.label == "ListOps (subset of 30 + 10 expressions, selected on test)"


def test_files_of_the_published_size_are_not_verified(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.data.list_ops._ROWS", (30, 10, 10))
    folder = listops_folder(tmp_path)
    provenance = ListOpsFiles(max_length=40).load(folder).provenance
    assert provenance.label == "ListOps (unverified copy)"
    chosen = ListOpsFiles(max_length=40, split="validate_on_test").load(folder).provenance
    assert chosen.label == "ListOps (unverified copy, selected on test)"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_listops_file_is_named(tmp_path: Path, name: str):
    (listops_folder(tmp_path) / name).unlink()
    with pytest.raises(DataError, match=rf"lacks {name} of ListOps"):
        ListOpsFiles().load(tmp_path)


def test_a_damaged_listops_file_is_named_with_its_line(tmp_path: Path):
    path = listops_folder(tmp_path) / FILES[1]
    lines = path.read_bytes().split(b"\r\n")
    lines[4] = lines[4].replace(b"\t", b"\t1")
    path.write_bytes(b"\r\n".join(lines))
    with pytest.raises(DataError, match=rf"{FILES[1]}:5: column 'Target': the label '1\d'"):
        ListOpsFiles(max_length=40).load(tmp_path)
    with pytest.raises(DataError, match=rf"{FILES[0]}:\d+: .* tokens, expected at most 9"):
        ListOpsFiles(max_length=10).load(listops_folder(tmp_path))


def test_listops_files_that_are_elsewhere_or_remote_are_explained(data_folder: Path):
    with pytest.raises(DataError, match="no published checksum to download it by"):
        ListOpsFiles().load("download")
    with pytest.raises(DataError, match=r"ListOps is not at .*; pass the path"):
        ListOpsFiles().load()
    put(data_folder / "listops", {"notes.txt": b"x"})
    with pytest.raises(DataError, match=r"holds no file of ListOps .* it holds notes\.txt"):
        ListOpsFiles().load()
    listops_folder(data_folder / "listops")
    assert len(ListOpsFiles(max_length=40).load().test) == 10


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"max_length": 1}, ValueError),
        ({"max_length": 2.5}, TypeError),
        ({"split": "merged"}, ValueError),
    ],
)
def test_wrong_settings_of_listops_files_are_refused(fields: dict, kind: type[Exception]):
    with pytest.raises(kind, match="expected"):
        ListOpsFiles(**fields)


def test_generated_listops_share_no_expression_and_say_what_they_are():
    task = ListOps(20, 100, num_examples=200, balanced=True)
    splits = GeneratedListOps(task=task, parts=(0.8, 0.1, 0.1)).load(seed=5)
    sets = [set(read_back(part)) for part in (splits.train, splits.validation, splits.test)]
    assert [len(each) for each in sets] == [160, 20, 20]
    assert len(set().union(*sets)) == 200
    label = "ListOps (21 to 99 tokens, balanced, generated, 180 + 20 expressions)"
    assert splits.provenance.label == label
    again = GeneratedListOps(task=task, parts=(0.8, 0.1, 0.1)).load(seed=5).provenance
    other = GeneratedListOps(task=task, parts=(0.8, 0.1, 0.1)).load(seed=6).provenance
    assert again == splits.provenance
    assert other.settings["sha256"] != again.settings["sha256"]


def test_generated_listops_of_the_published_size_do_not_pass_for_the_files():
    small = ListOps(num_examples=50)
    provenance = GeneratedListOps(task=small).load(seed=0).provenance
    assert provenance.label == "ListOps (generated, 49 + 1 expressions)"
    official = dataclasses.replace(provenance, sizes=(96_000, 2_000, 2_000))
    assert official.label == "ListOps (generated, 98,000 + 2,000 expressions)"


def test_generated_listops_take_no_source_and_three_parts():
    with pytest.raises(ValueError, match="pass None, or use ListOpsFiles"):
        GeneratedListOps().load("download", seed=0)
    with pytest.raises(ValueError, match="three shares that sum to 1"):
        GeneratedListOps(parts=(0.5, 0.4, 0.2))
