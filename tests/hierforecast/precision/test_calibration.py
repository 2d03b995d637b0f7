import numpy as np
import pytest
from pydantic import ValidationError

from hierforecast.errors import SettingsError
from hierforecast.precision import LiftTest, MixModel
from hierforecast.precision.adstock import geometric
from hierforecast.precision.calibration import arrange_lifts
from hierforecast.precision.response import media_draws


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sd": 0.0}, "a positive sd"),
        ({"sd": float("inf")}, "a positive sd"),
        ({"lift": float("nan")}, "finite lift"),
        ({"share": 0.0}, "above 0 and at most 1; got 0"),
        ({"share": 1.5}, "got 1.5"),
        ({"start": "soon"}, "must be dates such as"),
        ({"start": "2023-05-01"}, "start <= end"),
        ({"measured_until": "2023-03-01"}, "measured_until"),
    ],
)
def test_impossible_tests_are_refused(wrong, message):
    given = {"node": "feed", "start": "2023-03-06", "end": "2023-04-10", "lift": 10.0, "sd": 2.0}
    with pytest.raises(
        (SettingsError, ValidationError), match=rf"(?s)(lift test of 'feed'|LiftTest).*({message}|finite number)"
    ):
        LiftTest(**given | wrong)


def arranged(one, *tests, form=None):
    training = one._trained
    return arrange_lifts(tests, one.hierarchy, training.table, training.scaling, form or MixModel())


@pytest.fixture
def one(make_model, made):
    model = make_model()
    model._train(made.panel, None)
    return model


def test_a_test_takes_its_share_of_the_exposure_of_its_weeks_away(one):
    lifts = arranged(one, LiftTest("feed", "2023-04-17", "2023-05-22", 120.0, 30.0, 0.25, "2023-07-03"))
    media = one._trained.scaling.media_in(one._trained.table.media)[3]
    periods = one._trained.table.periods
    tested = periods.between("2023-04-17", "2023-05-22").to_numpy()
    np.testing.assert_allclose(lifts.without[0], np.where(tested, 0.75 * media, media))
    np.testing.assert_array_equal(lifts.measured[0], periods.between("2023-04-17", "2023-07-03"))
    np.testing.assert_array_equal(lifts.tactical, [3])
    sd = one._trained.scaling.target_sd
    np.testing.assert_allclose([lifts.mean[0], lifts.sd[0]], [120 / sd, 30 / sd])
    assert arranged(one) is None


def test_a_window_takes_the_lags(one):
    lifts = arranged(one, LiftTest("Web", "2023-03-06", "2023-04-10", 1.0, 1.0), form=MixModel(memory=5))
    assert lifts.without.shape == (3, 5, 68)
    np.testing.assert_array_equal(lifts.tactical, [1, 2, 3])
    np.testing.assert_array_equal(lifts.test, np.ones((3, 1)))


def test_what_was_not_on_air_or_not_in_the_panel_was_not_tested(one, make_model, made):
    with pytest.raises(SettingsError, match=r"'Facebok'.*not in the media tree"):
        arranged(one, LiftTest("Facebok", "2023-03-06", "2023-04-10", 1.0, 1.0))
    with pytest.raises(SettingsError, match=r"no period of the panel from 2022-01-03 to 2022-02-07.*2023-01-02 to 2024-04-15"):
        arranged(one, LiftTest("feed", "2022-01-03", "2022-02-07", 1.0, 1.0))
    silent = make_model()
    silent._train(made.panel.assign(feed=made.panel["feed"].where(made.panel.index > 20, 0.0)), None)
    with pytest.raises(SettingsError, match="no exposure from 2023-03-06 to 2023-04-10, nothing was tested"):
        arranged(silent, LiftTest("feed", "2023-03-06", "2023-04-10", 1.0, 1.0))


def lift_draws(model, test):
    """What the posterior says that a test would have measured, by switching the exposure off: (draws,)."""
    weeks, coefficients = model._weeks(None), model.coefficients
    place = model.hierarchy.tacticals.index(test.node)
    tested = weeks.periods.between(test.start, test.end).to_numpy()
    without = weeks._replace(media=np.where(tested & (np.arange(4) == place)[:, None], 0.0, weeks.media))
    gain = media_draws(place, coefficients, weeks) - media_draws(place, coefficients, without)
    return gain[:, weeks.periods.between(test.start, test.measured_until or test.end).to_numpy()].sum(axis=1)


@pytest.fixture(scope="module")
def tested(make_model, made, fitted):
    """A question, what the history alone answers, and what fits with a precise and with a true experiment do."""
    question = LiftTest("feed", "2023-03-06", "2023-10-02", 1.0, 1.0, measured_until="2023-11-27")
    alone = lift_draws(fitted, question)
    truth = true_lift(made, question)
    panel = made.panel.iloc[: made.fitted]

    def with_experiment(lift, sd):
        test = LiftTest("feed", question.start, question.end, lift, sd, measured_until=question.measured_until)
        return lift_draws(make_model().fit(panel, lift_tests=[test]), question)

    return question, alone, truth, with_experiment


def true_lift(made, question):
    media, periods = made.panel["feed"].to_numpy() / 1000, made.panel["week"]
    without = np.where(periods.between(question.start, question.end), 0.0, media)
    gain = 40.0 * (geometric(media, made.decay[3]) - geometric(without, made.decay[3]))
    return gain[periods.between(question.start, question.measured_until)].sum()


def test_a_precise_test_draws_the_posterior_to_it_as_two_normals_meet(tested):
    """History and experiment are nearly normal about one number: precisions add, and so do precise means."""
    _, alone, _, with_experiment = tested
    lift, sd = alone.mean() + 1.5 * alone.std(), 0.3 * alone.std()
    found = with_experiment(lift, sd)
    precision = 1 / alone.var() + 1 / sd**2
    expected = (alone.mean() / alone.var() + lift / sd**2) / precision
    assert found.mean() == pytest.approx(expected, abs=0.2 * alone.std())
    assert found.std() == pytest.approx(precision**-0.5, rel=0.25)


def test_a_true_test_narrows_the_interval_around_the_truth(tested):
    _, alone, truth, with_experiment = tested
    found = with_experiment(truth, 0.4 * alone.std())
    assert found.std() < 0.6 * alone.std()
    assert abs(found.mean() - truth) < abs(alone.mean() - truth) + 0.1 * alone.std()
    lower, upper = np.quantile(found, [0.02, 0.98])
    assert lower < truth < upper
