"""Made-up dictation for property tests: sentences with what speech has in it."""

from __future__ import annotations

from hypothesis import strategies as st


def _one_of(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split())


NOUNS = _one_of("report kitchen invoice garden release parser doctor window budget letter")
VERBS = _one_of("send check paint move read print cancel share open close")
NAMES = _one_of("anna bob maria peter ben julia kevin priya")
DAYS = _one_of("monday tuesday wednesday thursday friday")
HOURS = _one_of("two three four five six seven eight nine ten eleven")
MINUTES = st.sampled_from(["fifteen", "thirty", "forty five", "oh five"])
JOINTS = st.sampled_from(
    [
        "period",
        "comma",
        "question mark",
        "full stop",
        "new line",
        "new paragraph",
        "and",
        "but",
        "so",
        "because",
    ]
)
SECOND_WORDS = frozenset(("mark", "stop", "line", "paragraph", "called"))
"""Nobody hesitates before these."""
HESITATIONS = st.sampled_from(["um", "uh", "er", "hmm"])


@st.composite
def clauses(draw: st.DrawFn) -> str:
    """One clause, perhaps with a correction of like by like."""
    verb, noun, name = draw(VERBS), draw(NOUNS), draw(NAMES)
    day, other_day, hour = draw(DAYS), draw(DAYS), draw(HOURS)
    shapes = [
        f"please {verb} the {noun} on {day}",
        f"can you {verb} the {noun} for {name}",
        f"{name} will {verb} the {noun} at {hour} {draw(MINUTES)} pm",
        f"the {noun} is not ready until {day}",
        f"{verb} the {noun} on {day} no wait {other_day}",
        f"{verb} it with {name} i mean with {draw(NAMES)}",
        f"i do not know where the {noun} is",
        f"what time is the {noun}",
        f"it costs {hour} hundred dollars and {draw(HOURS)} percent",
        f"add a function called {verb} {noun} to the {draw(NOUNS)}",
    ]
    return draw(st.sampled_from(shapes))


@st.composite
def transcripts(draw: st.DrawFn) -> str:
    """A few clauses with spoken marks between them, hesitations and words said twice."""
    said = " ".join(
        f"{clause} {draw(JOINTS)}" for clause in draw(st.lists(clauses(), min_size=1, max_size=5))
    )
    words = said.split()
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(words) - 1))
        if words[place] not in SECOND_WORDS:
            words.insert(place, draw(HESITATIONS))
    return " ".join(words)


def number_words(value: int) -> str:
    """`value` (0 to 999,999) as it is said, without 'and'."""
    if value >= 1000:
        rest = value % 1000
        return f"{number_words(value // 1000)} thousand" + (f" {number_words(rest)}" if rest else "")
    if value >= 100:
        rest = value % 100
        return f"{ONES[value // 100]} hundred" + (f" {number_words(rest)}" if rest else "")
    if value >= 20:
        return TENS[value // 10] + (f" {ONES[value % 10]}" if value % 10 else "")
    return ONES[value]


LOW = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
ONES = [*LOW.split(), "seventeen", "eighteen", "nineteen"]
TENS = ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
