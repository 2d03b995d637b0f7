"""The panel beside its own past, and beside the one that the champion was trained on.

suite           the checks of a panel, from what it declares
plausibility    prices and sales in the unit they always had, single odd values
other_scale     other columns on another scale for good
supply, stale   empty periods, series that fall silent, feeds that stand still
freshness       nothing from the future, and not too old
profile         what a panel looked like, kept with every version
against_before  a step back, a rewritten past, fewer rows, lost nodes
drift           how far drivers have moved
"""
