"""Whether a challenger is worse in most series, though not in their sum."""

from typing import NamedTuple

import numpy as np

from hierforecast.gates.decision import GateResult
from hierforecast.gates.rival import Pairs, Rival

NAME = "paired test"
FEWEST = 6  # pairs: of fewer, the test's table of exact probabilities has no rare value


class PairedTest(NamedTuple):
    """How many of how many pairs are worse by more than the tolerance, and how likely that is if none really were."""

    worse: int
    pairs: int
    probability: float


def worse_in_most(pairs: Pairs, tolerance: float) -> PairedTest:
    """Test whether a challenger is worse than the champion by more than the tolerance.

    With ``d_i = challenger_i - champion_i - tolerance`` and the ranks ``r_i`` of ``|d_i|`` among all pairs whose d is not
    zero, the statistic is ``W = sum of r_i over d_i > 0``. If the d lie symmetrically around zero or below, W is as large
    as this or larger with at most the probability that is returned: one-sided signed-rank test, exact up to 50 pairs
    without ties, normal above. Ranks keep a few large series, or a few wild ones, from deciding for all.

    The pairs count as independent. Where all series share a shock, they are fewer than they look, which is why the usual
    level is a strict 0.01 and a difference below the tolerance never counts.

    Source: Wilcoxon 1945, Individual comparisons by ranking methods, doi:10.2307/3001968.
    """
    from scipy.stats import wilcoxon

    differences = pairs.challenger - pairs.champion - tolerance
    worse = int((differences > 0).sum())
    if not worse:
        return PairedTest(0, len(differences), 1.0)
    found = wilcoxon(differences, alternative="greater", zero_method="wilcox")
    return PairedTest(worse, len(differences), float(found.pvalue))


def judge_pairs(rival: Rival, tolerance: float, alpha: float) -> GateResult:
    """The gate: held unless the challenger is surely worse in most pairs, or where there are too few to say."""
    if rival.itself or rival.pairs is None:
        why = "the champion has the same settings" if rival.itself else "the champion's errors were not paired"
        return GateResult(NAME, None, None, held=True, sentence=f"{why}, so nothing was tested pair by pair")
    count = len(rival.pairs.challenger)
    if count < FEWEST or 2.0**-count >= alpha:  # the rarest thing that can happen: all of them worse
        said = f"only {count} {rival.pairs.unit} can be compared with the champion one by one, too few to judge"
        return GateResult(NAME, None, None, held=True, sentence=said)
    worse, _, probability = worse_in_most(rival.pairs, tolerance)
    than = f"than the champion by more than {tolerance:g}" if tolerance else "than the champion"
    said = f"worse {than} in {worse} of {count} {rival.pairs.unit}, p = {probability:.2g}"
    held = bool(np.isfinite(probability)) and probability >= alpha
    ends = "" if held else f", below {alpha:g} (one-sided Wilcoxon test)"
    return GateResult(NAME, probability, alpha, held, said + ends)
