"""What is decided about a challenger: gate by gate, in one sentence, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Verdict = Literal["promoted", "waiting", "kept"]

_MOST_OF_A_SENTENCE = 300  # characters, where all of them together would be too long for a tag


@dataclass(frozen=True)
class GateResult:
    """One gate: its name, what was measured, the limit, whether it held, and a sentence for people.

    `value` is None where there was nothing to measure, `limit` where a number is told and not judged.
    """

    gate: str
    value: float | None
    limit: float | None
    held: bool
    sentence: str


@dataclass(frozen=True)
class Decision:
    """Whether a challenger is promoted, and the gates that say so.

    `manual` leaves the last word to a person: a challenger that holds every gate waits for it.
    """

    results: tuple[GateResult, ...]
    manual: bool = False

    @property
    def held(self) -> bool:
        """All gates held."""
        return all(result.held for result in self.results)

    @property
    def promoted(self) -> bool:
        """All gates held, and nobody has to be asked."""
        return self.verdict == "promoted"

    @property
    def verdict(self) -> Verdict:
        """As written on the version; of one that is kept out, the champion stays."""
        if not self.held:
            return "kept"
        return "waiting" if self.manual else "promoted"

    @property
    def summary(self) -> str:
        """One line: the verdict, and the gates that did not hold."""
        if not self.held:
            return "kept out: " + "; ".join(result.sentence for result in self.results if not result.held)
        return "waiting for approval: every gate held" if self.manual else "promoted: every gate held"

    @property
    def sentence(self) -> str:
        """What was decided and why, for the version's description: what did not hold, else the gate that compares."""
        if not self.held or not self.results:
            return f"{_capital(self.summary)}."
        compared = next((result for result in self.results if "WAPE" in result.gate), self.results[0])
        return f"{_capital(self.summary)}; {compared.sentence}."

    def to_json(self) -> str:
        """All of it as a JSON object: verdict, summary, manual, and the gates with the fields of `GateResult`."""
        gates = [asdict(result) for result in self.results]
        told = {"verdict": self.verdict, "summary": self.summary, "manual": self.manual, "gates": gates}
        return json.dumps(told, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """The inverse of `to_json`."""
        told = json.loads(text)
        return cls(tuple(GateResult(**fields) for fields in told["gates"]), manual=told["manual"])

    def reasons(self, *, most: int = 5000) -> str:
        """The gates as a JSON list of at most so many characters, which is what a registry's tag holds.

        Where they are longer, sentences are cut, and then gates that held are left out, the last one first.
        """
        listed = [asdict(result) for result in self.results]
        if len(_compact(listed)) > most:
            listed = [{**fields, "sentence": _cut(fields["sentence"], _MOST_OF_A_SENTENCE)} for fields in listed]
        while len(_compact(listed)) > most and len(listed) > 1:
            held = [place for place, fields in enumerate(listed) if fields["held"]]
            del listed[held[-1] if held else -1]
        return _compact(listed)


def _compact(listed: Sequence[dict[str, object]]) -> str:
    return json.dumps(listed, allow_nan=False, ensure_ascii=False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
