import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb

from hierforecast.options import PrecisionGate
from tasks.plots.sampling import draw_convergence, draw_left_out
from tasks.plots.theme import FORECAST_COLOUR, WRONG_COLOUR


def test_the_worst_parameters_are_named_and_those_beyond_the_gate_stand_out():
    count = 30
    table = pd.DataFrame({"parameter": ["decay"] * count, "node": [f"n{place}" for place in range(count)]})
    table = table.assign(rhat=1.001, ess_bulk=900.0, ess_tail=np.linspace(100, 2000, count))
    table.loc[4, "rhat"] = 1.05
    table.loc[5, ["parameter", "node", "rhat"]] = ["noise", "", 1.02]
    rhat, ess = draw_convergence(table, PrecisionGate(max_rhat=1.01, min_ess=400)).axes
    assert [label.get_text() for label in rhat.get_yticklabels()][:2] == ["decay[n4]", "noise"]
    colours = [tuple(colour[:3]) for colour in rhat.collections[0].get_facecolors()]
    assert colours[:2] == [to_rgb(WRONG_COLOUR)] * 2
    assert colours[2] == to_rgb(FORECAST_COLOUR)
    assert ess.get_yticklabels()[0].get_text() == "decay[n0]"


def test_weeks_beyond_the_limit_are_named():
    weeks = pd.date_range("2024-01-01", periods=5, freq="W-MON")
    table = pd.DataFrame({"period": weeks, "pareto_k": [0.1, 0.62, 0.3, np.inf, -np.inf], "limit": 0.6})
    axes = draw_left_out(table).axes[0]
    assert [text.get_text() for text in axes.texts] == ["2024-01-08"]
    assert axes.lines[-1].get_ydata()[0] == 0.6
    fine = draw_left_out(table.assign(pareto_k=0.1)).axes[0]
    assert [text.get_text() for text in fine.get_legend().get_texts()] == ["believed"]
