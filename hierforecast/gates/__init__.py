"""What a challenger must hold before it becomes champion: plain numbers against declared limits, each with a sentence.

decision  what is decided: gate by gate, and whether a person has the last word
rival     what the champion's settings reach on the same weeks, and the errors of both, pair by pair
paired    whether a challenger is worse in most series, though not in their sum: Wilcoxon's signed-rank test
judging   the gates of either family
"""

from hierforecast.gates.decision import Decision, GateResult
from hierforecast.gates.judging import DataFindings, decide_hiref, decide_precision
from hierforecast.gates.rival import Pairs, Rival, pair_errors

__all__ = ["DataFindings", "Decision", "GateResult", "Pairs", "Rival", "decide_hiref", "decide_precision", "pair_errors"]
