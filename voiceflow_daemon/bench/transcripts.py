"""What is dictated while measuring: made up of the demo models' own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rest:
    """What follows the prefix: a transcript and the template's suffix. `key` ends the figures' names."""

    key: str
    title: str
    transcript: str


MEDIAN = "please send the monthly reports to the whole team before friday and remind julia about lunch"
"""92 characters: the median of 137,986 real dictations (EnviousWispr#2005)."""

NINETIETH = (
    "we looked at the budget this morning and it is a little higher than last year so um i think we"
    " should talk about it in the meeting on tuesday at three thirty and david will bring the new"
    " numbers the client wants an answer by the end of the week so please check the invoice and the"
    " contract before then if there is any question you can call me in the afternoon or write a short"
    " message and i will get back to you"
)
"""411 characters: nine of ten real dictations are shorter."""

EARLIER = "remember to call my sister tonight"
"""Dictated before each measured one, and in no word like them: nobody says the same thing twice."""

RESTS = (
    Rest("", "nothing but the template's suffix", ""),
    Rest("_92", "92 characters dictated", MEDIAN),
    Rest("_411", "411 characters dictated", NINETIETH),
)
