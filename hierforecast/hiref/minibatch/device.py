"""Where tensors live, and how precise numbers are there."""

import torch

from hierforecast.errors import SettingsError


def choose_device(wanted: str) -> torch.device:
    """The device of that name; "auto" takes cuda, else mps, else cpu. Raises SettingsError where it is absent."""
    present = [name for name, here in _found().items() if here]
    if wanted == "auto":
        return torch.device(present[0])
    if wanted not in present:
        raise SettingsError(
            f"training.rows.device is {wanted!r}, which this computer or its torch does not offer; "
            f"use 'auto' or one of: {', '.join(present)}"
        )
    return torch.device(wanted)


def precise(device: torch.device) -> torch.dtype:
    """The type of full-batch work: float64, or float32 on MPS, which has no wider one."""
    return torch.float32 if device.type == "mps" else torch.float64


def _found() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
