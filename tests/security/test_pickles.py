"""The search for pickles finds each way of hiding one that we know, and says nothing about what a run really writes."""

import base64
import bz2
import gzip
import json
import lzma
import pickle
import sqlite3
import zipfile
import zlib
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import save_file

from tests.support.pickles import find_pickles

OBJECT = {"weights": [1.0, 2.0], "name": "model"}
FROM_CODE = {"loader_module": "mlflow.pyfunc.loaders.code_model", "model_code_path": "served_model.py"}


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def in_database(path, value):
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table kept (name text, value blob)")
        database.execute("insert into kept values ('x', ?)", (value,))
        database.commit()


def result(kind, content):
    return json.dumps({"metadata": {"serializer": {"type": kind}}, "result": content})


def mlmodel(**served):
    return yaml.safe_dump({"flavors": {"python_function": FROM_CODE | served}})


PLANTED = {
    **{f"protocol {n}": lambda f, n=n: (f / "state.bin").write_bytes(pickle.dumps(OBJECT, protocol=n)) for n in range(6)},
    "joblib's suffix": lambda f: (f / "model.joblib").write_bytes(b"anything"),
    "a suffix in capitals": lambda f: (f / "model.PKL").write_bytes(b"anything"),
    "gzip": lambda f: (f / "state").write_bytes(gzip.compress(pickle.dumps(OBJECT))),
    "bzip2": lambda f: (f / "state").write_bytes(bz2.compress(pickle.dumps(OBJECT))),
    "xz": lambda f: (f / "state").write_bytes(lzma.compress(pickle.dumps(OBJECT))),
    "zlib": lambda f: (f / "state").write_bytes(zlib.compress(pickle.dumps(OBJECT))),
    "PyTorch's archive": lambda f: zipped(f / "weights", {"archive/data.pkl": pickle.dumps(OBJECT), "archive/data/0": b"0"}),
    "an archive in an archive": lambda f: (
        zipped(f / "inner.zip", {"x": pickle.dumps(OBJECT)}),
        zipped(f / "outer.zip", {"inner": (f / "inner.zip").read_bytes()}),
        (f / "inner.zip").unlink(),
    ),
    "an array of objects": lambda f: np.save(f / "a.npy", np.array([{}, None], dtype=object), allow_pickle=True),
    "arrays of objects": lambda f: np.savez(f / "a.npz", a=np.array([{}, None], dtype=object)),
    "a database": lambda f: in_database(f / "study.db", pickle.dumps(OBJECT)),
    "a database, as text": lambda f: in_database(f / "study.db", base64.b64encode(pickle.dumps(OBJECT)).decode()),
    "a result of Prefect": lambda f: (f / "result").write_text(result("pickle", "x")),
    "a packed result of Prefect": lambda f: (f / "result").write_text(result("compressed/pickle", "x")),
    "base64 in JSON": lambda f: (f / "a.json").write_text(json.dumps({"x": base64.b64encode(pickle.dumps(OBJECT)).decode()})),
    "an exception of Prefect": lambda f: (f / "6f0c").write_bytes(base64.encodebytes(pickle.dumps(ValueError("x" * 99)))),
    "MLflow's usual model": lambda f: (f / "MLmodel").write_text(mlmodel(python_model="python_model.pkl")),
    "MLflow's other loader": lambda f: (f / "MLmodel").write_text(mlmodel(loader_module="mlflow.pyfunc.model")),
    "MLflow's sklearn": lambda f: (f / "MLmodel").write_text(yaml.safe_dump({"flavors": {"sklearn": {}}})),
}


@pytest.mark.parametrize("how", PLANTED)
def test_a_planted_pickle_is_found(tmp_path, how):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    PLANTED[how](tmp_path / "deep" / "er")
    found = find_pickles(tmp_path)
    assert found
    assert all(reason.startswith("deep/er/") for reason in found)


def test_what_a_run_writes_is_no_pickle(tmp_path):
    frame = pd.DataFrame({"week": pd.date_range("2024-01-01", periods=3), "node": ["a", "b", "c"], "mean": [1.0, 2.0, 3.0]})
    frame.to_parquet(tmp_path / "table.parquet")
    frame.astype({"node": "category"}).to_parquet(tmp_path / "categories.parquet")
    frame.to_csv(tmp_path / "table.csv")
    save_file({"a": np.arange(5.0)}, tmp_path / "arrays.safetensors")
    np.save(tmp_path / "draws.npy", np.arange(5.0))
    np.savez(tmp_path / "draws.npz", a=np.arange(5.0), b=np.array(["x", "y"]))
    zipped(tmp_path / "report.zip", {"report.html": "<p>fine</p>", "a.json": "{}"})
    in_database(tmp_path / "study.db", json.dumps({"trial": 1, "pictures": base64.b64encode(b"\x89PNG" * 9).decode()}))
    (tmp_path / "MLmodel").write_text(mlmodel(cloudpickle_version="3.1.2"))  # MLflow names it, used or not
    (tmp_path / "result").write_text(result("json", '{"wape": 0.1}'))
    (tmp_path / "empty").write_bytes(b"")
    for number, text in enumerate(["A sentence.", ".", "N.", "(", "1.5.", "week,units\n", "{not json."]):
        (tmp_path / f"{number}.txt").write_text(text)
    assert find_pickles(tmp_path) == []
