"""Learning carry-over and saturation together with the whole model, before anything else is fitted.

The curves are found on the weeks before the last held-out block, so that the intervals set there stay honest. They come
back as settings with the found values in place of the declared ones; the columns are then made anew and the model is
fitted on them as on any others.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hierforecast.driver import Driver
from hierforecast.hiref.columns.rows import read_numbers, read_rows
from hierforecast.hiref.material import Material
from hierforecast.hiref.minibatch.curves import CURVE, Curve, Exposures, dense_of, fact_of, learned_facts, raw_of, with_facts
from hierforecast.hiref.minibatch.device import choose_device, precise
from hierforecast.hiref.minibatch.network import State
from hierforecast.hiref.minibatch.packing import Packing
from hierforecast.hiref.minibatch.refusals import is_learned
from hierforecast.hiref.minibatch.start import begin, held_out_from
from hierforecast.hiref.minibatch.training import cast, minimise, open_checkpoint
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

CURVES = "curves"  # stage of a checkpoint


def learn_curves(panel: pd.DataFrame, material: Material, training: Training, *, checkpoint: Path | None = None) -> SalesPanel:
    """Find the curves that drivers declare as learned.

    Args:
        panel: rows with a known target, those that `material` was made from.
        material: made with the curves as declared.
        training: loss, sizes, strengths, seed and `rows`.
        checkpoint: folder in which every epoch is kept.

    Returns:
        The settings with found values.

    Raises:
        SettingsError: the device is absent, or rows were left on disk.
    """
    settings, before = material.design.panel, material.cuts[-1] if material.cuts else None
    device = choose_device(training.rows.device)
    problem, state, start, network = begin(material, training, None, before)
    exposures = read_exposures(panel, material, start.column_scales)
    problem, state = problem._replace(exposures=exposures), state | {CURVE: exposures.start}
    kept = open_checkpoint(checkpoint, CURVES, training, problem, state)
    held_out = held_out_from(problem.table, settings.horizon)
    problem, state = problem.cast(device, precise(device)), cast(state, device, precise(device))
    packing = Packing(network, problem.frame, start)
    ended = minimise(problem, state, packing, training, held_out, None, kept)
    return with_found(settings, exposures, ended.state)


def read_exposures(panel: pd.DataFrame, material: Material, scales: np.ndarray) -> Exposures:
    """Raw values of drivers with learned curves, dense over series and all periods of training, on CPU in float64.

    Rows of weight 0 are among them: nobody learns from what was sold then, but what was spent goes on working.
    """
    design, hierarchy = material.design, material.hierarchy
    rows = read_rows(panel, hierarchy.levels, design.panel.period, design.panel.frequency)
    rows = rows.renumber(hierarchy.series_of(hierarchy.codes(rows.keys)))
    curves, values, references, start = [], [], [], []
    for driver in filter(is_learned, design.panel.drivers):
        facts, names = design.facts[driver.name], learned_facts(driver)
        half = facts.half or 1.0
        place = {name: len(start) + number for number, name in enumerate(names)}
        curves.append(Curve(driver, half, place, design.columns.names.index(driver.name), facts.reference))
        start += [raw_of(name, _declared(driver, name, half)) for name in names]
        values.append(dense_of(rows.dense(read_numbers(panel, driver.name, rows))))
        column = None if facts.reference is not None else read_numbers(panel, str(driver.reference), rows)
        references.append(None if column is None else dense_of(rows.dense(column)))
    places = [curve.column for curve in curves]
    raw = torch.tensor(start, dtype=torch.float64)
    return Exposures(tuple(curves), tuple(values), tuple(references), torch.as_tensor(scales[places]), raw)


def with_found(settings: SalesPanel, exposures: Exposures, state: State) -> SalesPanel:
    """The settings with the facts of a state in place of the declared ones."""
    found = {
        curve.driver.name: {name: float(fact_of(name, state[CURVE][at])) for name, at in curve.place.items()}
        for curve in exposures.curves
    }
    drivers = [with_facts(driver, found[driver.name]) if driver.name in found else driver for driver in settings.drivers]
    return settings.model_copy(update={"drivers": drivers})


def _declared(driver: Driver, name: str, half: float) -> float:
    if name == "half":
        return half
    return getattr(driver.adstock if name in ("decay", "shape", "scale") else driver.saturation, name)
