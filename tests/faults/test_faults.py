"""Six rows of the fault matrix; `python -m tests.faults` runs all of them."""

from collections.abc import Iterator

import pytest

from tests.faults.matrix import Matrix
from tests.faults.rows import ROWS, SAMPLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # the first row waits for the runs that all are compared with


@pytest.fixture(scope="module")
def matrix(tmp_path_factory) -> Iterator[Matrix]:
    matrix = Matrix(tmp_path_factory.mktemp("faults"))
    yield matrix
    matrix.close()


@pytest.mark.parametrize("name", SAMPLE)
def test_a_fault_breaks_no_promise(matrix, name):
    found = matrix.run(ROWS[name])
    assert found.broken == [], found.saw
