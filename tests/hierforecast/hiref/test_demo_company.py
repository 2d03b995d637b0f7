"""The made demo company: its elasticities are found and its plan can be forecast."""

import numpy as np

from hierforecast import splits, synthetic
from hierforecast.hiref import HiReF
from hierforecast.settings import read_company


def test_the_demo_company_is_understood(root):
    settings = read_company(root / "deployments/demo.yaml")
    made = synthetic.company(seed=1)
    history, plan = splits.observed_and_plan(made.sales, period="week", target="units")
    train, holdout = splits.last_weeks(history, 13)
    model = HiReF.from_panel_settings(settings.sales, settings.training).fit(train)

    found = model.series_effects().merge(made.truth.elasticities, on=settings.sales.levels)
    assert ((found["price"] - found["elasticity"]).abs() <= 0.3).mean() >= 0.8
    forecast = model.predict(holdout)
    assert (forecast["forecast"] - holdout["units"]).abs().sum() / holdout["units"].sum() < 0.12
    assert 0.7 < holdout["units"].between(forecast["lower"], forecast["upper"]).mean() < 0.9
    assert np.isfinite(model.predict(plan)["forecast"]).all()  # nobody knows the plan's temperature
