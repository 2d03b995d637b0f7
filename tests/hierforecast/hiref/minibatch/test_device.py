"""A device is found, or its absence said."""

import pytest
import torch

from hierforecast.errors import SettingsError
from hierforecast.hiref.minibatch import device


def pretend(monkeypatch, **present):
    monkeypatch.setattr(device, "_found", lambda: {"cuda": False, "mps": False, "cpu": True} | present)


@pytest.mark.parametrize(("present", "wanted"), [({"cuda": True, "mps": True}, "cuda"), ({"mps": True}, "mps"), ({}, "cpu")])
def test_auto_takes_the_fastest_there_is(monkeypatch, present, wanted):
    pretend(monkeypatch, **present)
    assert device.choose_device("auto").type == wanted


def test_an_absent_device_asked_for_by_name_is_an_error(monkeypatch):
    pretend(monkeypatch)
    with pytest.raises(SettingsError, match=r"'cuda'.*use 'auto' or one of: cpu"):
        device.choose_device("cuda")


def test_only_mps_goes_without_float64():
    assert device.precise(torch.device("mps")) == torch.float32
    assert device.precise(torch.device("cuda")) == device.precise(torch.device("cpu")) == torch.float64
