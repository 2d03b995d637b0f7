from matplotlib.figure import Figure

from tasks.plots.album import file_name, write_album


def test_a_picture_that_fails_is_told_and_the_others_stay(tmp_path):
    def broken() -> Figure:
        raise ZeroDivisionError("no sales")

    told = []
    pages = {"first": Figure, "broken": broken, "nothing to draw": lambda: None, "price (%) / unit": Figure}
    write_album(pages, tmp_path / "plots", tell=lambda name, error: told.append((name, str(error))))
    assert told == [("broken", "no sales")]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["first.png", "price_______unit.png"]
    assert (tmp_path / "plots/first.png").read_bytes().startswith(b"\x89PNG")


def test_names_stay_within_their_folder():
    assert file_name("../../effects über alles") == "______effects_über_alles.png"
