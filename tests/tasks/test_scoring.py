"""What is said before anything is loaded; forecasts themselves are made in tests/flows and tests/faults."""

import pytest

from hierforecast.errors import PanelError
from tasks import scoring


def test_forecasts_are_not_made_for_a_folder(home, tmp_path):
    with pytest.raises(PanelError, match=r"go to one file, and '.*' is a folder; name a file in it"):
        scoring.forecast_rows.fn(None, "hiref", settings="", rows=None, out=str(tmp_path))
