"""The GPU benchmark measures what it names, and says plainly where there is nothing to measure."""

import json

import pytest
import torch

from benchmarks.hiref_gpu import FIGURES, main, make_material, measure


def test_without_a_gpu_it_says_so_and_every_figure_is_null(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main([])
    said, figures = capsys.readouterr().out.strip().splitlines()
    assert said == "not measured: no GPU"
    told = json.loads(figures)
    assert {f"{device}_{name}" for device in ("cpu", "gpu") for name in FIGURES} <= told.keys()
    assert all(value is None for name, value in told.items() if name not in ("cpu_threads", "rows"))


def test_every_figure_is_measured():
    found = measure(make_material(72, 20), "cpu")
    assert set(found) == set(FIGURES)
    assert min(found.values()) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
def test_a_gpu_finds_what_the_cpu_finds():
    from benchmarks.hiref_gpu import difference

    assert difference(make_material(72, 40)) < 0.01
