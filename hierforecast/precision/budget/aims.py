"""What a plan is judged by: one number from its contribution under every draw, and how much every draw weighs in it.

    mean                        mean_d R_d
    mean - aversion * sd        mean_d R_d - aversion sd_d R_d
    quantile                    sum_j w_j R_(j),   w_j = I(j / D) - I((j - 1) / D)

I is the incomplete beta function of a = (D + 1) q and b = (D + 1) (1 - q), R_(j) the j-th smallest of D draws. Averaging
neighbours of the quantile makes it a smooth function of the plan.

Source: Harrell & Davis (1982), A new distribution-free quantile estimator, Biometrika 69(3), doi:10.1093/biomet/69.3.635.
"""

from dataclasses import dataclass

import numpy as np

from hierforecast.errors import SettingsError


@dataclass(frozen=True)
class Aim:
    """Mean contribution, or a cautious number.

    Args:
        aversion: sds of the contribution that are taken off its mean, >= 0.
        quantile: judge by this quantile of the contribution instead, e.g. 0.1.

    Raises:
        SettingsError: both are given, or one is out of range.
    """

    aversion: float = 0.0
    quantile: float | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.aversion) and self.aversion >= 0):
            raise SettingsError(f"aversion must be a number of sds >= 0, got {self.aversion}")
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise SettingsError(f"quantile must lie between 0 and 1, got {self.quantile}")
        if self.quantile is not None and self.aversion:
            raise SettingsError("an aim is either a quantile or the mean less some sds; leave aversion or quantile out")

    @property
    def caution(self) -> float:
        """About how many sds below the mean the number lies: what its curvature takes from that of the sd, >= 0."""
        if self.quantile is None:
            return self.aversion
        from scipy.special import ndtri

        return max(float(-ndtri(self.quantile)), 0.0)

    @property
    def is_mean(self) -> bool:
        """Whether it is the plain mean."""
        return self.quantile is None and not self.aversion

    def judge(self, contribution: np.ndarray) -> tuple[float, np.ndarray]:
        """The number, and its (draws,) derivative by every draw's contribution."""
        count = len(contribution)
        if self.quantile is not None:
            return self._at_quantile(contribution)
        mean, spread = contribution.mean(), contribution.std()
        weight = np.full(count, 1.0 / count)
        if self.aversion and spread > 0:
            weight -= self.aversion * (contribution - mean) / (count * spread)
        return float(mean - self.aversion * spread), weight

    def _at_quantile(self, contribution: np.ndarray) -> tuple[float, np.ndarray]:
        from scipy.special import betainc

        count, share = len(contribution), float(self.quantile or 0.0)
        edges = betainc((count + 1) * share, (count + 1) * (1 - share), np.arange(count + 1) / count)
        weight = np.empty(count)
        weight[np.argsort(contribution, kind="stable")] = np.diff(edges)
        return float(weight @ contribution), weight
