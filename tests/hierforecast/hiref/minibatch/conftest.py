"""A market read once, with a few series left out of some weeks, and the options that tests share."""

import numpy as np
import pytest

from hierforecast.hiref.material import Material, from_panel
from hierforecast.options import RowsEngine, Training


@pytest.fixture(scope="session")
def rows_training():
    """A function that makes training options of the rows engine."""

    def make(loss: str = "squared", **rows) -> Training:
        return Training(engine="rows", loss=loss, seasonality=1, embedding_size=2, rows=RowsEngine(**rows))

    return make


@pytest.fixture(scope="session")
def gapped(market):
    """The market without a tenth of its rows."""
    return market.panel[np.random.default_rng(0).random(len(market.panel)) > 0.1]


@pytest.fixture(scope="session")
def new_material(gapped, new_model):
    """A function that reads the gapped market for some training options."""

    def make(training: Training, *, link: str = "log", **settings) -> Material:
        panel = new_model(link=link, training=training).panel.model_copy(update=settings)
        return from_panel(gapped, panel, training)

    return make
