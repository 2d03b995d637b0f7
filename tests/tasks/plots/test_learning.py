from tasks.plots.learning import draw_learning


def test_training_by_epochs_shows_both_losses_and_the_best_epoch():
    curve = [{"epoch": e, "train_loss": 1 / e, "held_out_loss": 2 / e} for e in (1, 2, 3)]
    axes = draw_learning({"learning_curve": curve, "best_epoch": 3}).axes[0]
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert drawn["training"] == [1, 1 / 2, 1 / 3]
    assert drawn["held-out periods"] == [2, 1, 2 / 3]
    assert "best epoch" in drawn


def test_a_history_too_short_to_hold_out_has_one_line():
    axes = draw_learning({"learning_curve": [{"epoch": 1, "train_loss": 1.0, "held_out_loss": None}]}).axes[0]
    assert [line.get_label() for line in axes.lines] == ["training"]


def test_an_optimisers_trace_is_drawn_above_its_end():
    axes = draw_learning({"loss_trace": [3.0, 1.5, 1.0]}).axes[0]
    assert list(axes.lines[0].get_ydata()) == [2.0, 0.5]
    assert axes.get_yscale() == "log"


def test_nothing_is_drawn_of_nothing():
    assert draw_learning({}) is None
    assert draw_learning({"loss_trace": [1.0]}) is None
    assert draw_learning({"loss_trace": [1.0, 1.0]}) is not None
