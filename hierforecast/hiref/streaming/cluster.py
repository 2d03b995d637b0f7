"""Both readings of a data set on a Dask cluster: a map over files and a tree of sums.

Files that share a series whose carry-over matters are read by one worker, one after another; all others side by side.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.carry import BEFORE_ALL, Carry
from hierforecast.hiref.rounds import Round
from hierforecast.hiref.streaming.files import DataFile
from hierforecast.hiref.streaming.keys import places_in
from hierforecast.hiref.streaming.passing import Passed, Plan, pass_over_files, placed, sum_round_over_files
from hierforecast.hiref.streaming.survey import Overview, in_time_order, survey_file
from hierforecast.schema import SalesPanel

if TYPE_CHECKING:
    from distributed import Client


class Shard(NamedTuple):
    """What a worker found.

    Args:
        members: (series of the shard,) places among all series, ascending.
        passed: of these series.
    """

    members: np.ndarray
    passed: Passed


def survey_on_cluster(files: Sequence[DataFile], settings: SalesPanel, client: "Client") -> tuple[Overview, ...]:
    """As `survey_files`, one task per file. Raises PanelError likewise."""
    return in_time_order(client.gather(client.map(survey_file, files, settings=settings, pure=False)), settings)


def pass_on_cluster(parts: Sequence[Overview], plan: Plan, client: "Client") -> Passed:
    """As `pass_over_files`, one task per group of files, added up two by two.

    Args:
        parts: one overview per file, sorted by time.
        plan: what to make of every row.
        client: its workers must see the files under the same paths.

    Raises:
        PanelError: as `pass_over_files`.
    """
    count = len(plan.hierarchy.series)
    found = []
    for files, members in group_files(parts, plan):
        # Scattered, because a plan with many series would weigh down the graph of tasks.
        own = client.scatter(_plan_of(members, plan), hash=False)
        found.append(client.submit(read_shard, files, own, members, pure=False))
    while len(found) > 1:
        pairs = zip_longest(found[::2], found[1::2])
        found = [one if other is None else client.submit(add_shards, one, other, pure=False) for one, other in pairs]
    shard = found[0].result()
    return placed(shard.passed, shard.members, count)


def sum_round_on_cluster(
    parts: Sequence[Overview], plan: Plan, client: "Client", near: Round, before: int | None
) -> np.ndarray:
    """As `sum_round_over_files`, one task per group of files."""
    tasks = []
    for files, members in group_files(parts, plan):
        some = {"baseline": near.baseline[members], "total": near.total[members], "means": near.means[members]}
        own = client.scatter((_plan_of(members, plan), replace(near, **some)), hash=False)
        tasks.append((members, client.submit(read_round, files, own, before, pure=False)))
    size = len(plan.design.columns.names) + 2
    products = np.zeros((len(plan.hierarchy.series), size, size))
    for members, task in tasks:
        products[members] += task.result()
    return products


def read_round(files: Sequence[DataFile], own: tuple[Plan, Round], before: int | None) -> np.ndarray:
    """One worker's task of a round."""
    return sum_round_over_files(files, *own, before)


def group_files(parts: Sequence[Overview], plan: Plan) -> list[tuple[tuple[DataFile, ...], np.ndarray]]:
    """Files that one worker must read in turn, with the (series of the group,) places of their series, ascending."""
    members = [places_in(plan.hierarchy, part.hierarchy) for part in parts]
    memory = plan.design.new_carry(0)
    if not (memory.states or memory.tails):
        return [(part.files, places) for part, places in zip(parts, members, strict=True)]
    group = np.full(len(plan.hierarchy.series), -1)
    for number, places in enumerate(members):
        others = np.unique(group[places])
        group[np.isin(group, others[others >= 0])] = number  # groups that meet in this file become one
        group[places] = number
    together: dict[int, list[int]] = {}
    for number, places in enumerate(members):
        together.setdefault(int(group[places[0]]), []).append(number)
    return [
        (tuple(file for number in numbers for file in parts[number].files), np.flatnonzero(group == which))
        for which, numbers in together.items()
    ]


def read_shard(files: Sequence[DataFile], plan: Plan, members: np.ndarray) -> Shard:
    """One worker's task."""
    return Shard(members, pass_over_files(files, plan))


def add_shards(one: Shard, other: Shard) -> Shard:
    """The sum of two shards."""
    members = np.union1d(one.members, other.members)
    first, second = (placed(shard.passed, np.searchsorted(members, shard.members), len(members)) for shard in (one, other))
    products = np.add(first.products, second.products, out=first.products)
    carry = _add_carries(first.carry, second.carry)
    return Shard(members, Passed(products, carry, first.pieces + second.pieces, first.rows + second.rows))


def _plan_of(members: np.ndarray, plan: Plan) -> Plan:
    """The plan for some of the series, (members,) places, renumbered from 0."""
    whole, past = plan.hierarchy, plan.design.past
    design = replace(plan.design, past=past and past._replace(means=past.means[members]))
    return plan._replace(hierarchy=Hierarchy(whole.levels, whole.nodes, whole.series[members]), design=design)


def _add_carries(one: Carry, other: Carry) -> Carry:
    if one.states or one.tails:
        return one + other
    # Nothing is carried from row to row, so files may share a series: what each found still adds up.
    through = np.maximum(one.through, other.through)
    return replace(replace(one, through=np.full_like(one.through, BEFORE_ALL)) + other, through=through)
