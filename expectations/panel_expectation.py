"""The bridge to Great Expectations: a custom expectation here is one `find` over a view of the panel.

Great Expectations computes metrics and hands them to expectations. Ours share one metric, the `PanelView`, which is
computed once per suite, so factorising and sorting half a million rows happens once and not once per check.
"""

from abc import abstractmethod
from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import ExecutionEngine, PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from expectations.panel_view import Finding, PanelView

_METRIC = "table.hierforecast_panel_view"
_KEYS = ("levels", "period", "frequency")


class PanelViewMetric(TableMetricProvider):
    """The batch as a `PanelView`."""

    metric_name = _METRIC
    value_keys = _KEYS

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 (the decorator makes a class method of it)
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002 (passed by name)
        runtime_configuration: dict[str, Any],  # noqa: ARG002 (passed by name)
    ) -> PanelView:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        given = metric_value_kwargs
        return PanelView(frame, tuple(given["levels"]), given["period"], given["frequency"])


class PanelExpectation(BatchExpectation):
    """An expectation about rows, series or periods of a panel; it holds when `find` counts nothing."""

    levels: list[str]
    period: str
    frequency: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "table")
    success_keys: ClassVar[tuple[str, ...]] = _KEYS

    @abstractmethod
    def find(self, view: PanelView) -> Finding:
        """Look for what breaks the expectation."""

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 (passed by name)
        execution_engine: ExecutionEngine | None = None,  # noqa: ARG002 (passed by name)
    ) -> dict[str, Any]:
        finding = self.find(metrics[_METRIC])
        details = {"found": finding.found, "keys": list(finding.keys)}
        return {"success": finding.count == 0, "result": {"observed_value": finding.count, "details": details}}
