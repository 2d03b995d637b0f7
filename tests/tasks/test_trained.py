from tasks.trained import courses_of, metrics_of

DIAGNOSTICS = {
    "rows": 10,
    "converged": True,
    "engine": "rows",
    "loss": 0.5,
    "noise": float("inf"),
    "loss_trace": [2.0, 1.0, 0.5],
    "learning_curve": [
        {"epoch": 1, "train_loss": 3.0, "held_out_loss": None},
        {"epoch": 2, "train_loss": 2.0, "held_out_loss": 4.0},
    ],
    "held_out_wape_by_origin": {"41": 0.25, "54": 0.1},
    "decay": {"tv": 0.6, "curve": "hill"},
    "levels": [{"by": "bottom", "discount": 0.9}],
}


def test_numbers_that_went_on_are_courses():
    assert courses_of(DIAGNOSTICS) == {
        "loss": [(0, 2.0), (1, 1.0), (2, 0.5)],
        "train_loss": [(1, 3.0), (2, 2.0)],
        "held_out_loss": [(2, 4.0)],
        "held_out_wape_by_origin": [(41, 0.25), (54, 0.1)],
    }


def test_the_others_are_metrics_once():
    assert metrics_of(DIAGNOSTICS) == {"rows": 10.0, "converged": 1.0, "decay.tv": 0.6}


def test_a_fit_that_tells_no_course_keeps_its_last_loss():
    assert courses_of({"loss": 0.5}) == {}
    assert metrics_of({"loss": 0.5}) == {"loss": 0.5}
