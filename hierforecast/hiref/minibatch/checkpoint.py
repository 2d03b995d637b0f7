"""A training's state on disk after every epoch, so that a killed one goes on where it was and ends the same.

    folder/<stage>/
      state.json                 epoch, learning curve, fingerprint, and which file holds the tensors
      epoch-<n>.safetensors      parameters, Adam's two averages, best parameters

The tensors are written first, then `state.json` is written beside and renamed over the old one, which is one step: a
kill at any moment leaves either epoch complete.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from hierforecast.errors import ModelFolderError
from hierforecast.whole_files import whole_file, write_text

STATE = "state.json"


class Checkpoint:
    """One stage of a training.

    Args:
        folder: of the stage; made when first written to.
        fingerprint: of data, settings and start; a folder of another training is refused.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.fingerprint = Path(folder), fingerprint

    def read(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
        """Tensors and facts of the last complete epoch; None where there is none.

        Raises:
            ModelFolderError: the folder holds another training, or cannot be read.
        """
        if not (self.folder / STATE).is_file():
            return None
        try:
            told = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
            found = told["fingerprint"]
            tensors = load_file(self.folder / told["file"]) if found == self.fingerprint else {}
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelFolderError(
                f"the checkpoint {str(self.folder)!r} cannot be read: {error}; delete it to start over"
            ) from None
        if found != self.fingerprint:
            raise ModelFolderError(
                f"the checkpoint {str(self.folder)!r} belongs to a training on other data or settings; "
                "give another folder, or delete it to start over"
            )
        return tensors, told["facts"]

    def write(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        """Replace what was there by the state after ``facts["epoch"]`` epochs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch-{facts['epoch']}.safetensors"
        # A copy of each: safetensors refuses tensors that share memory, as a parameter and its best value may.
        copies = {key: tensor.detach().cpu().clone().contiguous() for key, tensor in tensors.items()}
        with whole_file(self.folder / name) as beside:
            save_file(copies, beside)
        told = {"fingerprint": self.fingerprint, "file": name, "facts": facts}
        write_text(self.folder / STATE, json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n")
        for old in self.folder.glob("epoch-*.safetensors"):
            if old.name != name:
                old.unlink(missing_ok=True)


def fingerprint_of(settings: dict[str, Any], *arrays: np.ndarray | torch.Tensor) -> str:
    """sha256 of settings and numbers."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
