"""A training checkpoint as a CTranslate2 model, by way of transformers.

python -m speech.export --work work --out ../../assets/demo/speech
"""

import argparse
import json
import shutil
import subprocess
from pathlib import Path

import torch
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from .model import (
    D_MODEL,
    DEC_FFN,
    DEC_LAYERS,
    ENC_FFN,
    ENC_LAYERS,
    GUIDED_HEADS,
    HEADS,
    MAX_TEXT,
    Whisper,
)
from .tokenizer import WINDOW, Vocab

TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": "<|endoftext|>",
    "bos_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
    "model_max_length": MAX_TEXT,
}
PREPROCESSOR_CONFIG = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16000,
}


def hub_model(voc, state):
    """The checkpoint as transformers' Whisper, proved to give the same logits as ours."""
    ours = Whisper(voc.size).eval()
    ours.load_state_dict(state, strict=False)  # older checkpoints lack newer training heads
    config = WhisperConfig(
        vocab_size=voc.size,
        num_mel_bins=80,
        d_model=D_MODEL,
        max_source_positions=WINDOW,
        max_target_positions=MAX_TEXT,
        encoder_layers=ENC_LAYERS,
        encoder_attention_heads=HEADS,
        encoder_ffn_dim=ENC_FFN,
        decoder_layers=DEC_LAYERS,
        decoder_attention_heads=HEADS,
        decoder_ffn_dim=DEC_FFN,
        decoder_start_token_id=voc.sot,
        bos_token_id=voc.eot,
        eos_token_id=voc.eot,
        pad_token_id=voc.eot,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    theirs = WhisperForConditionalGeneration(config).eval()
    state = {k: v for k, v in state.items() if k.startswith("model.")}
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    theirs.load_state_dict(state)
    mel, tokens = torch.randn(1, 80, 2 * WINDOW), torch.tensor([[voc.sot, voc.nots, 300]])
    with torch.no_grad():
        gap = (theirs(input_features=mel, decoder_input_ids=tokens).logits - ours(mel, tokens)[0]).abs().max()
    assert gap < 1e-3, gap
    theirs.generation_config = GenerationConfig.from_dict(
        {
            "suppress_tokens": [voc.sot, voc.prev, voc.nospeech, *range(voc.sot + 1, voc.nots)],
            # Whisper also bars <|endoftext|> from the first place; here silence may end at once.
            "begin_suppress_tokens": voc.text(" "),
            "alignment_heads": [list(head) for head in GUIDED_HEADS],
            "lang_to_id": {"<|en|>": voc.sot + 1},
            "eos_token_id": voc.eot,
            "pad_token_id": voc.eot,
            "decoder_start_token_id": voc.sot,
        }
    )
    return theirs


def main():
    """Write the transformers checkpoint under the work folder and convert it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--checkpoint", help="default: long.pt in the work folder")
    parser.add_argument("--out", required=True)
    parser.add_argument("--quantization", default="int8_float16")
    args = parser.parse_args()
    state = torch.load(args.checkpoint or args.work / "long.pt")
    hub = args.work / "hub"
    shutil.rmtree(hub, ignore_errors=True)
    hub_model(Vocab(args.work / "tokenizer.json"), state).save_pretrained(hub)
    shutil.copy(args.work / "tokenizer.json", hub)
    (hub / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG))
    (hub / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR_CONFIG, indent=1))
    convert = ["ct2-transformers-converter", "--model", str(hub), "--output_dir", args.out, "--force"]
    convert += ["--quantization", args.quantization]
    convert += ["--copy_files", "tokenizer.json", "preprocessor_config.json"]
    subprocess.run(convert, check=True)


if __name__ == "__main__":
    main()
