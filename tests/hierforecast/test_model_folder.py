import json

import numpy as np
import pytest

from hierforecast.errors import ModelFolderError
from hierforecast.model_folder import read_model_folder, write_model_folder

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "codes": np.array([1, 2], dtype=np.int32)}


def write(folder, **changes):
    options = {"family": "hiref", "config": {"levels": ["a"]}, "arrays": ARRAYS, **changes}
    return write_model_folder(folder, **options)


def test_round_trip(tmp_path):
    write(tmp_path / "model", write_more=lambda folder: (folder / "draws.nc").write_bytes(b"draws") and None)
    held = read_model_folder(tmp_path / "model", family="hiref")
    assert held.config == {"levels": ["a"]}
    assert (held.path / "draws.nc").read_bytes() == b"draws"
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(held.arrays[name], array)
        assert held.arrays[name].dtype == array.dtype


def test_saving_again_replaces_and_leaves_nothing_else(tmp_path):
    write(tmp_path / "model")
    write(tmp_path / "model", config={"levels": ["b"]})
    assert read_model_folder(tmp_path / "model").config == {"levels": ["b"]}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_save_that_fails_keeps_the_old_model(tmp_path):
    write(tmp_path / "model")

    def fail(folder):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "model", config={"levels": ["b"]}, write_more=fail)
    assert read_model_folder(tmp_path / "model").config == {"levels": ["a"]}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["config.json", "arrays.safetensors"])
def test_a_changed_or_missing_file_is_named(tmp_path, name):
    folder = write(tmp_path / "model")
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelFolderError, match=f"damaged: {name}"):
        read_model_folder(folder)
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=f"damaged: {name}"):
        read_model_folder(folder)


def test_other_things_are_refused(tmp_path):
    folder = write(tmp_path / "model")
    with pytest.raises(ModelFolderError, match="holds a hiref model, wanted precision"):
        read_model_folder(folder, family="precision")
    with pytest.raises(ModelFolderError, match="not a saved model"):
        read_model_folder(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(ModelFolderError, match="is not a saved model; choose another place"):
        write(tmp_path / "photos")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(ModelFolderError, match="format 99"):
        read_model_folder(folder)


def test_nothing_in_it_is_pickled(tmp_path):
    folder = write(tmp_path / "model")
    for path in folder.iterdir():
        assert path.suffix in (".json", ".safetensors")
