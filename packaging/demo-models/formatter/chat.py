"""ChatML layout, the system prompts and their variants for training."""

from pathlib import Path

from . import lexicon

_PROMPT_FOLDER = Path(__file__).parents[3] / "assets" / "prompts"
PROMPTS = {c: (_PROMPT_FOLDER / f"{c}.txt").read_text().strip() for c in lexicon.CONTEXTS}
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# Sentences as other people's prompts may have them: only the context's line may matter to the model.
LINES = (Path(__file__).parent / "training-lines.txt").read_text().splitlines()


def head(system):
    """All that stands before the transcript."""
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"


def middle():
    """All that stands between the transcript and the finished text."""
    return "<|im_end|>\n<|im_start|>assistant\n"


def between():
    """All that stands between a finished text and the transcript that goes on with it."""
    return "<|im_end|>\n<|im_start|>user\n"


def random_system(rng, context, example):
    """A short system prompt with the context's line somewhere; `example` makes few-shot pairs."""
    r = rng.random()
    marker = f"Context: {context}"
    if rng.random() < 0.1:
        marker = rng.choice([marker.lower(), marker + ".", f"Context: {context.capitalize()}"])
    if r < 0.25:
        return marker
    lines = rng.sample(LINES, rng.randint(1, 7))
    if rng.random() < 0.3:
        lines = ["- " + line for line in lines]
    at = 0 if rng.random() < 0.6 else rng.randint(0, len(lines))
    lines.insert(at, marker)
    if r < 0.35 and context == "default":
        lines.pop(at)  # no marker at all: default
    text = rng.choice(["\n", "\n", " "]).join(lines) if rng.random() < 0.8 else "\n\n".join(lines)
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        said, written = example()
        text += f"\nInput: {said}\nOutput: {written}"
    return text


def full_system(rng, context, example):
    """The real prompt, at times with lines moved, dropped or other examples."""
    text = PROMPTS[context]
    if rng.random() < 0.5:
        return text
    first, rest = text.split("\n", 1)
    rules, shots = rest.split("\nExamples:\n") if "\nExamples:\n" in rest else (rest, "")
    if rng.random() < 0.5:
        pairs = (example() for _ in range(rng.randint(1, 4)))
        shots = "\n".join(f"Input: {said}\nOutput: {written}" for said, written in pairs)
    lines = [line for line in rules.split("\n") if not line.startswith("- ") or rng.random() < 0.9]
    if rng.random() < 0.2:
        lines.insert(rng.randint(0, len(lines)), first)
        first = ""
    return "\n".join([first] * bool(first) + lines) + ("\n\nExamples:\n" + shots if shots else "")
