"""Who is champion: by the gates, by a person's word, by a rollback, and never by accident."""

import getpass
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from urllib.parse import urlparse

import mlflow
import pandas as pd
import pytest

from hierforecast.errors import BusyError, RegistryError
from hierforecast.gates import Decision
from tasks import locks
from tasks.registry import approval, promotion, versions
from tasks.registry.records import CHALLENGER, CHAMPION
from tests.support.shelf import ASKS, BROKEN, HELD, aliases, another, register


def test_promotion_moves_the_alias_and_writes_the_decision(shelf, trained):
    first = promotion.carry_out(register(trained), HELD)
    assert first.decision == "promoted"
    assert aliases(shelf) == {CHAMPION: "1"}
    second = promotion.carry_out(another(shelf, "2" * 64), BROKEN, expected_champion="1")
    assert second.decision == "kept"
    assert aliases(shelf) == {CHAMPION: "1", CHALLENGER: "2"}
    tags = shelf.get_model_version("demo-hiref", "2").tags
    assert tags["decision"] == "kept"
    assert json.loads(tags["decision_reasons"]) == [asdict(result) for result in BROKEN.results]
    promotion.carry_out(another(shelf, "3" * 64), HELD, expected_champion="1")
    assert aliases(shelf) == {CHAMPION: "3"}


def test_the_whole_decision_is_on_the_version_and_its_run(shelf, trained):
    first = promotion.carry_out(register(trained), HELD)
    made = another(shelf, "2" * 64)
    promotion.carry_out(made, BROKEN, expected_champion="1")
    promotion.carry_out(made, BROKEN, expected_champion="1")  # a rerun judges it again
    found = shelf.get_model_version("demo-hiref", "2")
    assert found.description == "Kept out: bottom WAPE is 0.9, at most 0.2."
    assert found.tags["judged_against"] == "1"
    assert Decision.from_json(mlflow.artifacts.load_text(f"runs:/{made.run_id}/decision.json")) == BROKEN
    shown = mlflow.artifacts.load_dict(f"runs:/{made.run_id}/shown/decision.json")
    assert shown["columns"] == ["gate", "value", "limit", "held", "sentence"]
    assert shown["data"] == [["bottom WAPE", 0.9, 0.2, "no", "bottom WAPE is 0.9, at most 0.2"]]
    assert shelf.get_model_version("demo-hiref", first.version).description == "Promoted: every gate held; fine."
    assert versions.find("demo", "hiref", "2" * 64).judged_against == "1"


def test_a_champion_that_was_moved_meanwhile_is_not_overwritten(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    ours, theirs = another(shelf, "2" * 64), another(shelf, "3" * 64)
    promotion.carry_out(theirs, HELD, expected_champion="1")
    for decision in (HELD, BROKEN):
        with pytest.raises(
            promotion.ChampionMovedError, match="version 2 was compared with version 1, and version 3 is champion"
        ):
            promotion.carry_out(ours, decision, expected_champion="1")
    assert aliases(shelf)[CHAMPION] == "3"
    assert "decision" not in shelf.get_model_version("demo-hiref", "2").tags
    promotion.carry_out(ours, HELD, expected_champion="3")
    promotion.carry_out(ours, HELD, expected_champion="3")  # a run that died after the alias was moved
    assert aliases(shelf)[CHAMPION] == "2"


def test_of_many_that_promote_at_once_one_wins(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    made = [another(shelf, str(number) * 64) for number in range(2, 6)]

    def promote(version):
        try:
            return promotion.carry_out(version, HELD, expected_champion="1").version
        except promotion.ChampionMovedError:
            return None

    with ThreadPoolExecutor(4) as threads:
        won = [version for version in threads.map(promote, made) if version]
    assert won == [aliases(shelf)[CHAMPION]]


def approve(number=None, **said):
    return approval.approve(approval.waiting("demo", "hiref", number), **said)


def roll_back(to=None, **said):
    now, then = promotion.find_rollback("demo", "hiref", to=to)
    promotion.roll_back(now, then, **said)
    return now, then


def test_what_waits_is_promoted_by_a_person(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    waits = promotion.carry_out(another(shelf, "2" * 64), ASKS, expected_champion="1")
    assert waits.decision == "waiting"
    assert aliases(shelf) == {CHAMPION: "1", CHALLENGER: "2"}
    approved = approve(by="anna", because="checked with sales")
    assert (approved.version, approved.decision) == ("2", "promoted")
    assert aliases(shelf) == {CHAMPION: "2"}
    found = shelf.get_model_version("demo-hiref", "2")
    assert found.description.startswith("Approved by anna: checked with sales. Waiting for approval: every gate held;")
    assert (found.tags["approved_by"], found.tags["decision"]) == ("anna", "promoted")
    assert datetime.fromisoformat(found.tags["approved_at"]).tzinfo
    with pytest.raises(RegistryError, match="'demo-hiref' has no version that waits for approval"):
        approve()
    with pytest.raises(RegistryError, match="version 1 does not wait for approval, it is promoted; waiting: none"):
        approve(number="1")


def test_what_was_compared_with_another_champion_is_approved_only_on_purpose(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    promotion.carry_out(another(shelf, "2" * 64), HELD, expected_champion="1")
    promotion.carry_out(another(shelf, "3" * 64), ASKS, expected_champion="2")
    roll_back()
    with pytest.raises(RegistryError, match=r"compared with version 2, and version 1 is champion now; .* --anyway"):
        approve()
    assert aliases(shelf)[CHAMPION] == "1"
    assert approve(anyway=True).version == "3"
    assert aliases(shelf)[CHAMPION] == "3"


def test_a_newer_version_takes_the_place_of_one_that_waits(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    promotion.carry_out(another(shelf, "2" * 64), ASKS, expected_champion="1")
    promotion.carry_out(another(shelf, "3" * 64), ASKS, expected_champion="1")
    older = shelf.get_model_version("demo-hiref", "2").tags
    assert (older["decision"], older["superseded_by"]) == ("superseded", "3")
    assert aliases(shelf) == {CHAMPION: "1", CHALLENGER: "3"}
    with pytest.raises(RegistryError, match="version 2 does not wait for approval, it is superseded; waiting: 3"):
        approve(number="2")


def test_a_person_may_refuse(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    promotion.carry_out(another(shelf, "2" * 64), ASKS, expected_champion="1")
    assert approval.refuse(approval.waiting("demo", "hiref"), because="not before the fair").decision == "refused"
    tags = shelf.get_model_version("demo-hiref", "2").tags
    assert (tags["decision"], tags["refused_by"], tags["refused_because"]) == (
        "refused",
        getpass.getuser(),
        "not before the fair",
    )
    assert aliases(shelf)[CHAMPION] == "1"
    assert "Refused by" in versions.find("demo", "hiref", "2" * 64).told


def test_a_refit_of_the_champion_challenges_nobody(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    another(shelf, "2" * 64)
    company, evidence, rows, answer = trained
    refit = versions.register(company, "hiref", "3" * 64, evidence, example=rows, answer=answer, as_challenger=False)
    promotion.carry_out(refit, HELD, expected_champion="1")
    assert aliases(shelf) == {CHAMPION: "3", CHALLENGER: "2"}


def test_rolling_back_puts_the_champion_before_it_back(shelf, trained):
    with pytest.raises(RegistryError, match="has no champion to roll back from"):
        roll_back()
    promotion.carry_out(register(trained), HELD)
    with pytest.raises(RegistryError, match="it was the first"):
        roll_back()
    promotion.carry_out(another(shelf, "2" * 64), BROKEN, expected_champion="1")
    promotion.carry_out(another(shelf, "3" * 64), HELD, expected_champion="1")
    before, now = roll_back(by="anna", because="promotions look odd")
    assert (before.version, now.version) == ("3", "1")  # 2 was never champion
    assert aliases(shelf)[CHAMPION] == "1"
    tags = shelf.get_model_version("demo-hiref", "3").tags
    assert (tags["rolled_back_to"], tags["rolled_back_by"]) == ("1", "anna")
    assert tags["rolled_back_because"] == "promotions look odd"
    assert datetime.fromisoformat(tags["rolled_back_at"]).tzinfo
    roll_back(to="3")
    assert aliases(shelf)[CHAMPION] == "3"
    with pytest.raises(RegistryError, match="cannot go back to version 9 from 3; other versions: 1, 2"):
        roll_back(to="9")
    roll_back(to="2")  # kept out once, but somebody asks for it by its number
    assert aliases(shelf)[CHAMPION] == "2"


def test_a_step_that_moved_the_champion_and_was_not_heard_is_done_again_without_harm(shelf, trained):
    """Its outage is asked about again with what was found before it."""
    promotion.carry_out(register(trained), HELD)
    promotion.carry_out(another(shelf, "2" * 64), HELD, expected_champion="1")
    promotion.carry_out(another(shelf, "3" * 64), HELD, expected_champion="2")
    found = promotion.find_rollback("demo", "hiref")
    for _ in range(2):
        promotion.roll_back(*found)
        assert aliases(shelf)[CHAMPION] == "2"
    promotion.carry_out(another(shelf, "4" * 64), ASKS, expected_champion="2")
    waits = approval.waiting("demo", "hiref")
    for _ in range(2):
        assert approval.approve(waits).decision == "promoted"
        assert aliases(shelf)[CHAMPION] == "4"


def test_the_champion_before_this_one_is_the_one_that_it_was_compared_with(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    promotion.carry_out(another(shelf, "2" * 64), HELD, expected_champion="1")
    roll_back()  # version 2 was bad
    promotion.carry_out(another(shelf, "3" * 64), HELD, expected_champion="1")
    assert roll_back()[1].version == "1"


def test_a_user_without_a_name_signs_by_number(monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 1001")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 1001)
    assert promotion.signature("approved", None, "")["approved_by"] == "uid 1001"


def test_who_waits_too_long_for_another_to_move_the_champion_is_told_of_which(shelf, trained, monkeypatch):
    monkeypatch.setattr(promotion, "_PATIENCE", 0.0)
    version = register(trained)
    with (
        locks.hold("demo-hiref.champion", "moving the champion", patience=0, tell=print),
        pytest.raises(BusyError, match="somebody else has been moving the champion of 'demo-hiref'"),
    ):
        promotion.carry_out(version, HELD)
    assert CHAMPION not in aliases(shelf)


def test_forecasts_are_the_same_bit_for_bit_after_rolling_back(shelf, trained):
    rows = trained[2]
    promotion.carry_out(register(trained), HELD)
    model, _ = versions.load_champion("demo", "hiref")
    wanted = model.metadata.get_input_schema().input_names()
    before = model.predict(rows[wanted])
    promotion.carry_out(another(shelf, "2" * 64), HELD, expected_champion="1")
    roll_back()
    again, version = versions.load_champion("demo", "hiref")
    assert version.version == "1"
    pd.testing.assert_frame_equal(again.predict(rows[wanted]), before, check_exact=True)


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_version_that_cannot_be_read_does_not_become_champion(shelf, trained, how):
    promotion.carry_out(register(trained), HELD)
    promotion.carry_out(another(shelf, "2" * 64), ASKS, expected_champion="1")
    spoil(shelf, "2", how)
    with pytest.raises(RegistryError, match=r"demo-hiref version 2"):
        approve()
    with pytest.raises(RegistryError, match=r"demo-hiref version 2"):
        roll_back(to="2")
    assert aliases(shelf)[CHAMPION] == "1"
    assert shelf.get_model_version("demo-hiref", "2").tags["decision"] == "waiting"
    assert "rolled_back_to" not in shelf.get_model_version("demo-hiref", "1").tags


def spoil(shelf, number: str, how: str) -> None:
    """Change a number in the arrays of a version's model, or remove the file."""
    folder = Path(urlparse(shelf.get_model_version_download_uri("demo-hiref", number)).path)
    (arrays,) = folder.rglob("arrays.safetensors")
    if how == "gone":
        arrays.unlink()
    else:
        content = bytearray(arrays.read_bytes())
        content[-1] ^= 1
        arrays.write_bytes(content)
