# ruff: noqa: SIM905 - word lists read better as text
"""The words that the formatter's rules know: `reference` applies them, `corpus` draws from them."""

CONTEXTS = ("default", "email", "slack", "code")

DAYS = set("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS = set("january february april june july august september october november december".split())
MAYBE_MONTHS = {"may", "march"}  # a month only after one of:
MONTH_LEAD = set("in of on by until since last next this early late".split())
NAMES = set(
    """anna bob tom maria peter susan david laura james emma oliver sophie daniel julia
michael sarah kevin linda robert alice charles diana edward fiona george grace hannah isaac jack karen
leo martin nina oscar paula quentin rachel simon tina victor wendy xavier yvonne zoe adam brian
claire dennis ellen frank gary helen ian jane kate lucas megan nathan olivia patrick rebecca
samuel thomas ursula vincent walter amy ben chris derek eva felix greg henry irene jason kelly
lisa monica nick paul richard steven teresa tim carlos priya ahmed chen yuki ivan olga raj mei
john mary alex sam max ruby ella noah liam mia lucy harry joe dan matt jenny elena marco
smith johnson miller garcia brown jones wilson taylor""".split()
)
PLACES = set(
    """london paris berlin madrid rome vienna boston chicago dublin oslo tokyo sydney toronto
france germany spain italy england ireland japan canada america europe india china texas
california english french german spanish italian american british python linux github google
docker microsoft amazon""".split()
)
PROPER = DAYS | MONTHS | NAMES | PLACES

FILLERS = {"um", "uh", "erm", "er", "uhm", "umm", "uhh", "hmm"}
YOU_KNOW_PREV = set(
    "do did does don't didn't let if as would should when before will could can what that make".split()
)
YOU_KNOW_NEXT = set("what how if where who why when about the that him her it this my your".split())
LIKE_PREV = {None, "and", "so", "but", "because", "then", "was", "just"}

KEEP_REPEATS = set("very really so no bye ha had that far many way".split())

MARKERS = [
    m.split()
    for m in (
        "no make that",
        "no wait",
        "no wait actually",
        "wait no",
        "no sorry",
        "sorry no",
        "actually no",
        "no actually",
        "no i mean",
        "make that",
        "or rather",
    )
]
# Only where the words around them match ('at two sorry three', not 'sorry for'); 'i mean' is else a filler.
WEAK_MARKERS = [["sorry"], ["wait"], ["i", "mean"]]

# Who begins a clause again does so with its first word, not with one of these.
NO_RESTART = set("the a an and or of to in on at for from with by is are was".split())

# 'scratch that' deletes the clause before it; so many words where no mark says where that begins,
LONGEST_SCRATCH = 12
# and so many back to a mark,
LONGEST_MARKED_SCRATCH = 24
# but no more than from the last of these behind a hesitation,
CLAUSE_OPENERS = set(
    "the a an i we you he she they it this that there my our your please can could will".split()
)
# or of these, if there is one.
CLAUSE_LEADS = set("and but because so then or which while although though unless since whereas".split())
SCRATCH = [m.split() for m in ("scratch that", "strike that", "delete that")]

SPOKEN = [
    (k.split(), v)
    for k, v in (
        ("new paragraph", "\n\n"),
        ("new line", "\n"),
        ("question mark", "?"),
        ("exclamation mark", "!"),
        ("exclamation point", "!"),
        ("full stop", "."),
        ("newline", "\n"),
        ("comma", ","),
        ("colon", ":"),
        ("semicolon", ";"),
    )
]
PERIOD_PREV = set("a the this that each per any every long short trial time same".split())
PUNCT = set(".,?!;:")
BREAK = {".", "?", "!", "\n", "\n\n"}
RANK = {",": 0, ";": 1, ":": 2, ".": 3, "!": 4, "?": 5}

ONES = {w: i for i, w in enumerate("zero one two three four five six seven eight nine".split())}
TEENS = {
    w: i + 10
    for i, w in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
}
TENS = {w: 10 * i + 20 for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())}
ORDINALS = {
    w: i + 1
    for i, w in enumerate(
        """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split()
    )
}
ORDINALS["thirtieth"] = 30
NUMBERISH = set(ONES) | set(TEENS) | set(TENS) | {"hundred", "thousand"}
NUM_TAIL = {"am", "pm", "percent", "dollars", "o'clock"}
# Stay behind a corrected number: 'twenty dollars a night no wait thirty'.
TAIL_LEADS = set("a an per each tomorrow today tonight".split())
TIME_LEAD = set("at by until around before after from till about".split())

GREET = [g.split() for g in ("good morning", "good afternoon", "good evening", "hi", "hello", "hey", "dear")]
GREET_GROUP = {"team", "everyone", "all", "there", "folks", "customer"}
CLOSINGS = [
    c.split()
    for c in (
        "best regards",
        "kind regards",
        "warm regards",
        "best wishes",
        "many thanks",
        "yours sincerely",
        "all the best",
        "talk to you soon",
        "talk soon",
        "sincerely",
        "regards",
    )
]
# These need a name after, or a mark before.
SOFT_CLOSINGS = [c.split() for c in ("thank you", "thanks", "cheers", "best")]

AUX = set(
    """can could would will do does did is are was were should shall have has am
can't couldn't wouldn't won't don't doesn't didn't isn't aren't wasn't weren't shouldn't haven't
hasn't""".split()
)
SUBJ = (
    set(
        """i you we they he she it this that these those there the a an my your our his her their
anyone anybody someone somebody everyone everybody any some all""".split()
    )
    | NAMES
)
WH = set("what where who why how which when whose".split())
WH_CONTR = set("what's where's who's why's how's when's".split())
HOW_NEXT = set("many much long far often about soon old big late".split())
Q_SKIP = set("so and but or ok okay well hey hi hello also then".split())

CONTRACT = {
    ("do", "not"): "don't",
    ("does", "not"): "doesn't",
    ("did", "not"): "didn't",
    ("is", "not"): "isn't",
    ("are", "not"): "aren't",
    ("will", "not"): "won't",
    ("can", "not"): "can't",
    ("i", "am"): "i'm",
    ("i", "will"): "i'll",
    ("it", "is"): "it's",
    ("that", "is"): "that's",
    ("we", "are"): "we're",
    ("we", "will"): "we'll",
    ("you", "are"): "you're",
    ("they", "are"): "they're",
}

KINDS = set(
    """function variable method class constant file module field parameter argument
property table key script branch package test""".split()
)
IDENT_STOP = set(
    """and that which to in with for from is are should takes take returns return on of then it
so when if the a an as by has have before after will can must does do into at or but because we i you
called named whose where inside using instead needs""".split()
) | {"here", "there", "again", "now", "please"}
MAX_IDENT = 3

RAW = "\x01"  # marks a token that must not be changed any more
