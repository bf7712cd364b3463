"""What deciding who answers costs: a line against a full transcript, on the mind's loop.

`python -m perf.decision --json`:
fourteen personas and ten people, 200 lines of 2000 characters, processor time a decision.
"""

import time
from datetime import UTC, datetime, timedelta

import numpy as np

from cognition.conversation.transcript import LIMIT, MAX_TEXT
from cognition.events import Heard
from cognition.inference.generator import FakeGenerator
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from perf.meeting import PERSONAS
from perf.report import Report, Result, run

__all__ = ["measure"]

PEOPLE = 10
DECISIONS = 100
TARGET_MS = 1.0
LONG = ("the quick brown fox, feeling well, was fixing a fence with Phoebe and the folks " * 25)[
    : MAX_TEXT - 8
]
SHORT = "I was in Lisbon last week, and it rained."
ASKING = "So, Nova and Felix, what do you two think about cooking?"


def _milliseconds(text: str) -> list[float]:
    personas = [
        Persona(name.lower(), name, PersonaVoice(), "You are warm.", ("cooking", "physics"))
        for name in PERSONAS
    ]
    mind = Mind(personas, FakeGenerator(["Fine."]))
    for persona in personas:
        mind.enter("room", persona.id, persona.name, "persona")
    for number in range(PEOPLE):
        mind.enter("room", f"p{number}", f"Person {number}", "person")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    spent = []
    for number in range(LIMIT + DECISIONS):
        at += timedelta(seconds=2)
        who = number % PEOPLE
        line = Heard("room", f"p{who}", f"Person {who}", f"{number} {text}", at)
        begun = time.thread_time_ns()
        mind.consider(line)
        if number >= LIMIT:
            spent.append((time.thread_time_ns() - begun) / 1e6)
        mind.record(line)
    return spent


def measure() -> Report:
    """Times lines of a sentence and of as many characters as a line keeps."""
    results = []
    for what, text in (
        ("a sentence", SHORT),
        ("a question to two", ASKING),
        (f"{MAX_TEXT} characters", LONG),
    ):
        spent = _milliseconds(text)
        for of in (50, 99):
            results.append(
                Result(
                    f"a decision on {what}, p{of}", "ms", float(np.percentile(spent, of)), target=TARGET_MS
                )
            )
    return Report("decision", results, [f"The {LIMIT} lines before it are of the same length."])


if __name__ == "__main__":
    run(measure)
