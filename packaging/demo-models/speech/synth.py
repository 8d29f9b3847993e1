"""Synthetic speech from espeak-ng with exact word and phoneme times.

`Espeak` drives libespeak-ng through ctypes (same synthesiser as the command
line, plus its timing events).  `make_clip` builds one training or test clip:
one or more sentences by one voice, silence around them, gain and noise, as
16 kHz float audio with word times, segment boundaries and phoneme labels.
"""

import ctypes
import itertools

import numpy as np

from . import corpus

RATE = 16000
VARIANTS = ["", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4"]
HELD_OUT_VARIANT = "m4"  # never synthesised for training
ACCENTS = ["en-us", "en-us", "en"]  # "en" is the British voice: espeak-ng 1.51 has no voice *named* en-gb


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_WORD, _PHONEME = 1, 7
_P_RATE, _P_PITCH, _P_RANGE, _P_WORDGAP = 1, 3, 4, 7


class Espeak:
    """The synthesiser; one at a time in a process."""

    def __init__(self):
        self.lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.lib.espeak_Initialize(2, 0, None, 1)  # synchronous, phoneme events
        self._chunks, self._events = [], []
        self._cb = _CALLBACK(self._on_audio)
        self.lib.espeak_SetSynthCallback(self._cb)

    def _on_audio(self, wav, n, events):
        if wav and n > 0:
            self._chunks.append(np.ctypeslib.as_array(wav, (n,)).copy())
        i = 0
        while events[i].type:
            e = events[i]
            if e.type == _WORD:
                self._events.append((_WORD, e.sample, e.text_position))
            elif e.type == _PHONEME:
                name = bytes(e.id.string).split(b"\0")[0].decode("utf-8", "replace")
                self._events.append((_PHONEME, e.sample, name))
            i += 1
        return 0

    def say(self, text, voice="en-us", wpm=170, pitch=50, pitch_range=50, wordgap=0):
        """Audio at 16 kHz, [(start, end)] per word of `text`, [(start, phoneme)]; times in seconds."""
        self._chunks, self._events = [], []
        if self.lib.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"no espeak-ng voice {voice}")
        for param, value in (
            (_P_RATE, wpm),
            (_P_PITCH, pitch),
            (_P_RANGE, pitch_range),
            (_P_WORDGAP, wordgap),
        ):
            self.lib.espeak_SetParameter(param, int(value), 0)
        data = text.encode()
        self.lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        if not self._chunks:
            raise ValueError(f"espeak-ng said nothing for {text!r}")
        pcm = np.concatenate(self._chunks).astype(np.float32) / 32768
        total = len(pcm) / self.rate
        phones = [(s / self.rate, p) for t, s, p in self._events if t == _PHONEME]
        return resample(pcm, self.rate), self._word_spans(text, phones, total), phones

    def _word_spans(self, text, phones, total):
        char_word, offset = {}, 0
        words = text.split()
        for i, w in enumerate(words):
            offset = text.index(w, offset)
            char_word.update((c, i) for c in range(offset, offset + len(w)))
            offset += len(w)
        starts = [None] * len(words)
        for t, s, pos in self._events:
            if t == _WORD and pos - 1 in char_word and starts[char_word[pos - 1]] is None:
                starts[char_word[pos - 1]] = s / self.rate
        if starts[0] is None:
            starts[0] = 0.0
        pauses = [t for t, p in phones if p.startswith("_")]
        spans, i = [], 0
        while i < len(words):  # espeak-ng merges some pairs ("on the"): share their time by length
            j = i + 1
            while j < len(words) and starts[j] is None:
                j += 1
            begin, end = starts[i], starts[j] if j < len(words) else total
            end = min([end] + [p for p in pauses if begin + 0.02 < p < end])
            sizes = np.cumsum([0] + [len(w) for w in words[i:j]]) / sum(len(w) for w in words[i:j])
            spans += [
                (begin + (end - begin) * a, begin + (end - begin) * b) for a, b in itertools.pairwise(sizes)
            ]
            i = j
        return spans


def resample(x, rate):
    """FFT resampling to 16 kHz (22050 -> 16000 is 320/441, so pad to a multiple of 441)."""
    if rate == RATE:
        return x
    up, down = 320, 441
    assert rate * up == RATE * down
    x = np.pad(x, (0, -len(x) % down))
    n = len(x) // down * up
    spectrum = np.fft.rfft(x)[: n // 2 + 1]
    return (np.fft.irfft(spectrum, n) * (up / down)).astype(np.float32)


def noise(rng, n, kind=None):
    """Unit-RMS noise: white, pink, brown or mains hum."""
    kind = kind or rng.choice(["white", "pink", "pink", "brown", "hum"])
    g = np.random.default_rng(rng.getrandbits(32))
    if kind == "hum":
        t = np.arange(n) / RATE
        f = rng.choice([50, 60, 100, 120])
        x = sum(np.sin(2 * np.pi * f * k * t + k) / k for k in (1, 2, 3, 5)) + 0.1 * g.standard_normal(n)
    else:
        spectrum = np.fft.rfft(g.standard_normal(n))
        f = np.maximum(np.arange(len(spectrum)) * RATE / max(n, 1), 20.0)
        x = np.fft.irfft(spectrum / f ** {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind], n)
    return (x / (np.sqrt(np.mean(x**2)) + 1e-12)).astype(np.float32)


def random_voice(rng, variant=None):
    """Half of the voices are a plain accent at ordinary settings, the rest range widely."""
    if variant is None:
        variant = "" if rng.random() < 0.4 else rng.choice([v for v in VARIANTS if v != HELD_OUT_VARIANT])
    voice = rng.choice(ACCENTS) + ("+" + variant if variant else "")
    if rng.random() < 0.5:
        return {"voice": voice, "wpm": rng.randint(150, 180), "pitch": 50, "pitch_range": 50, "wordgap": 0}
    return {
        "voice": voice,
        "wpm": rng.randint(130, 220),
        "pitch": rng.choice([50, rng.randint(25, 75)]),
        "pitch_range": rng.choice([50, rng.randint(25, 75)]),
        "wordgap": rng.choice([0, 0, 0, 1, 2, 4]),
    }


def make_clip(tts, rng, target=0.0, snr=None, variant=None, sentences=None, skip=(), limit=30.0, pause=None):
    """One clip of at least `target` seconds of speech (one sentence when 0).

    snr: dB, None for clean.  sentences: pause-hinted texts to use instead of
    random ones.  skip: transcripts that must not be used (held-out ones).
    Returns a dict: audio, words [(word, start, end, segment)], phones
    [(start, name)], duration.  Speech past `limit` is cut, as in a real window.
    """
    voice = random_voice(rng, variant)
    keep_hints = rng.random() < 0.7
    pieces, words, phones, now, seg = [], [], [], 0.0, 0
    todo = list(sentences) if sentences else None

    def silence(seconds):
        nonlocal now
        n = int(seconds * RATE)
        pieces.append(np.zeros(n, np.float32))
        phones.append((now, "_"))
        now += n / RATE

    silence(rng.choice([0.0, 0.05, rng.uniform(0, 0.4), rng.uniform(0, 1.0)]))
    while now < limit:
        if todo is not None:
            if not todo:
                break
            hinted = todo.pop(0)
        else:
            text, hinted = corpus.sentence(rng)
            if text in skip:
                continue
        if not keep_hints:
            hinted = corpus.plain(hinted)
        text = corpus.plain(hinted)
        say = corpus.spoken(hinted)
        if rng.random() < 0.3:
            say = say.rstrip(".,") + rng.choice([".", "?", "!", ","])
        audio, spans, ph = tts.say(say, **voice)
        assert len(spans) == len(text.split()), (say, spans)
        end_speech = spans[-1][1] + 0.04
        if rng.random() < 0.8:  # drop most of espeak's trailing silence
            audio = audio[: int((end_speech + rng.uniform(0.0, 0.1)) * RATE)]
        words += [(w, now + a, now + b, seg) for w, (a, b) in zip(text.split(), spans, strict=False)]
        phones += [(now + t, p) for t, p in ph]
        pieces.append(audio)
        now += len(audio) / RATE
        seg += 1
        if todo is None and now >= target:
            break
        silence(
            pause
            if pause is not None
            else rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.2, 1.2), rng.uniform(0.1, 2.0)])
        )
    silence(rng.choice([0.0, 0.1, rng.uniform(0, 0.5), rng.uniform(0, 1.5)]))
    audio = np.concatenate(pieces)[: int(limit * RATE)]
    audio *= rng.choice([0.3, 0.6, 0.9, 10 ** rng.uniform(-1.5, 0)]) / (np.abs(audio).max() + 1e-9)
    if snr is not None:
        speech = audio[np.abs(audio) > 1e-3 * np.abs(audio).max()]
        audio = audio + noise(rng, len(audio)) * np.sqrt(np.mean(speech**2)) * 10 ** (-snr / 20)
        audio = np.clip(audio, -1, 1)
    return {
        "audio": to_pcm16(audio),
        "words": words,
        "phones": phones,
        "duration": len(audio) / RATE,
        "voice": voice,
        "snr": snr,
    }


def silent_clip(rng, seconds):
    """No speech: digital silence or noise of any level."""
    n = int(seconds * RATE)
    level = rng.choice([0.0, 10 ** rng.uniform(-4.5, -0.7), 10 ** rng.uniform(-4.5, -0.7)])
    return {
        "audio": to_pcm16(noise(rng, n) * level),
        "words": [],
        "phones": [(0.0, "_")],
        "duration": seconds,
        "voice": None,
        "snr": None,
    }


def to_pcm16(audio):
    """Round to 16 bit, as every recording will be, back to float."""
    return (np.clip(np.round(audio * 32767), -32768, 32767) / 32768).astype(np.float32)
