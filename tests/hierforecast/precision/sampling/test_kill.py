"""A fit that is killed by a real signal goes on where it was, with the draws that it would have had."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from hierforecast.options import Sampling
from hierforecast.precision.sampling.chains import Chains

SHORT = Sampling(chains=2, warmup=100, draws=100, seed=2)
CHILD = """
import sys, time
from tests.hierforecast.precision.conftest import FITTED, make, model
from hierforecast.options import Sampling

sampling = Sampling.model_validate_json(sys.argv[2])
model(sampling=sampling).fit(make().panel.iloc[:FITTED], checkpoint=sys.argv[1], progress=lambda *told: time.sleep(0.3))
"""


@pytest.fixture
def killed(tmp_path, root, tf):
    """A folder with what a fit had done when it was killed in the middle."""
    command = [sys.executable, "-c", CHILD, str(tmp_path), SHORT.model_dump_json()]
    child = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE)
    until = time.monotonic() + 240
    while len(list(tmp_path.glob("call-*"))) < 3 and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    _, told = child.communicate()
    assert child.returncode == -signal.SIGKILL, told.decode()[-2000:]
    return tmp_path


def test_a_killed_fit_goes_on_with_the_same_draws(killed, made, make_model, monkeypatch):
    done = len(list(killed.glob("call-*")))
    calls, real = [], Chains._call

    def count(self, *arguments):
        calls.append(arguments)
        return real(self, *arguments)

    monkeypatch.setattr(Chains, "_call", count)
    panel = made.panel.iloc[: made.fitted]
    resumed = make_model(sampling=SHORT).fit(panel, checkpoint=killed)
    taken = len(calls)
    free = make_model(sampling=SHORT).fit(panel)
    needed = len(calls) - taken
    assert 3 <= done < needed
    assert taken == needed - done
    for group in ("unconstrained", "posterior", "sample_stats"):
        for name in free._draws[group].data_vars:
            np.testing.assert_array_equal(resumed._draws[group][name], free._draws[group][name])
