"""Seals: what is as it was passes, and every change, addition and removal is named."""

import json

import pytest

from hierforecast.errors import RegistryError, SealError
from hierforecast.seal import check_file, check_folder, digest_of, digests_of, read_seal, write_seal


@pytest.fixture
def folder(tmp_path):
    for name, text in {"a.txt": "one", "below/b.txt": "two", "below/c.bin": "\x00"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def check(folder, seal, **more):
    check_folder(seal, folder, below="model/", of="demo-hiref version 3", **more)


def test_an_untouched_folder_passes(folder):
    seal = digests_of(folder, below="model/")
    assert sorted(seal) == ["model/a.txt", "model/below/b.txt", "model/below/c.bin"]
    assert seal["model/a.txt"] == digest_of("one")  # of the content, and known to sha256sum as well
    check(folder, seal | {"tables/other.parquet": "0"})


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "below/b.txt").write_text("twO"), "'model/below/b.txt' was changed"),
        (lambda folder: (folder / "a.txt").unlink(), "'model/a.txt' is gone"),
        (lambda folder: (folder / "below/new.py").write_text("import os"), "'model/below/new.py' was added"),
        (lambda folder: (folder / "link.py").symlink_to("/nowhere/at/all"), "'model/link.py' was added"),
        (lambda folder: (folder / "a.txt").write_bytes(b""), "'model/a.txt' was changed"),
    ],
)
def test_what_was_done_to_a_folder_is_told_with_the_cure(folder, spoil, sentence):
    seal = digests_of(folder, below="model/")
    spoil(folder)
    with pytest.raises(SealError, match=rf"^demo-hiref version 3: {sentence}.*[Rr]oll back.*backup.*train again$"):
        check(folder, seal)


def test_what_a_download_adds_may_lie_there(folder):
    seal = digests_of(folder, below="model/")
    (folder / "meta").write_text("x")
    check(folder, seal, besides=frozenset({"meta"}))


def test_a_file_is_checked_under_its_own_name(folder):
    seal = digests_of(folder)
    check_file(seal, "a.txt", folder / "a.txt", of="v")
    with pytest.raises(SealError, match=r"'a\.txt' was changed"):
        check_file(seal, "a.txt", folder / "below/b.txt", of="v")


def test_a_seal_reads_back_and_its_own_change_is_seen():
    digests = {"b": digest_of("2"), "a": digest_of("1")}
    text = write_seal(digests)
    assert list(json.loads(text)) == ["a", "b"]
    assert write_seal(dict(reversed(digests.items()))) == text
    assert read_seal(text, digest_of(text), of="v") == digests
    with pytest.raises(RegistryError, match=r"'seal\.json' is not the list that was sealed"):
        read_seal(text.replace("1", "2"), digest_of(text), of="v")
