"""Real image data: files as published and as damaged, and what is said of where they came from.

Every file is made here. What the real files hash to is data of `experiments.data.official`; the
tests put the checksums of their own files in its place.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import archives
import numpy as np
import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import idx, images, put

from experiments.data import (
    CIFAR10,
    MNIST,
    BitReversed,
    DataError,
    FashionMNIST,
    Permuted,
    official,
)
from experiments.data.cifar import read_pickled
from experiments.data.folder import located
from experiments.data.pixels import Raster, grey, moments, scaled, sixteen
from experiments.data.published import Remote
from experiments.run import canonical

TRAIN, TEST = 24, 10


def idx_files() -> dict[str, bytes]:
    return samples.idx_files(TRAIN, TEST)


def binary_batches() -> dict[str, bytes]:
    return samples.binary_batches(TEST)


def python_batches(protocol: int = 0) -> dict[str, bytes]:
    """With protocol 0, as Python 2 wrote the published ones."""
    found = {}
    for seed, name in enumerate(official.PYTHON_BATCHES):
        pixels, labels = images(TEST, (3072,), seed)
        names = [f"labels_s_{i:06}.png" for i in range(TEST)]
        batch = {"batch_label": name, "labels": labels.tolist(), "data": pixels, "filenames": names}
        found[name] = pickle.dumps(batch, protocol) if protocol else python2_batch(pixels, labels)
    return found


def python2_batch(pixels: np.ndarray, labels: np.ndarray) -> bytes:
    """Opcodes of Python 2's pickle of a batch, which Python 3 no longer writes."""
    size = len(pixels).to_bytes(2, "little")
    dtype = (
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN"
        + 2 * b"J\xff\xff\xff\xff"
        + b"K\x00tb"
    )
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    state = b"(K\x01M" + size + b"M\x00\x0c\x86" + dtype + b"\x89"
    content = b"T" + pixels.size.to_bytes(4, "little") + pixels.tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x04testq\x03U\x06labelsq\x04]q\x05(",
            *(b"K" + bytes([label]) for label in labels),
            b"eU\x04dataq\x06" + array + state + content + b"tb",
            b"U\x09filenames](U\x05a.pngU\x05b.pnge",
            b"u.",
        ]
    )


def tarred(files: dict[str, bytes], inside: str) -> bytes:
    members = {f"{inside}/{name}": content for name, content in reversed(files.items())}
    return gzip.compress(archives.tarred(members), mtime=0)


def published_as(kind: type, files: dict[str, bytes], remote: dict[str, bytes] | None = None):
    """Make the class take these files for the published ones."""
    digests = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    offered = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}
    facts = dataclasses.replace(
        kind.published,
        rows=(TRAIN, TEST) if kind is not CIFAR10 else (5 * TEST, TEST),
        md5=digests,
        url="https://nowhere.invalid",
        remote=tuple(
            Remote(name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in (remote or offered).items()
        ),
    )
    return type(kind.__name__, (kind,), {"published": facts})


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQTHEORY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


# What a loader gives


def test_pixels_are_those_of_the_file_in_raster_order(tmp_path: Path):
    splits = MNIST(scaling="bytes").load(put(tmp_path, idx_files()), seed=0)
    pixels, labels = images(TEST, (28, 28), 1)
    assert splits.test.inputs.shape == (TEST, 784, 1)
    assert splits.test.inputs.dtype == np.uint8
    np.testing.assert_array_equal(splits.test.inputs[:, :, 0], pixels.reshape(TEST, -1))
    np.testing.assert_array_equal(splits.test.targets, labels)


def test_train_and_validation_are_disjoint_and_cover_the_official_training_set(tmp_path: Path):
    folder = put(tmp_path, idx_files())
    splits = MNIST(scaling="bytes", validation=0.25).load(folder, seed=3)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (18, 6, TEST)
    both = np.concatenate([splits.train.inputs, splits.validation.inputs])[:, :, 0]
    pixels, _ = images(TRAIN, (28, 28), 0)
    expected = {row.tobytes() for row in pixels.reshape(TRAIN, -1)}
    assert {row.tobytes() for row in both} == expected
    again = MNIST(scaling="bytes", validation=0.25).load(folder, seed=3)
    other = MNIST(scaling="bytes", validation=0.25).load(folder, seed=4)
    np.testing.assert_array_equal(again.validation.inputs, splits.validation.inputs)
    assert not np.array_equal(other.validation.inputs, splits.validation.inputs)


def test_merged_splits_mix_the_official_ones_and_keep_their_sizes(tmp_path: Path):
    folder = put(tmp_path, idx_files())
    splits = MNIST(scaling="bytes", split="merged", validation=0.25).load(folder, seed=1)
    assert splits.provenance.sizes == (18, 6, TEST)
    assert "merged" in splits.provenance.label
    tested = {row.tobytes() for row in splits.test.inputs}
    pixels, _ = images(TEST, (28, 28), 1)
    from_test = {row.tobytes() for row in pixels}
    assert 0 < len(tested & from_test) < TEST
    parts = (splits.train, splits.validation, splits.test)
    # no image is lost or doubled
    assert len({row.tobytes() for part in parts for row in part.inputs}) == TRAIN + TEST


def test_without_a_validation_set_the_test_set_validates_and_the_label_says_so(tmp_path: Path):
    files = idx_files()
    kind = published_as(MNIST, files)
    folder = put(tmp_path, files)
    splits = kind(scaling="bytes", split="validate_on_test").load(folder, seed=1)
    assert splits.provenance.sizes == (TRAIN, TEST, TEST)
    assert splits.provenance.label == "MNIST (selected on test)"
    np.testing.assert_array_equal(splits.validation.inputs, splits.test.inputs)
    pixels, _ = images(TRAIN, (28, 28), 0)
    expected = {row.tobytes() for row in pixels}
    assert {row.tobytes() for row in splits.train.inputs} == expected


def test_training_images_are_scaled_to_zero_mean_and_unit_variance(tmp_path: Path):
    splits = CIFAR10().load(put(tmp_path, binary_batches()), seed=0)
    assert splits.train.inputs.dtype == np.float32
    for channel in range(3):
        values = splits.train.inputs[..., channel].astype(np.float64)
        assert abs(values.mean()) < 1e-6
        assert abs(values.std() - 1) < 1e-6
    assert abs(splits.test.inputs.mean(dtype=np.float64)) > 1e-6  # its own mean was not used


def test_scalings_are_affine_maps_of_the_bytes(tmp_path: Path):
    folder = put(tmp_path, binary_batches())
    test = {
        name: CIFAR10(scaling=name).load(folder, seed=0).test.inputs.astype(np.float64)
        for name in ("bytes", "unit", "upstream")
    }
    np.testing.assert_allclose(test["unit"], test["bytes"] / 255, atol=1e-7)
    mean, deviation = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    expected = (test["bytes"] / 255 - mean) / deviation
    np.testing.assert_allclose(test["upstream"], expected, atol=1e-6)


def test_moments_and_scaling_agree_across_blocks():
    values, _ = images(5000, (2, 3), 0)
    mean, deviation = moments(values)
    np.testing.assert_allclose(mean, values.mean(axis=(0, 1)) / 255, rtol=1e-12)
    np.testing.assert_allclose(deviation, values.std(axis=(0, 1)) / 255, rtol=1e-12)
    expected = (values / 255 - mean) / deviation
    np.testing.assert_allclose(scaled(values, mean, deviation), expected, atol=1e-6)


def test_grey_is_pillows_luma():
    from PIL import Image

    pixels, _ = images(3, (32, 32, 3), 0)
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in pixels]
    np.testing.assert_array_equal(grey(pixels)[..., 0], expected)


def test_grey_cifar_has_one_channel(tmp_path: Path):
    splits = CIFAR10(grey=True).load(put(tmp_path, binary_batches()), seed=0)
    assert splits.test.inputs.shape == (TEST, 1024, 1)
    assert CIFAR10(grey=True).channels == 1


def test_sixteen_keeps_constants_inside_and_means_of_blocks():
    pixels, _ = images(2, (32, 32, 3), 0)
    means = pixels.reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    np.testing.assert_array_equal(sixteen(pixels), np.floor(means + 0.5))
    small = sixteen(np.full((1, 28, 28, 1), 200, np.uint8))[0, :, :, 0]
    assert (small[1:-1, 1:-1] == 200).all()
    assert not small[[0, -1]].any()
    assert not small[:, [0, -1]].any()


def test_downsampled_sequences_have_256_pixels_and_say_so(tmp_path: Path):
    data = MNIST(downsampled=True)
    splits = data.load(put(tmp_path, idx_files()), seed=0)
    assert splits.train.inputs.shape[1:] == (data.length, data.channels) == (256, 1)
    assert "16 x 16" in splits.provenance.label


@pytest.mark.parametrize("order", [Raster(), BitReversed(), Permuted(0), Permuted(92916)])
@pytest.mark.parametrize("length", [1, 2, 256, 784, 1024])
def test_an_order_visits_every_pixel_once(order, length: int):
    assert sorted(order.positions(length).tolist()) == list(range(length))


def test_bit_reversal_is_its_own_inverse_at_powers_of_two():
    places = BitReversed().positions(1024)
    np.testing.assert_array_equal(places[places], np.arange(1024))
    assert places[:4].tolist() == [0, 512, 256, 768]
    assert BitReversed().positions(784)[:4].tolist() == [0, 512, 256, 768]


def test_the_permutation_is_the_frozen_one_of_its_seed(tmp_path: Path):
    assert Permuted(0).positions(5).tolist() == [2, 0, 1, 3, 4]
    folder = put(tmp_path, idx_files())
    plain = MNIST(scaling="bytes").load(folder, seed=0).test.inputs
    mixed = MNIST(scaling="bytes", order=Permuted(5)).load(folder, seed=0).test.inputs
    np.testing.assert_array_equal(mixed, plain[:, Permuted(5).positions(784)])
    assert not np.array_equal(Permuted(5).positions(784), Permuted(6).positions(784))


def test_settings_are_a_field_of_a_run():
    data = CIFAR10(order=Permuted(7), grey=True)
    assert json.loads(json.dumps(canonical(data)))["order"] == {"type": "Permuted", "seed": 7}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scaling": "standard"}, "scaling='standard': expected one of"),
        ({"split": "test"}, "split='test': expected one of"),
        ({"validation": 0.0}, "validation=0.0: expected"),
        ({"validation": 1.0}, "validation=1.0: expected"),
        ({"validation": float("nan")}, "validation=nan: expected"),
        ({"share": 0}, r"share=0: expected a number in \(0, 1\]"),
        ({"share": 1.5}, "share=1.5: expected"),
    ],
)
def test_wrong_settings_are_refused_at_construction(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        MNIST(**fields)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True])
def test_a_permutation_needs_a_seed(seed: object):
    with pytest.raises((TypeError, ValueError), match=r"seed=.*: expected"):
        Permuted(seed)


def test_images_of_one_value_cannot_be_standardised(tmp_path: Path):
    files = idx_files()
    files[official.IDX_FILES[0]] = idx(np.zeros((TRAIN, 28, 28)))
    with pytest.raises(DataError, match="one value throughout"):
        MNIST().load(put(tmp_path, files), seed=0)


# Provenance: a subset never passes for the benchmark


def test_provenance_names_a_subset_and_its_files(tmp_path: Path):
    files = idx_files()
    provenance = MNIST().load(put(tmp_path, files), seed=(1, 2)).provenance
    assert not provenance.whole
    assert provenance.label == f"MNIST (subset of {TRAIN} + {TEST} images)"
    assert provenance.files.keys() == files.keys()
    for name, content in files.items():
        assert provenance.files[name].sha256 == hashlib.sha256(content).hexdigest()
        assert provenance.files[name].size == len(content)
    described = json.dumps(provenance.described(), allow_nan=False)
    assert str(tmp_path) not in described


def test_the_published_files_are_the_benchmark_packed_or_not(tmp_path: Path):
    files = idx_files()
    kind = published_as(MNIST, files)
    packed = {f"{name}.gz": gzip.compress(content, 1, mtime=0) for name, content in files.items()}
    mixed = dict(list(packed.items())[:2] + list(files.items())[2:])
    found = [
        kind().load(put(tmp_path / str(number), each), seed=0).provenance
        for number, each in enumerate((files, packed, mixed))
    ]
    assert {provenance.label for provenance in found} == {"MNIST"}
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("split", ["official", "merged"])
def test_a_share_of_the_benchmark_is_a_subset(tmp_path: Path, split: str):
    files = idx_files()
    kind = published_as(MNIST, files)
    folder = put(tmp_path, files)
    splits = kind(share=0.5, validation=0.25, scaling="bytes", split=split).load(folder, seed=0)
    provenance = splits.provenance
    assert provenance.sizes == (9, 3, 5)
    assert not provenance.whole
    assert provenance.label.startswith("MNIST (subset of 12 + 5 images")
    everything = kind(scaling="bytes").load(folder, seed=0)
    if split == "official":
        tested = {row.tobytes() for row in everything.test.inputs}
        assert {row.tobytes() for row in splits.test.inputs} < tested
    parts = (splits.train, splits.validation, splits.test)
    assert len({row.tobytes() for part in parts for row in part.inputs}) == 17


def test_a_variant_does_not_pass_for_the_published_task(tmp_path: Path):
    files = binary_batches()
    data = published_as(CIFAR10, files)(grey=True, downsampled=True, order=Permuted(3))
    label = data.load(put(tmp_path, files), seed=0).provenance.label
    assert label == "CIFAR-10 (grey, 16 x 16, permuted by seed 3)"


@pytest.mark.parametrize("name", official.IDX_FILES)
def test_as_many_images_with_other_content_are_refused(tmp_path: Path, name: str):
    files = idx_files()
    kind = published_as(MNIST, files)
    damaged = bytearray(files[name])
    damaged[-1] = (damaged[-1] + 1) % 10
    folder = put(tmp_path, {**files, name: bytes(damaged)})
    with pytest.raises(DataError, match=rf"{name} has the size .* MD5 [0-9a-f]{{32}}, expected"):
        kind().load(folder, seed=0)


def test_another_data_sets_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fashion = published_as(FashionMNIST, idx_files()).published
    monkeypatch.setattr(official, "ALL", (fashion,))
    other = {name: content[:-1] + b"\3" for name, content in idx_files().items()}
    with pytest.raises(DataError, match="its content is Fashion-MNIST's, expected MNIST's"):
        published_as(MNIST, other)().load(put(tmp_path, idx_files()), seed=0)


# IDX files that are not as they should be


def damage(name: str, change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    files = idx_files()
    return {**files, name: change(files[name])}


PIXELS, LABELS = official.IDX_FILES[:2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (damage(PIXELS, lambda c: b""), "begins with the bytes .none."),
        (damage(PIXELS, lambda c: b"PK\3\4" + c), "begins with the bytes 50 4b 03 04, expected 00"),
        (damage(PIXELS, lambda c: c[:3] + b"\1" + c[4:]), "no IDX file of images"),
        (damage(LABELS, lambda c: c[:2] + b"\x0d" + c[3:]), "no IDX file of labels"),
        (damage(PIXELS, lambda c: c[:12]), "ends inside its header"),
        (damage(PIXELS, lambda c: c[:-1]), "its header promises 24 items, which makes"),
        (damage(PIXELS, lambda c: c + b"\0"), "cut short or damaged"),
        (damage(PIXELS, lambda c: idx(np.zeros((24, 32, 32)))), r"images of \[32, 32\], expected"),
        (damage(PIXELS, lambda c: idx(np.zeros((0, 28, 28)))), "promises 0 items"),
        (damage(LABELS, lambda c: c[:-1] + b"\x0a"), "image 23 has the label 10, expected 0..9"),
        (damage(LABELS, lambda c: idx(np.zeros(23))), "23 labels for 24 images"),
        (
            damage(PIXELS, lambda c: gzip.compress(c, mtime=0)[:-20]),
            "cut short, as half a download is",
        ),
        (
            damage(PIXELS, lambda c: gzip.compress(c, mtime=0)[:-6] + b"123456"),
            "a damaged gzip file",
        ),
        (
            damage(PIXELS, lambda c: gzip.compress(c, mtime=0) + b"more"),
            "4 bytes after its gzip data",
        ),
    ],
)
def test_a_bad_idx_file_is_named_with_what_is_wrong(tmp_path: Path, files: dict, message: str):
    with pytest.raises(DataError, match=message) as caught:
        MNIST().load(put(tmp_path, files), seed=0)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", official.IDX_FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    files = {key: content for key, content in idx_files().items() if key != name}
    with pytest.raises(DataError, match=f"lacks {name} "):
        MNIST().load(put(tmp_path, files), seed=0)


@pytest.mark.parametrize("kind", [MNIST, CIFAR10])
def test_a_folder_that_holds_something_else_says_what(tmp_path: Path, kind: type):
    put(tmp_path, {f"holiday_{number}.jpg": b"x" for number in range(7)})
    with pytest.raises(DataError, match=r"holds no file of .*holiday_0.jpg.* and 2 more"):
        kind().load(tmp_path, seed=0)


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path):
    put(tmp_path, idx_files())
    with pytest.raises(DataError, match="is a file, expected the folder"):
        MNIST().load(tmp_path / PIXELS, seed=0)


@pytest.mark.parametrize("inside", ["raw", "MNIST/raw"])
def test_folders_of_other_programs_are_found(tmp_path: Path, inside: str):
    put(tmp_path / inside, idx_files())
    assert len(MNIST().load(tmp_path, seed=0).test) == TEST


def test_a_gzip_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("experiments.data.folder._LIMIT", 10_000)
    files = {**idx_files(), PIXELS: gzip.compress(bytes(10**6))}
    with pytest.raises(DataError, match="unpacks to more than the 10,000 bytes"):
        MNIST().load(put(tmp_path, files), seed=0)


# CIFAR-10 in its forms


def cifar_sources(folder: Path) -> dict[str, Path]:
    binary, python = binary_batches(), python_batches()
    put(folder, {"b.tar.gz": tarred(binary, "cifar-10-batches-bin")})
    put(folder, {"p.tar.gz": tarred(python, "cifar-10-batches-py")})
    put(folder / "packed", {"cifar-10-python.tar.gz": (folder / "p.tar.gz").read_bytes()})
    return {
        "binary folder": put(folder / "bin", binary),
        "python folder": put(folder / "py", python),
        "python protocol 2": put(folder / "py2", python_batches(2)),
        "python protocol 5": put(folder / "py5", python_batches(5)),
        "parent of binary": put(folder / "one/cifar-10-batches-bin", binary).parent,
        "parent of python": put(folder / "two/cifar-10-batches-py", python).parent,
        "binary archive": folder / "b.tar.gz",
        "python archive": folder / "p.tar.gz",
        "folder of archive": folder / "packed",
    }


def test_all_forms_of_cifar_hold_the_same_images(tmp_path: Path):
    pixels, labels = images(TEST, (3, 32, 32), 5)
    for form, path in cifar_sources(tmp_path).items():
        splits = CIFAR10(scaling="bytes").load(path, seed=0)
        assert len(splits.train) + len(splits.validation) == 5 * TEST, form
        test = splits.test.inputs.reshape(TEST, 32, 32, 3)
        np.testing.assert_array_equal(test, np.moveaxis(pixels, 1, 3), err_msg=form)
        np.testing.assert_array_equal(splits.test.targets, labels, err_msg=form)


@pytest.mark.parametrize("batches", [binary_batches, python_batches])
def test_published_batches_are_the_benchmark_and_others_are_not(tmp_path: Path, batches):
    files = batches()
    kind = published_as(CIFAR10, files)
    assert kind().load(put(tmp_path, files), seed=0).provenance.label == "CIFAR-10"
    name = next(iter(files))
    damaged = files[name].replace(b"\xff", b"\xfe")
    put(tmp_path, {name: damaged})
    with pytest.raises(DataError, match=rf"{name} has as many images .*MD5"):
        kind().load(tmp_path, seed=0)


def test_one_shortened_batch_makes_a_subset(tmp_path: Path):
    files = binary_batches()
    kind = published_as(CIFAR10, files)
    put(tmp_path, {**files, official.BINARY_BATCHES[4]: files[official.BINARY_BATCHES[4]][:3073]})
    provenance = kind().load(tmp_path, seed=0).provenance
    assert not provenance.whole
    assert provenance.label == "CIFAR-10 (subset of 41 + 10 images)"


class Canary:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_the_opcodes_of_python_2_are_a_pickle():
    pixels, labels = images(TEST, (3072,), 0)
    batch = pickle.loads(python2_batch(pixels, labels), encoding="bytes")
    np.testing.assert_array_equal(batch[b"data"], pixels)
    assert batch[b"labels"] == labels.tolist()


def test_a_pickle_is_never_run(tmp_path: Path):
    canary = tmp_path / "canary"
    files = python_batches()
    pickle.loads(pickle.dumps(Canary(canary)))
    assert canary.exists(), "the canary works"
    canary.unlink()
    pixels, labels = images(TEST, (3072,), 0)
    bad = {"x": Canary(canary), "labels": labels.tolist(), "data": pixels}
    put(tmp_path / "py", {**files, "data_batch_1": pickle.dumps(bad, protocol=2)})
    CIFAR10().load(tmp_path / "py", seed=0)
    assert not canary.exists()


BATCH = official.BINARY_BATCHES[2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({**binary_batches(), BATCH: b""}, "has 0 bytes, expected a multiple of 3,073"),
        ({**binary_batches(), BATCH: bytes(3072)}, "cut short or no binary batch"),
        ({**binary_batches(), BATCH: b"\x0b" * 3073}, "label 11, expected 0..9"),
        (
            {**python_batches(), "data_batch_3": b"no pickle"},
            "no readable batch of CIFAR-10 in the Python",
        ),
        (
            {**python_batches(), "data_batch_3": python_batches()["data_batch_3"][:5000]},
            "or was cut short",
        ),
        (
            {**python_batches(), "data_batch_3": pickle.dumps({"labels": [1], "data": []})},
            "1 labels and 0 bytes of pixels",
        ),
        (
            {
                **python_batches(),
                "test_batch": pickle.dumps({"labels": [1], "data": images(2, (3072,), 0)[0]}),
            },
            "1 labels for 2 images",
        ),
        (
            {
                **python_batches(),
                "test_batch": pickle.dumps(
                    {"labels": [1, 2], "data": np.asfortranarray(images(2, (3072,), 0)[0])}, 2
                ),
            },
            "column by column",
        ),
        (
            {
                **python_batches(),
                "test_batch": pickle.dumps(
                    {"labels": [1, 2], "data": np.asfortranarray(images(2, (3072,), 0)[0])}, 5
                ),
            },
            "column by column",
        ),
    ],
)
def test_a_bad_batch_is_named_with_what_is_wrong(tmp_path: Path, files: dict, message: str):
    with pytest.raises(DataError, match=message) as caught:
        CIFAR10().load(put(tmp_path, files), seed=0)
    assert "batch" in str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_missing_batch_is_named(tmp_path: Path, packed: bool):
    files = binary_batches()
    del files["data_batch_4.bin"]
    path = put(tmp_path / "cifar", files)
    if packed:
        path = tmp_path / "cifar.tar.gz"
        path.write_bytes(tarred(files, "cifar-10-batches-bin"))
    with pytest.raises(DataError, match=r"lacks data_batch_4.bin of CIFAR-10"):
        CIFAR10().load(path, seed=0)


@pytest.mark.parametrize("size", [0, 30, -1000])
def test_an_archive_that_was_cut_short_is_refused(tmp_path: Path, size: int):
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(tarred(binary_batches(), "cifar-10-batches-bin")[:size])
    with pytest.raises(DataError, match="cut short"):
        CIFAR10().load(path, seed=0)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.data())
def test_a_damaged_batch_is_read_or_refused_and_nothing_else(data: st.DataObject):
    pixels, labels = images(1, (3072,), 0)
    batch = bytearray(python2_batch(pixels, labels))
    place = data.draw(st.integers(0, len(batch) - pixels.size - 1))
    if place >= batch.index(pixels.tobytes()):
        place += pixels.size  # pixels may be anything: damage what is around them
    batch[place] = data.draw(st.integers(0, 255))
    batch = batch[: data.draw(st.sampled_from([len(batch), place]))]
    try:
        labels, flat = read_pickled(bytes(batch), Path("data_batch_1"))
    except DataError:
        return
    assert flat.dtype == np.uint8
    assert flat.shape[1] == 3072


# Arrays in an .npz


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    (x_train, y_train), (x_test, y_test) = (
        images(rows, (32, 32, 3), seed) for rows, seed in ((TRAIN, 0), (TEST, 1))
    )
    return {
        "x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test, **changes
    }  # fmt: skip


def test_an_npz_is_a_subset_even_where_it_has_all_rows(tmp_path: Path):
    path = tmp_path / "cifar.npz"
    np.savez(path, **arrays())
    splits = CIFAR10(scaling="bytes").load(path, seed=0)
    np.testing.assert_array_equal(splits.test.inputs, arrays()["x_test"].reshape(TEST, 1024, 3))
    assert splits.provenance.label == "CIFAR-10 (subset of 24 + 10 images)"
    kind = published_as(MNIST, idx_files())
    grey_arrays = {"x_train": images(TRAIN, (28, 28), 0)[0], "x_test": images(TEST, (28, 28), 1)[0]}
    np.savez(path, **arrays(**grey_arrays))
    provenance = kind().load(path, seed=0).provenance
    assert not provenance.whole
    assert provenance.label == "MNIST (unverified copy)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((24, 32, 32, 3))}, "x_train is float64 of shape"),
        ({"x_test": np.zeros((10, 28, 28), np.uint8)}, r"x_test is uint8 of shape \(10, 28, 28\)"),
        ({"x_test": np.zeros((0, 32, 32, 3), np.uint8)}, r"shape \(0, 32, 32, 3\)"),
        ({"y_train": np.zeros((24, 1), int)}, r"y_train is int64 of shape \(24, 1\)"),
        ({"y_train": np.full(24, -1)}, "label -1, expected"),
        ({"y_train": np.zeros(23, int)}, "23 labels for 24 images"),
        ({"y_test": np.array([{}] * 10)}, "no readable .npz of numbers"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, changes: dict, message: str):
    np.savez(tmp_path / "c.npz", **arrays(**changes))
    with pytest.raises(DataError, match=message):
        CIFAR10().load(tmp_path / "c.npz", seed=0)


def test_an_npz_without_an_array_or_cut_short_is_refused(tmp_path: Path):
    path = tmp_path / "c.npz"
    held = arrays()
    del held["y_test"]
    np.savez(path, **held)
    with pytest.raises(DataError, match=r"lacks y_test; it holds x_train\.npy"):
        CIFAR10().load(path, seed=0)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"no readable \.npz"):
        CIFAR10().load(path, seed=0)


def test_an_npz_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("experiments.data.npz._LIMIT", 100_000)
    path = tmp_path / "c.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", bytes(10**6))
    with pytest.raises(DataError, match="unpacks to 4,000,000 bytes"):
        CIFAR10().load(path, seed=0)


# The data folder


def test_without_a_source_the_data_folder_is_read(data_folder: Path):
    put(data_folder / "mnist", idx_files())
    np.savez(data_folder / "cifar10_subset.npz", **arrays())
    assert MNIST().load(seed=0).provenance.source == "local"
    assert "subset" in CIFAR10().load(seed=0).provenance.label


def test_without_data_the_message_says_what_to_do(data_folder: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"pass source='download'.* SEQTHEORY_DATA .* holds mnist"):
        MNIST().load(seed=0)
    with pytest.raises(DataError, match=r"is not at .*nowhere; pass"):
        MNIST().load(tmp_path / "nowhere", seed=0)


def test_what_was_downloaded_before_is_not_fetched_again(data_folder: Path):
    files = idx_files()
    kind = published_as(MNIST, files)  # with a URL that leads nowhere
    put(
        data_folder / "mnist", {f"{name}.gz": gzip.compress(files[name], mtime=0) for name in files}
    )
    for source in ("download", "https://mirror.invalid/mnist/"):
        provenance = kind().load(source, seed=0).provenance
        assert (provenance.label, provenance.source) == ("MNIST", "download")


def test_cifar_is_read_from_the_downloaded_archive(data_folder: Path):
    files = binary_batches()
    archive = {"cifar-10-binary.tar.gz": tarred(files, "cifar-10-batches-bin")}
    kind = published_as(CIFAR10, files, remote=archive)
    put(data_folder / "cifar10", archive)
    assert kind().load("download", seed=0).provenance.label == "CIFAR-10"


@pytest.mark.parametrize("facts", official.ALL, ids=lambda each: each.folder)
def test_what_is_published_is_complete(facts):
    assert facts.url.startswith("https://")
    assert all(len(file.sha256) == 64 and file.size > 0 for file in facts.remote)
    assert all(len(digest) == 32 for digest in facts.md5.values())
    assert len(set(facts.md5.values())) == len(facts.md5)


# Colour by colour, over the training images; published many times over.
MOMENTS = {
    MNIST: ((0.1307,), (0.3081,)),
    FashionMNIST: ((0.2860,), (0.3530,)),
    CIFAR10: ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}


@pytest.mark.parametrize("kind", MOMENTS, ids=lambda kind: kind.__name__)
def test_real_images_have_the_moments_everyone_knows(kind: type):
    if "SEQTHEORY_DATA" not in os.environ:
        pytest.skip(f"SEQTHEORY_DATA names no folder with {kind.published.folder}")
    try:
        path = located(kind.published, None)
    except DataError as error:
        pytest.skip(str(error))
    splits = kind().load(path, seed=0)
    mean, deviation = MOMENTS[kind]
    found = splits.provenance.settings
    np.testing.assert_allclose(found["mean"], mean, atol=2e-3)
    np.testing.assert_allclose(found["deviation"], deviation, atol=2e-3)
