import numpy as np
import pytest

from hierforecast.precision.sampling.averaging import begin_averaging
from hierforecast.precision.sampling.checkpoint import PATTERN, Checkpoint, Standing, fingerprint

RECORDS = np.arange(24.0).reshape(2, 3, 4)


def standing(chains=3):
    return Standing(np.arange(6.0).reshape(chains, 2), np.eye(2) * 0.5, begin_averaging(0.2, chains))


@pytest.fixture
def written(tmp_path):
    checkpoint = Checkpoint(tmp_path, "a run")
    for call in range(3):
        checkpoint.write(call, RECORDS + call, standing())
    return tmp_path


def test_a_call_comes_back_as_it_was(written):
    records, where = Checkpoint(written, "a run").read(1)
    np.testing.assert_array_equal(records, RECORDS + 1)
    np.testing.assert_array_equal(where.flat, standing().flat)
    np.testing.assert_array_equal(where.metric, standing().metric)
    for one, other in zip(where.averaging, standing().averaging, strict=True):
        np.testing.assert_array_equal(one, other)
    assert Checkpoint(written, "a run").read(3) is None
    assert not list(written.glob("*.tmp"))


def test_calls_of_another_run_are_not_used_and_are_dropped(written):
    other = Checkpoint(written, "another run")
    assert [other.read(call) for call in range(3)] == [None] * 3
    assert not list(written.glob("call-*"))


def test_calls_of_another_run_after_the_first_are_not_used(written):
    beside = Checkpoint(written.parent / f"{written.name}-beside", "another run")
    beside.write(1, RECORDS, standing())
    (written.parent / f"{written.name}-beside" / PATTERN.format(1)).replace(written / PATTERN.format(1))
    mine = Checkpoint(written, "a run")
    assert mine.read(0) is not None
    assert mine.read(1) is None


def test_a_file_under_another_calls_name_is_not_used(written):
    (written / PATTERN.format(2)).replace(written / PATTERN.format(1))
    assert Checkpoint(written, "a run").read(1) is None


@pytest.mark.parametrize("left", [0, 5, 8, 60, -1, -8])
def test_a_truncated_file_is_a_call_that_was_not_finished(written, left):
    path = written / PATTERN.format(2)
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    checkpoint = Checkpoint(written, "a run")
    assert checkpoint.read(2) is None
    assert checkpoint.read(1) is not None
    checkpoint.write(2, RECORDS, standing())
    assert checkpoint.read(2) is not None


@pytest.mark.parametrize("content", [b"", b"not a file of arrays", b"\x00" * 64])
def test_a_foreign_file_is_a_call_that_was_not_finished(tmp_path, content):
    (tmp_path / PATTERN.format(0)).write_bytes(content)
    assert Checkpoint(tmp_path, "a run").read(0) is None


def test_what_a_kill_left_half_written_is_swept_away(written):
    (written / ".call-00003.safetensors.0123.tmp").write_bytes(b"half")
    Checkpoint(written, "a run")
    assert not list(written.glob("*.tmp"))
    assert not list(written.glob(".*.tmp"))


def test_the_fingerprint_tells_apart_what_decides_the_draws():
    array = np.arange(6.0)
    same = [(array, None, "x", 1), (array.copy(), None, "x", 1), (np.arange(12.0)[::2] / 2, None, "x", 1)]
    assert len({fingerprint(*parts) for parts in same}) == 1
    others = [
        (array + 1e-12, None, "x", 1),
        (array.reshape(2, 3), None, "x", 1),
        (array.astype(np.float32), None, "x", 1),
        (array, np.zeros(0), "x", 1),
        (array, None, "y", 1),
        (array, None, "x", 2),
        ((array, None), "x", 1),
        (array, (None, "x"), 1),
    ]
    assert len({fingerprint(*parts) for parts in [same[0], *others]}) == len(others) + 1
