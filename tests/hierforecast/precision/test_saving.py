"""What a folder gives back: the same answers, without TensorFlow, and a word where something is wrong with it."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import ModelFolderError
from hierforecast.options import Sampling
from hierforecast.precision import Background, Precision


def test_every_form_comes_back_as_it_was(form, fit_form, made, tmp_path):
    one = fit_form(form)
    one.save(tmp_path / "model")
    again = Precision.load(tmp_path / "model")
    for name, given in one._made_with().items():
        np.testing.assert_equal(again._made_with()[name], given)
    assert again._trained.lifts == one._trained.lifts
    np.testing.assert_array_equal(again._trained.observed, one._trained.observed)
    plan = made.panel.iloc[made.fitted :]
    for panel in (None, plan):
        pd.testing.assert_frame_equal(again.predict(panel), one.predict(panel))
        pd.testing.assert_frame_equal(again.contribution_means(panel), one.contribution_means(panel))
    np.testing.assert_array_equal(again.pointwise.given_rest, one.pointwise.given_rest)
    if form.model.prior_scale == "roi":
        pd.testing.assert_frame_equal(again.decisions().roi(), one.decisions().roi())
        pd.testing.assert_frame_equal(again.decisions(plan).roi(), one.decisions(plan).roi())


def test_a_sampled_model_is_judged_alike_after_loading(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    again = Precision.load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.contributions(), fitted.contributions())
    pd.testing.assert_frame_equal(again.decay(), fitted.decay())
    pd.testing.assert_frame_equal(again.diagnostics(), fitted.diagnostics())
    assert again.convergence() == pytest.approx(fitted.convergence(), rel=1e-12)
    np.testing.assert_array_equal(again.loo().pareto_k, fitted.loo().pareto_k)


def test_options_beside_the_defaults_come_back(unsampled, made, make_model, tmp_path):
    days = made.panel.assign(week=pd.date_range("2024-02-01", periods=len(made.panel), freq="D"))
    background = Background(seasonality=0, trend=True, trend_knots=2, weekly_pairs=3)
    one = make_model(background=background, frequency="day", sampling=Sampling(chains=2, warmup=50, draws=50, interval=0.5))
    one.fit(days.iloc[: made.fitted]).save(tmp_path / "model")
    again = Precision.load(tmp_path / "model")
    assert (again.background, again.columns, again.sampling) == (one.background, one.columns, one.sampling)
    pd.testing.assert_frame_equal(again.predict(days.iloc[made.fitted :]), one.predict(days.iloc[made.fitted :]))


def test_loading_and_predicting_need_no_tensorflow(fitted, made, tmp_path):
    fitted.save(tmp_path / "model")
    plan = made.panel.iloc[made.fitted :]
    plan.to_parquet(tmp_path / "plan.parquet")
    code = (
        "import sys, pandas as pd\n"
        "from hierforecast.precision import Precision\n"
        f"model = Precision.load({str(tmp_path / 'model')!r})\n"
        f"model.predict(pd.read_parquet({str(tmp_path / 'plan.parquet')!r}))\n"
        "model.contribution_means()\n"
        "assert 'tensorflow' not in sys.modules and 'arviz' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_draws_open_in_arviz(fitted, tmp_path):
    arviz = pytest.importorskip("arviz", reason="the precision extra is not installed")

    folder = fitted.save(tmp_path / "model")
    data = arviz.from_netcdf(folder / "posterior.nc")
    assert dict(data["posterior"]["beta"].sizes) == {"chain": 2, "draw": 200, "t": 4}
    assert data["posterior"]["effect_c"].dims == ("chain", "draw", "c")
    assert data["posterior"]["c"].to_numpy().tolist() == ["TV", "Web"]
    assert data["sample_stats"]["diverging"].shape == (2, 200)
    assert data["observed_data"]["target"].shape == (60,)
    assert data["log_likelihood"]["target"].shape == (2, 200, 60)
    np.testing.assert_allclose(data["log_likelihood"]["target"].to_numpy().reshape(400, 60), fitted.pointwise.given_rest)


def test_a_damaged_file_is_noticed(fitted, tmp_path):
    folder = fitted.save(tmp_path / "model")
    with (folder / "posterior.nc").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelFolderError, match=r"posterior\.nc"):
        Precision.load(folder)
