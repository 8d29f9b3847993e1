"""The English words that the rules know."""

from __future__ import annotations

from voiceflow_daemon.text.phrases import PhraseBook, word_set


def _counted(words: str, start: int, step: int = 1) -> dict[str, int]:
    return {word: start + step * index for index, word in enumerate(words.split())}


DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = word_set("january february april june july august september october november december")
MAYBE_MONTHS = word_set("may march")
"""A month only behind one of MONTH_LEADS or before a number."""
MONTH_LEADS = word_set("in of on by until since last next this early late")
DATE_LEADS = MONTH_LEADS | word_set("the is was to from for before after between starting due today tomorrow")
"""Behind these, or at the start, 'may first' is a date: not in 'you may first check'."""
NAMES = word_set("""
    anna bob tom maria peter susan david laura james emma oliver sophie daniel julia michael sarah kevin
    linda robert alice charles diana edward fiona george grace hannah isaac jack karen leo martin nina
    oscar paula quentin rachel simon tina victor wendy xavier yvonne zoe adam brian claire dennis ellen
    frank gary helen ian jane kate lucas megan nathan olivia patrick rebecca samuel thomas ursula
    vincent walter amy ben chris derek eva felix greg henry irene jason kelly lisa monica nick paul
    richard steven teresa tim carlos priya ahmed chen yuki ivan olga raj mei john mary alex sam max ruby
    ella noah liam mia lucy harry joe dan matt jenny elena marco smith johnson miller garcia brown jones
    wilson taylor
""")
NAMES_LIKE_WORDS = word_set("brown grace frank max")
"""Names that are also plain words: small behind one of NO_NAME_LEADS."""
NO_NAME_LEADS = word_set("a an the very dark light some more is are was be")
PLACES = word_set("""
    london paris berlin madrid rome vienna boston chicago dublin oslo tokyo sydney toronto france
    germany spain italy england ireland japan canada america europe india china texas california english
    french german spanish italian american british python linux github google docker microsoft amazon
""")
PROPER = DAYS | MONTHS | NAMES | PLACES
TITLES = word_set("mr mrs ms dr doctor professor")

HESITATIONS = word_set("um uh erm er uhm umm uhh hmm")
YOU_KNOW_LEADS = word_set(
    "do did does don't didn't let if as would should when before will could can what that make"
    " people person everyone everybody anyone anybody someone somebody everything anything"
)
YOU_KNOW_OBJECTS = word_set("what how if where who why when about the that him her it this my your")
YOU_KNOW_TORN = word_set("a an the to is was and but so of in it's just that's")
"""Behind these 'you know' is always a filler."""
LIKE_LEADS = word_set("and so but because then was")
"""Behind these, and at the start, 'like' is a filler in speech without marks."""
LIKENED = word_set("a an the my your his her our their some")
"""'it was like a dream'."""
REPEATABLE = word_set("very really so no bye ha had that far many way knock blah hip choo")

MARKERS = PhraseBook(
    "no make that", "no wait", "wait no", "no sorry", "sorry no", "actually no", "no actually", "no i mean",
    "or rather",
)  # fmt: skip
"""What always announces a correction."""
WEAK_MARKERS = PhraseBook("sorry", "wait", "i mean", "make that")
"""A correction only where the words around them match ('at two sorry three', not 'sorry for')."""
MARKER_TAILS = PhraseBook("actually", "sorry", "i mean", "rather", "wait", "no")
"""What may follow a marker and belongs to it: 'no wait actually'."""
NO_RESTART = word_set("i it we he she they you that this")
"""Words at which no sentence restarts after a weak marker: 'i am sorry i am late'."""
RESTART_LEADS = word_set("to for with the in on at a an my your our from by of")
"""Words at which a weak marker may restart a phrase."""
MARKER_OBJECTS = word_set("time times list lists")
"""Before these 'no wait' is no correction."""
HAVING = word_set("""
    is isn't are was were am i'm be been have has had i've we've there's it's that's here's we're they're
""")
"""Behind these 'no wait' and 'actually no' say that there is none."""
WAITING = word_set("there's have has had i've we've")
"""Behind these, or a verb behind 'there', 'no wait' says so; behind a bare 'is' somebody breaks off."""
NONE_ADVERBS = word_set("actually really currently absolutely basically usually still often always now just")
"""What may stand between: 'there is currently no wait'."""
SORRY_ADVERBS = word_set("so very really terribly awfully")
"""'i'm so sorry no ...'"""
NO_THINGS = word_set("one 1 longer more idea doubt matter need problem reason")
"""Before these the 'no' that ends a marker belongs to them: 'actually no one'."""
TIME_UNITS = word_set("second seconds minute minutes hour hours day days week weeks month months year years")
"""'wait five minutes'."""
MEANT_IT_TAILS = word_set("this that when with every from now seriously honestly truly as and so too in for")
"""Behind 'i mean it' these show that it is meant, and no filler before 'it is'."""
VERB_LEADS = word_set("""
    please to you not don't should must we i can could will would let's and or just never then they he she
    who may might cannot can't won't i'll we'll you'll they'll he'll she'll i'd we'd you'd they'd 'd people
    users customers everyone everybody someone somebody anyone anybody nobody
""")
"""Behind these 'delete that', 'make that' and 'wait' are verbs, meant as they are said."""
VERB_HELPERS = word_set("""
    let make help have do does did can could will would should may might don't doesn't didn't can't won't
""")
"""So with one word between: 'let me delete that', 'did anna delete that'."""
SCRATCH_VERB_LEADS = word_set("to not don't doesn't didn't never can't cannot won't")
"""'scratch that' is meant as it is said only behind these."""
TAIL_LEADS = word_set("a an per each tomorrow today tonight")
"""Words that stay behind a corrected number: 'twenty dollars a night no wait thirty'."""
SCRATCH = PhraseBook("scratch that", "strike that", "delete that")
CLAUSE_LEADS = word_set("the a an i we you he she they it this that there my our your please can could will")
"""With one of these a clause may begin after a pause."""
CONJUNCTIONS = word_set("and but because so then or which while although though unless since whereas")

MARK_BY_NAME = {
    "new paragraph": "\n\n", "new line": "\n", "newline": "\n", "question mark": "?", "exclamation mark": "!",
    "exclamation point": "!", "full stop": ".", "comma": ",", "colon": ":", "semicolon": ";",
}  # fmt: skip
SPOKEN_MARKS = PhraseBook(*MARK_BY_NAME)
"""All but 'period', which is often the word itself."""
MARK_NAME_LEADS = word_set("a an the another each every missing extra my our your their")
"""Behind these the name of a mark is the thing itself: 'add a comma'."""
COLON_LEADS_TO = word_set("cancer cancers surgery polyp polyps tumor tumors screening screenings cleanse")
"""Before these 'colon' is no mark."""
PERIOD_NAMES = word_set("grace reporting incubation probationary transitional")
"""'the grace period'; without an article 'grace' may be a name at the sentence's end."""
PERIOD_LEADS = MARK_NAME_LEADS | word_set(
    "this that per any long short trial time same notice waiting probation"
)

SPOKEN_SIGNS = PhraseBook(
    *MARK_BY_NAME, "open parenthesis", "close parenthesis", "open paren", "close paren", "left paren",
    "right paren", "open bracket", "close bracket", "left bracket", "right bracket", "open brace",
    "close brace", "open quote", "close quote", "open quotes", "close quotes", "end quote", "unquote",
    "quote", "bullet point", "new bullet", "ellipsis", "camel case", "snake case", "pascal case",
    "kebab case", "all caps", "backtick", "apostrophe",
)  # fmt: skip
SIGN_NAMES = {
    "dash": "-\u2013\u2014", "hyphen": "-", "minus": "-\u2212", "dot": ".", "slash": "/",
    "backslash": "\\", "underscore": "_", "plus": "+", "equals": "=", "equal": "=", "at": "@", "and": "&",
    "hash": "#", "hashtag": "#", "number": "#", "star": "*", "asterisk": "*", "times": "\u00d7*",
    "ampersand": "&", "pipe": "|", "tilde": "~", "degrees": "°", "greater": ">", "less": "<",
    "arrow": ">\u2192",
}  # fmt: skip
"""A word that may be written as a sign; left out only where the text has that sign."""

ONES = _counted("zero one two three four five six seven eight nine", start=0)
TEENS = _counted("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", start=10)
TENS = _counted("twenty thirty forty fifty sixty seventy eighty ninety", start=20, step=10)
SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
ORDINALS = (
    _counted("first second third fourth fifth sixth seventh eighth ninth tenth", start=1)
    | _counted("eleventh twelfth thirteenth fourteenth fifteenth sixteenth", start=11)
    | _counted("seventeenth eighteenth nineteenth twentieth", start=17)
    | {"thirtieth": 30}
)
NUMBER_WORDS = frozenset(ONES) | frozenset(TEENS) | frozenset(TENS) | frozenset(SCALES) | {"hundred"}
ORDINAL_LEADS = word_set("the a my our your his her their this that every")
"""Behind these 'twenty first' is one number."""
ONE_POINT_LEADS = word_set("at by up down")
"""Behind these 'one point' is no 1.5: 'at one point five people left'."""
NUMBER_UNITS = word_set("am pm percent dollars o'clock")
CLOCK_LEADS = word_set("at by until around before after from till about")

GREETINGS = PhraseBook("good morning", "good afternoon", "good evening", "hi", "hello", "hey", "dear")
GREETED_GROUPS = word_set("team everyone all there folks customer everybody colleagues")
CLOSINGS = PhraseBook(
    "best regards", "kind regards", "warm regards", "best wishes", "many thanks", "yours sincerely",
    "yours faithfully", "all the best", "talk to you soon", "talk soon", "sincerely", "regards",
)  # fmt: skip
SOFT_CLOSINGS = PhraseBook("thank you", "thanks", "cheers", "best")
"""A closing only with a name behind or a mark before."""

GREETED_OR_SUBJECTS = word_set("there everyone everybody all")
"""Of these a verb may be said: 'hey there is a problem', 'hello everyone is waiting'."""
TELLING = word_set(
    "is are was were isn't aren't wasn't weren't has have had will would can can't won't should"
)
"""With these behind it is no greeting, unless they ask on: 'hello all are you there'."""
ASKED_SUBJECTS = word_set("you we i they he she it anyone anybody someone somebody")
CLOSING_LEADS = word_set("my his their our your the a an say")
"""Behind these words a closing belongs to the sentence: 'give him my best regards', 'it was the best'."""
TALKING_LEADS = word_set("to let's i we i'll we'll can will could should")
"""Behind these 'talk soon' does."""
BEST_LEADS = word_set("is are was were be")
"""Behind these 'best' does."""
SENDING = word_set("send sends sent sending give gives gave")
"""Behind these 'kind regards' does where no name follows."""
WISHING = word_set("wish wishes wishing wished")
"""'we wish you all the best'."""
NO_SIGNATURE = word_set("""
    about this it soon today tomorrow tonight again next week month year indeed all everyone everybody you
    him her them us me my your our their very much too also just really later regarding more out up down
""")
"""No names that nobody knows: 'talk to you soon about this'."""

AUXILIARIES = word_set("""
    can could would will do does did is are was were should shall have has am can't couldn't wouldn't
    won't don't doesn't didn't isn't aren't wasn't weren't shouldn't haven't hasn't
""")
SUBJECTS = NAMES | word_set("""
    i you we they he she it this that these those there the a an my your our his her their anyone
    anybody someone somebody everyone everybody any some all
""")
MANY = word_set("we you they i these those")
"""Subjects of 'do' and 'have' that make a question of them by the order of the words alone."""
NEVER_ASKED = word_set("a an some it this that each")
"""'do it', 'have a seat': with one of these 'do' and 'have' tell somebody to."""
SHORTEST_QUESTION = 4
"""Words of a question with 'do' or 'have' and a noun: 'do the tests pass', not 'do the dishes'."""
IF_YOU_LEADS = word_set("need wish want require encounter prefer decide")
"""'should you need anything' is a condition."""
IF_YOU_HAVE = word_set("a an any further more other some questions trouble problems")
"""So is 'should you have any questions'; 'should you have told him' asks."""
GOING_ON = word_set("reminds means meant makes made brings leads explains")
"""'which reminds me' goes on from something said."""
WHICH_IS = word_set("why how what when where")
"""'which is why'."""
ASKING = word_set("what where who why how which when whose")
ASKING_SHORT = word_set("what's where's who's why's how's when's")
HOW_MUCH = word_set("many much long far often about soon old big late")
BEFORE_QUESTION = word_set("so and but or ok okay well hey hi hello also then")

SHORT_FORMS = {
    ("do", "not"): "don't", ("does", "not"): "doesn't", ("did", "not"): "didn't", ("is", "not"): "isn't",
    ("are", "not"): "aren't", ("will", "not"): "won't", ("can", "not"): "can't", ("i", "am"): "i'm",
    ("i", "will"): "i'll", ("it", "is"): "it's", ("that", "is"): "that's", ("we", "are"): "we're",
    ("we", "will"): "we'll", ("you", "are"): "you're", ("they", "are"): "they're",
}  # fmt: skip

STRESSED_LEADS = word_set("what who how where why here there than as whatever whoever wherever")
"""Behind these 'it is' stays long: 'here it is', 'as good as it is now'."""

NAMED_THINGS = word_set("""
    function variable method class constant file module field parameter argument property table key
    script branch package test
""")
NAME_ENDS = word_set("""
    and that which to in with for from is are should takes take returns return on of then it so when if
    the a an as by has have before after will can must does do into at or but because we i you called
    named whose where inside using instead needs here there again now please
""")
"""Words that end a spoken identifier."""
LONGEST_NAME = 3
