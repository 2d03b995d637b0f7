"""The model on moments, in torch: what L-BFGS differentiates. The same equations in NumPy are in `effects`."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from hierforecast.hiref.regression.effects import Parameters


class Network(nn.Module):
    """Embeddings, baseline weights and effects, with the penalised squared error as a function of moments.

    What L-BFGS moves is each parameter times the square root of the rows behind it: a step then means about the same
    for a node with few rows and for the effect that all rows share, which saves it most of its iterations.

    Args:
        start: parameters to start from.
        codes: (series, levels) node codes, none unseen.
        counts: (series,) rows.
        mask: (columns, width) 1 where a column's effect may vary with an embedding, else 0.
    """

    def __init__(self, start: Parameters, codes: np.ndarray, counts: np.ndarray, mask: np.ndarray) -> None:
        super().__init__()
        weight = np.sqrt(counts.sum() + 1.0)
        self._shared = float(weight)
        self.bias = _parameter(start.bias * weight)
        self.weights = _parameter(start.weights * weight)
        self.theta = _parameter(start.theta * weight)
        self.loadings = _parameter(start.loadings * weight)
        tables = list(start.embeddings.values())
        behind = [np.sqrt(np.bincount(code, counts, len(t)) + 1.0) for code, t in zip(codes.T, tables, strict=True)]
        self.tables = nn.ParameterList([_parameter(t * w[:, None]) for t, w in zip(tables, behind, strict=True)])
        self._behind = [torch.as_tensor(w)[:, None] for w in behind]  # per level (nodes, 1)
        self._codes = [torch.as_tensor(code.astype(np.int64)) for code in codes.T]  # per level (series,)
        self._mask = torch.as_tensor(mask)
        self._signs = torch.as_tensor(start.signs)
        self._start = start

    def forward(self) -> tuple[Tensor, Tensor]:
        """Scaled baseline (series,) and effects (series, columns)."""
        tables = [table / weight for table, weight in zip(self.tables, self._behind, strict=True)]
        z = torch.cat([table.index_select(0, code) for table, code in zip(tables, self._codes, strict=True)], dim=1)
        raw = (self.theta + z @ (self.loadings * self._mask).T) / self._shared
        baseline = (self.bias + z @ self.weights) / self._shared
        return baseline, torch.where(self._signs == 0, raw, self._signs * softplus(raw))

    def squared_error(self, products: Tensor) -> Tensor:
        """Sum of squared residuals, (), from (series, columns + 2, columns + 2) moments."""
        baseline, effect = self()
        ends = torch.ones_like(baseline)[:, None]
        residual = torch.cat([-baseline[:, None], -effect, ends], dim=1)  # y - baseline - X effect, as a direction
        pulled = torch.einsum("sij,sj->si", products, residual.detach())
        # The gradient of r' M r is 2 M r: saying so costs one pass over the moments, deriving it three.
        slope = 2.0 * (pulled * residual).sum()
        return slope - slope.detach() / 2.0

    def penalty(self) -> Tensor:
        """Sum of squares of everything that tells nodes apart, (); bias and main effects go free."""
        tables = sum((table / weight).square().sum() for table, weight in zip(self.tables, self._behind, strict=True))
        return (self.weights.square().sum() + (self.loadings * self._mask).square().sum()) / self._shared**2 + tables

    def parameters_now(self) -> Parameters:
        """The present parameters as arrays."""
        tables = [(table / weight).detach().numpy() for table, weight in zip(self.tables, self._behind, strict=True)]
        return self._start._replace(
            bias=self.bias.detach().numpy() / self._shared,
            weights=self.weights.detach().numpy() / self._shared,
            theta=self.theta.detach().numpy() / self._shared,
            loadings=(self.loadings * self._mask).detach().numpy() / self._shared,
            embeddings=dict(zip(self._start.embeddings, tables, strict=True)),
        )


def _parameter(values: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.tensor(np.asarray(values), dtype=torch.float64))
