"""The model written a second time, from its equations and names, in NumPy and SciPy: an oracle for every form's density."""

import numpy as np
import pytest
from scipy import stats

from hierforecast.precision.posterior.parameters import split_blocks
from hierforecast.precision.priors import resolve_half_lives


def carry(exposure, decay, memory):
    """Adstock of one tactical under one decay as a plain sum."""
    weeks = len(exposure)
    weights = decay ** np.arange(weeks if memory is None else memory)
    whole = 1 / (1 - decay) if memory is None else weights.sum()
    return np.convolve(exposure, weights / whole)[:weeks]


def bend(carried, kind, half, slope):
    if kind == "none":
        return carried
    if kind == "log":
        return np.log(1 + carried / half) / np.log(1 + 1 / half)
    return carried**slope / (carried**slope + half**slope) * (1 + half**slope)


class Oracle:
    """One flat vector's model: parameters, mean and log densities, with the names and numbers that were declared.

    Takes the layout and the degree of centring of the flat vector from the product, and nothing else.
    """

    def __init__(self, one, data, flat):
        self.form, self.priors, self.tree = one.model, one.priors, one.hierarchy
        self.training, self.data, self.flat = one._trained, data, flat
        self.x = {name: block[0] for name, block in split_blocks(flat[None], data, one.model).items()}
        self.log_prior = 0.0
        x, priors = self.x, self.priors
        self.intercept = priors.intercept_sd * self.standard("intercept")[0]
        self.noise = priors.noise_median * np.exp(priors.noise_sd * self.standard("noise")[0])
        self.rho = np.tanh(priors.correlation_sd * self.standard("correlation")[0]) if "correlation" in x else 0.0
        self.nu = np.inf
        if "tails" in x:
            self.nu = 2 + (priors.tails_median - 2) * np.exp(priors.tails_sd * self.standard("tails")[0])
        self.strength = self.tree_strength() if self.form.effects == "tree" else self.horseshoe_strength()
        self.decay = self.decays()
        self.half, self.slope = self.curves()
        self.control = priors.control_sd * self.standard("control")

    def standard(self, name):
        """A block of standard normals."""
        self.log_prior += stats.norm.logpdf(self.x[name]).sum()
        return self.x[name]

    def tree_strength(self):
        """Log effects by names: a node's is normal around its parent's, the lowest in coordinates of their own."""
        priors, levels = self.priors, self.tree.levels[::-1]
        levels = levels[: levels.index(self.form.effects_at) + 1] if self.form.effects_at else levels
        depth = len(self.tree.levels)
        scales = priors.scale_median * np.exp(priors.scale_sd * self.standard("scales"))
        above = {(): priors.effect_sd * self.standard("global_effect")[0]}  # beside the log median
        for place, level in enumerate(levels):
            paths = dict.fromkeys(path[depth - 1 - place :] for path in self.tree.paths)
            names = [path[0] for path in paths]
            assert names == list(self.tree.nodes(level))
            here = {}
            for node, path in enumerate(paths):
                parent, entry = above[path[1:]], self.x[f"level_{place}"][node]
                degree = self.data.centring[node] if level == levels[-1] else 0.0
                own = next((priors.effect[name] for name in path if name in priors.effect), None)
                if own and level == levels[-1]:
                    here[path] = own.sd * entry + np.log(own.median)
                    self.log_prior += stats.norm.logpdf(entry)
                    continue
                here[path] = parent + scales[place] ** (1 - degree) * (entry - degree * parent)
                # The density of the log effect and its derivative by the entry.
                self.log_prior += stats.norm.logpdf(here[path], parent, scales[place]) + (1 - degree) * np.log(scales[place])
                if level == levels[-1]:
                    here[path] += np.log(priors.effect_median)
            above = here
        lowest = depth - len(levels)
        return np.exp([above[path[lowest:]] for path in self.tree.paths])

    def horseshoe_strength(self):
        """Half-Cauchy scales, a half-normal size and an inverse-gamma slab, all entries being logarithms."""
        x, priors = self.x, self.priors
        shrinkage, local, slab, size = (np.exp(x[name]) for name in ("shrinkage", "local", "slab", "size"))
        for law, value in ((stats.halfcauchy(), shrinkage), (stats.halfcauchy(), local), (stats.halfnorm(), size)):
            self.log_prior += (law.logpdf(value) + np.log(value)).sum()
        self.log_prior += (stats.invgamma(2.0, scale=2.0).logpdf(slab) + np.log(slab)).sum()
        tau, square = priors.horseshoe_scale * shrinkage, priors.horseshoe_slab**2 * slab
        return tau * size * np.sqrt(square * local**2 / (square + tau**2 * local**2))

    def decays(self):
        x, priors, numbers = self.x, self.priors, self.data.priors
        if self.form.decay == "half_life":
            half_lives = resolve_half_lives(priors, self.tree, "week")
            periods = [law.median * np.exp(law.sd * entry) for law, entry in zip(half_lives, x["decay"], strict=True)]
            self.standard("decay")
            return 0.5 ** (1 / np.array(periods))
        if self.form.decay == "beta":
            decay = 1 / (1 + np.exp(-(numbers.decay_location + numbers.decay_sd * x["decay"])))
            for path, share, sd in zip(self.tree.paths, decay, numbers.decay_sd, strict=True):
                law = next((priors.beta_decay[name] for name in path if name in priors.beta_decay), priors.default_beta_decay)
                self.log_prior += stats.beta(law.a, law.b).logpdf(share) + np.log(share * (1 - share) * sd)
            return decay
        pooled, channels = priors.pooled_decay, self.tree.nodes(self.tree.levels[-1])
        middle = np.log(pooled.mean / (1 - pooled.mean)) + pooled.sd * self.standard("decay_global")[0]
        by_channel = dict(zip(channels, middle + pooled.channel_sd * self.standard("decay_channel"), strict=True))
        spread = pooled.spread_median * np.exp(pooled.spread_sd * self.standard("decay_spread")[0])
        logit = [by_channel[path[-1]] + spread * x for path, x in zip(self.tree.paths, self.standard("decay"), strict=True)]
        return 1 / (1 + np.exp(-np.array(logit)))

    def curves(self):
        priors, ones = self.priors, np.ones(self.tree.num_tacticals)
        if self.form.saturation == "none":
            return ones, ones
        spread = priors.half_saturation_spread * np.exp(priors.scale_sd * self.standard("half_spread"))
        middle = np.log(priors.half_saturation_median) + priors.half_saturation_sd * self.standard("half_global")
        half = np.exp(middle + spread * self.standard("half"))
        if self.form.saturation == "log":
            return half, ones
        middle = np.log(priors.hill_slope_median) + priors.hill_slope_sd * self.standard("slope_global")
        return half, np.exp(middle + priors.hill_slope_spread * self.standard("slope"))

    def curve(self, place, exposure):
        """What a typical-week effect of 1 brings for (weeks,) exposure in the panel's unit."""
        known = self.training.table.media[place][self.training.observed]
        carried = carry(exposure / known[known > 0].mean(), self.decay[place], self.form.memory)
        return bend(carried, self.form.saturation, self.half[place], self.slope[place])

    @property
    def target(self):
        known = self.training.table.target[self.training.observed]
        return (self.training.table.target - known.mean()) / known.std()

    @property
    def target_sd(self):
        return self.training.table.target[self.training.observed].std()

    @property
    def beta(self):
        if self.form.prior_scale == "effect":
            return self.strength
        table, seen = self.training.table, self.training.scaled_on
        brought = [self.curve(place, exposure)[seen].sum() for place, exposure in enumerate(table.media)]
        return self.strength * table.spend[:, seen].sum(axis=1) / self.target_sd / brought

    @property
    def mean(self):
        """(weeks,) scaled."""
        training = self.training
        design = training.design.matrix(training.table.periods, training.table.controls)
        mean = self.intercept + design @ self.control
        for place, (beta, exposure) in enumerate(zip(self.beta, training.table.media, strict=True)):
            curve = self.curve(place, exposure)
            mean = mean + beta * (curve - curve[training.scaled_on].mean())
        return mean

    @property
    def log_likelihood(self):
        """Joint log density of the observed weeks."""
        places = np.flatnonzero(self.training.observed)
        residual = (self.target - self.mean)[places]
        if np.isinf(self.nu):
            distance = np.abs(places[:, None] - places)
            covariance = self.noise**2 / (1 - self.rho**2) * self.rho**distance
            return stats.multivariate_normal(cov=covariance).logpdf(residual)
        total = stats.t(self.nu, scale=self.noise / np.sqrt(1 - self.rho**2)).logpdf(residual[0])
        for before, now in zip(range(len(places) - 1), range(1, len(places)), strict=True):
            gap = places[now] - places[before]
            new = sum(self.rho ** (2 * step) for step in range(gap))  # shocks that came in since, in variances
            law = stats.t(self.nu, loc=self.rho**gap * residual[before], scale=self.noise * np.sqrt(new))
            total += law.logpdf(residual[now])
        return total

    @property
    def log_lifts(self):
        table, total = self.training.table, 0.0
        for test in self.training.lifts:
            tested = ((table.periods >= test.start) & (table.periods <= test.end)).to_numpy()
            compared = ((table.periods >= test.start) & (table.periods <= (test.measured_until or test.end))).to_numpy()
            lift = 0.0
            for place, path in enumerate(self.tree.paths):
                if test.node in path:
                    less = np.where(tested, (1 - test.share) * table.media[place], table.media[place])
                    gain = self.curve(place, table.media[place]) - self.curve(place, less)
                    lift += self.target_sd * self.beta[place] * gain[compared].sum()
            total += stats.norm.logpdf(test.lift, lift, test.sd)
        return total

    @property
    def log_posterior(self):
        old, prior = self.training.old, self.log_prior
        if old is not None:
            prior = stats.multivariate_normal(old.mean, np.linalg.inv(old.root @ old.root.T)).logpdf(self.flat)
        return prior + self.log_likelihood + self.log_lifts


@pytest.fixture(scope="session")
def oracle():
    return Oracle
