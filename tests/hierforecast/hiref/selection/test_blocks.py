"""Blocks are whole, about their own means, and blind to what a level does slowly."""

import numpy as np

from hierforecast.hiref.material import from_panel
from hierforecast.hiref.selection.blocks import ALWAYS, cut_blocks
from hierforecast.options import Training


def _blocks(candidates, material):
    return cut_blocks(material, [driver.name for driver in candidates.settings.drivers], 13)


def test_sums_are_those_of_the_rows(candidates, material):
    blocks = _blocks(candidates, material)
    sides = np.column_stack([blocks.columns, blocks.target])
    chosen = np.array([1.0, 0, 1] + [0] * (len(blocks.rows) - 3))
    rows = np.isin(blocks.block, [0, 2])
    assert np.allclose(blocks.total(chosen[None])[0], sides[rows].T @ sides[rows] / rows.sum())


def test_every_series_has_mean_zero_in_every_block(candidates, material):
    blocks = _blocks(candidates, material)
    cell = blocks.series * len(blocks.rows) + blocks.block
    assert np.abs(np.bincount(cell, blocks.target)).max() < 1e-8
    assert blocks.rows.sum() == len(blocks.target)


def test_a_jump_of_a_series_between_blocks_changes_nothing(candidates, material):
    blocks = _blocks(candidates, material)
    first = candidates.panel["week"].min()
    place = (candidates.panel["week"] - first).dt.days // 7
    jump = np.exp(0.7 * (place * len(blocks.rows) // 130 >= 4))
    moved = from_panel(
        candidates.panel.assign(units=candidates.panel["units"] * jump), candidates.settings, Training(seasonality=2)
    )
    assert np.allclose(_blocks(candidates, moved).sums, blocks.sums, atol=1e-8)


def test_season_is_never_left_out(candidates, material):
    blocks = _blocks(candidates, material)
    names = np.array(material.design.columns.names)
    assert set(names[blocks.group == ALWAYS]) == {name for name in names if name.startswith("season")}
