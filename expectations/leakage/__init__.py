"""No column that explains the target may know it.

suite           the checks of a panel, from what it declares
verdicts        what stops and what warns, over the laws below
copies          the target, its future, sums and logarithms of it, with noise or without: levels without season, and changes
derived         means and the like that count this period or later ones
encoding        each series' sales, counted over weeks that are held out (`rounding`: however they were rounded)
encoded_keys    a level whose nodes follow the target row by row
held_out        held-out periods that are copies of trained ones
likeness        how alike two columns are inside series; `seasonless`, `ranks`, `clearest_series` and `series_blocks` serve it
"""
