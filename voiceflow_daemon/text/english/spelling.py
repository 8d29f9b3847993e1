"""One spelling for words that are the same: short forms, casual forms, British and American."""

from __future__ import annotations

import re
import unicodedata

CASUAL = {
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "kinda": "kind of", "sorta": "sort of",
    "lemme": "let me", "gimme": "give me", "dunno": "do not know", "outta": "out of", "cause": "because",
    "cuz": "because", "coz": "because", "'cause": "because", "em": "them", "'em": "them", "ya": "you",
    "yeah": "yes", "yep": "yes", "yup": "yes", "ok": "okay", "til": "until", "till": "until",
    "thru": "through", "alright": "all right", "thanks": "thank you", "mister": "mr", "missus": "mrs",
    "doctor": "dr", "versus": "vs", "etcetera": "etc", "cannot": "can not", "dollar": "dollars",
    "buck": "dollars", "bucks": "dollars", "euro": "euros", "pound": "pounds", "cent": "cents",
    "tho": "though", "y'all": "you all", "ain't": "is not", "won't": "will not", "can't": "can not",
    "shan't": "shall not", "let's": "let us", "grey": "gray", "programme": "program",
    "catalogue": "catalog", "cheque": "check", "tyre": "tire",
}  # fmt: skip
"""Whole words -> what they stand for. Both sides are read by it, so it can only make things equal."""
BARE_SHORT_FORMS = {
    "dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "can not", "wont": "will not",
    "isnt": "is not", "arent": "are not", "wasnt": "was not", "werent": "were not", "havent": "have not",
    "hasnt": "has not", "hadnt": "had not", "wouldnt": "would not", "couldnt": "could not",
    "shouldnt": "should not", "im": "i am", "ive": "i have", "youre": "you are", "youve": "you have",
    "theyre": "they are", "weve": "we have", "thats": "that 's", "whats": "what 's", "heres": "here 's",
}  # fmt: skip
ENDINGS = {"'re": "are", "'ll": "will", "'ve": "have", "'m": "am", "'s": "'s", "'d": "'d"}
AMERICAN = tuple(
    (re.compile(british), american)
    for british, american in (
        (r"(?<=[a-z]{2})is(e|es|ed|ing|er|ers|ation|ations)$", r"iz\1"),
        (r"ys(e|es|ed|ing|er|ers)$", r"yz\1"),
        (r"(?<=[a-z]{2})our(s|ed|ing|ite|ites|able|ful|al|hood|hoods|er|ers)?$", r"or\1"),
        (r"(?<=[a-z]{2})tre(s|d)?$", r"ter\1"),
        (r"(?<=[a-z]{2})ll(ed|ing|er|ers|ation)$", r"l\1"),
        (r"(?<=[a-z]{2})ogue(s)?$", r"og\1"),
        (r"(?<=[a-z]{2})(ef|ff|ic)ence(s)?$", r"\1ense\2"),
    )
)
"""Endings of British spellings, made American on both sides (a word that it spoils is spoilt on both)."""


def spellings(word: str) -> tuple[str, ...]:
    """The units that `word` stands for: ("do", "not") for "don't", ("color",) for 'colour'.

    Not cached: a cache would keep what was dictated, in its order, for as long as the process lives.
    """
    plain = _without_accents(word.lower().replace("\u2019", "'"))
    for table in (CASUAL, BARE_SHORT_FORMS):
        if plain in table:
            return tuple(table[plain].split())
    if plain.endswith("n't") and len(plain) > 3:
        return plain[:-3], "not"
    for ending, full in ENDINGS.items():
        if plain.endswith(ending) and len(plain) > len(ending):
            return (*spellings(plain.removesuffix(ending)), full)
    for british, american in AMERICAN:
        plain = british.sub(american, plain)
    return (plain,)


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(character for character in decomposed if not unicodedata.combining(character))
