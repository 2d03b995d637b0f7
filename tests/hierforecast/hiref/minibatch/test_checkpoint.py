"""What was written is read back, another training's is refused, and a kill while writing loses one epoch at most."""

import pytest
import torch

from hierforecast.errors import ModelFolderError
from hierforecast.hiref.minibatch.checkpoint import Checkpoint, fingerprint_of

TENSORS = {"now.bias": torch.tensor(1.5), "now.theta": torch.arange(3.0)}


def test_a_round_trip_and_one_file_of_tensors_at_a_time(tmp_path):
    checkpoint = Checkpoint(tmp_path / "trial", "abc")
    assert checkpoint.read() is None
    for epoch in (1, 2):
        checkpoint.write(TENSORS, {"epoch": epoch, "curve": [{"epoch": 1, "held_out_loss": None}]})
    tensors, facts = checkpoint.read()
    assert facts == {"epoch": 2, "curve": [{"epoch": 1, "held_out_loss": None}]}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in TENSORS.items())
    assert sorted(path.name for path in (tmp_path / "trial").iterdir()) == ["epoch-2.safetensors", "state.json"]


def test_another_training_is_refused(tmp_path):
    Checkpoint(tmp_path, "abc").write(TENSORS, {"epoch": 1})
    with pytest.raises(ModelFolderError, match="other data or settings"):
        Checkpoint(tmp_path, "xyz").read()


@pytest.mark.parametrize("damage", ["state.json", "epoch-1.safetensors"])
def test_a_damaged_one_is_said_to_be(tmp_path, damage):
    Checkpoint(tmp_path, "abc").write(TENSORS, {"epoch": 1})
    (tmp_path / damage).write_text("{")
    with pytest.raises(ModelFolderError, match=r"cannot be read.*delete it"):
        Checkpoint(tmp_path, "abc").read()


def test_a_kill_between_tensors_and_state_leaves_the_epoch_before(tmp_path):
    checkpoint = Checkpoint(tmp_path, "abc")
    checkpoint.write(TENSORS, {"epoch": 1})
    (tmp_path / "epoch-2.safetensors").write_bytes(b"half of it")
    assert checkpoint.read()[1] == {"epoch": 1}


def test_the_fingerprint_tells_settings_and_numbers_apart():
    zeros, ones = torch.zeros(3), torch.ones(3)
    prints = [fingerprint_of({"seed": seed}, numbers) for seed in (1, 2) for numbers in (zeros, ones)]
    assert len(set(prints)) == 4
    assert fingerprint_of({"seed": 1}, zeros.clone()) == prints[0]
