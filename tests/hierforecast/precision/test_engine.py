import importlib
import subprocess
import sys
from importlib.util import find_spec

import pytest

from hierforecast.precision.engine import _without, tensorflow

CODE = """
import sys
from hierforecast.precision.engine import tensorflow
tf = tensorflow()
assert tf is sys.modules["tensorflow"] is tensorflow()
assert not {"keras", "tf_keras"} & set(sys.modules)
threads = tf.config.threading
assert (threads.get_intra_op_parallelism_threads(), threads.get_inter_op_parallelism_threads()) == (1, 1)
assert float(tf.reduce_sum(tf.constant([1.0, 2.0]))) == 3.0
"""


def test_tensorflow_comes_without_keras_and_with_one_thread():
    if find_spec("tensorflow") is None:
        pytest.skip("the precision extra is not installed")
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=120)


def test_what_a_program_has_imported_itself_is_taken_as_it_is(monkeypatch):
    mine = object()
    tensorflow.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorflow", mine)
    try:
        assert tensorflow() is mine
    finally:
        tensorflow.cache_clear()


def test_packages_are_absent_for_a_while_and_only_where_they_were_not_imported(tmp_path, monkeypatch):
    (tmp_path / "heavy_one.py").write_text("weight = 1")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with _without(("heavy_one", "json")):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("heavy_one")
        assert importlib.import_module("json").loads("1") == 1
    assert importlib.import_module("heavy_one").weight == 1
    del sys.modules["heavy_one"]


def test_they_come_back_after_an_error_as_well():
    with pytest.raises(ZeroDivisionError), _without(("no_such_package",)):
        1 / 0  # noqa: B018
    assert "no_such_package" not in sys.modules
