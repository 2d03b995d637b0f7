"""Many machines find what one finds."""

import numpy as np
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref.material import Material
from hierforecast.hiref.rounds import first_round
from hierforecast.hiref.streaming.cluster import group_files
from hierforecast.hiref.streaming.files import list_files
from hierforecast.hiref.streaming.material import from_files, make_plan
from hierforecast.hiref.streaming.survey import survey_files, total_of

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


@pytest.fixture(scope="module")
def client():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=50
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def groups_of(paths, settings, training) -> list[list[str]]:
    parts = survey_files(list_files(paths), settings)
    groups = group_files(parts, make_plan(total_of(parts), settings, training))
    return sorted(sorted(file.path for file in files) for files, _ in groups)


def assert_same(found: Material, expected: Material) -> None:
    assert (found.cuts, found.rows, found.link) == (expected.cuts, expected.rows, expected.link)
    for mine, theirs in zip(found.blocks, expected.blocks, strict=True):
        scale = np.abs(theirs.products).max(axis=0)
        np.testing.assert_allclose(mine.products / scale, theirs.products / scale, atol=1e-8)
    assert found.design.facts.keys() == expected.design.facts.keys()
    for kind in ("states", "tails"):
        for name, memory in getattr(expected.design.carry, kind).items():
            np.testing.assert_allclose(getattr(found.design.carry, kind)[name], memory, atol=1e-12)
    for name in ("X", "target", "value"):
        np.testing.assert_allclose(getattr(found.recent, name), getattr(expected.recent, name), atol=1e-10)
    np.testing.assert_array_equal(found.recent.rows.series, expected.recent.rows.series)
    np.testing.assert_array_equal(found.recent.rows.period, expected.recent.rows.period)


@pytest.mark.parametrize("layout", ["partitioned", "cut_by_time"])
@pytest.mark.parametrize("kind", ["carrying", "plain"])
def test_a_cluster_finds_what_one_machine_finds(layout, kind, rows, write, training, client, tmp_path, request):
    settings = request.getfixturevalue(kind)
    paths = write(layout, rows, tmp_path)
    found, expected = from_files(paths, settings, training, client=client), from_files(paths, settings, training)
    assert_same(found, expected)
    training = training.model_copy(update={"loss": "poisson", "discount": 0.98})
    design, means = expected.design, expected.means()
    near = first_round(
        expected.link, training, means, expected.logs, len(design.columns.names), design.first_driver, design.end
    )
    theirs = expected.sum_round(near, 90).products
    scale = np.abs(theirs).max(axis=0)
    np.testing.assert_allclose(found.sum_round(near, 90).products / scale, theirs / scale, atol=1e-8)


def test_only_files_that_share_a_carrying_series_wait_for_each_other(rows, carrying, plain, write, training, tmp_path):
    by_time = write("cut_by_time", rows, tmp_path / "time")
    assert groups_of(by_time, carrying, training) == [sorted(map(str, by_time))]
    assert len(groups_of(by_time, plain, training)) == 4
    folder = write("partitioned", rows, tmp_path / "state")
    assert len(groups_of(folder, carrying, training)) == 10
    late = rows["week"] >= rows["week"].unique()[50]
    mixed = [write("partitioned", piece, tmp_path / name) for name, piece in {"a": rows[~late], "b": rows[late]}.items()]
    found = groups_of(mixed, carrying, training)
    assert [len(group) for group in found] == [2] * 10
    assert all(len({path.split("/state=")[1] for path in group}) == 1 for group in found)


def test_a_worker_names_the_file_it_could_not_use(rows, plain, write, training, client, tmp_path):
    path = write("by_series", rows.assign(tv=np.nan), tmp_path)
    with pytest.raises(PanelError, match=r"one.parquet': driver 'tv'"):
        from_files(path, plain, training, client=client)
