"""The recogniser's tokenizer: byte-level BPE in which every word of the vocabulary is one token.

Contractions are two (" i" "'m").
"""

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import corpus

WINDOW = 1500  # encoder positions in 30 s
FRAME = 0.02  # seconds of one encoder position
SPECIALS = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]


def build_tokenizer(path):
    """Write the tokenizer for the corpus's vocabulary."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=20000,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tok.train_from_iterator([" " + w for w in corpus.VOCAB], trainer)
    specials = SPECIALS + [f"<|{i * FRAME:.2f}|>" for i in range(WINDOW + 1)]
    tok.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in specials])
    tok.save(str(path))


class Vocab:
    """Token ids, as faster-whisper and CTranslate2 will look them up."""

    def __init__(self, path):
        self.tok = Tokenizer.from_file(str(path))
        tid = self.tok.token_to_id
        self.size = self.tok.get_vocab_size()
        self.eot, self.sot = tid("<|endoftext|>"), tid("<|startoftranscript|>")
        self.prev, self.nospeech, self.nots = (
            tid("<|startofprev|>"),
            tid("<|nospeech|>"),
            tid("<|notimestamps|>"),
        )
        self.ts0 = self.nots + 1
        self.word = {w: self.text(" " + w) for w in corpus.VOCAB}
        assert (tid("<|0.00|>"), tid("<|30.00|>")) == (self.ts0, self.size - 1)
        assert all(len(ids) == 1 or "'" in w for w, ids in self.word.items())

    def text(self, s):
        """The ids of a text."""
        return self.tok.encode(s, add_special_tokens=False).ids
