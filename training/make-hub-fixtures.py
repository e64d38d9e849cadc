"""Writes `test/fixtures/hub`: small random models with the files, inputs and outputs of Hugging Face hub exports.

`python training/make-hub-fixtures.py` needs NumPy and onnx alone and writes the same bytes each time (`--output DIR`: elsewhere).
What each fixture reproduces, and from which source, is in `test/fixtures/hub/README.md`. `expected.json` holds what the same
weights compute without any graph.
"""

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hub_graphs import BOOL, FLOAT, INT64, GqaDecoder, GqaLayout, HubGraph, OptimumLearned, OptimumLlama
from hub_weights import (
    CONTEXT, TOKENIZER_VOCABULARY, LearnedShape, RotaryShape, Weights,
    learned_logits, learned_weights, rotary_logits, rotary_weights,
)  # fmt: skip

REPOSITORY = Path(__file__).parent.parent
PAD, BEGIN, END, USER = 0, 1, 2, 4
GENAI, HUGGING_FACE, OPTIMUM, OPTIMUM_MERGED = "onnxruntime-genai", "huggingface", "pytorch", "optimum-onnx"
# Longer than the sliding window of `gemma3`; arbitrary otherwise.
EXPECTED_TOKENS = [BEGIN, *((37 * place * place + 11 * place) % 249 + 6 for place in range(1, 28))]

LLAMA = RotaryShape(seed=1)
SMOLLM2 = RotaryShape(seed=2, width=48, heads=3, kv_heads=1, thetas=(100_000.0, 100_000.0))
QWEN2 = RotaryShape(seed=3, vocabulary=272, width=32, heads=2, kv_heads=1, thetas=(1e6, 1e6), epsilon=1e-6, has_qkv_biases=True)
QWEN3 = RotaryShape(seed=4, width=32, thetas=(1e6, 1e6), epsilon=1e-6, is_tied=False, has_head_norms=True)
GEMMA3 = RotaryShape(
    seed=5, vocabulary=256, width=48, kv_heads=1, thetas=(1e4, 1e6), windows=(16, -1), epsilon=1e-6, has_head_norms=True, is_gemma=True
)
LFM2 = RotaryShape(seed=6, width=48, heads=3, kv_heads=1, mixers=("convolution", "attention"), thetas=(1e6, 1e6), has_head_norms=True)
GPT2 = LearnedShape(seed=7, positions="past length", activation="gelu")
OPT = LearnedShape(seed=8, positions="mask", activation="relu", offset=2)
BLOOM = LearnedShape(seed=9, positions="slopes", activation="gelu", width=64, heads=4)


# --------------------------------------------------------------------------------------------------- configurations


def rotary_config(shape: RotaryShape, architecture: str, model_type: str, end: int | list[int], **more: object) -> dict:
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": len(shape.mixers),
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.thetas[-1],
        "tie_word_embeddings": shape.is_tied,
        "bos_token_id": BEGIN,
        "eos_token_id": end,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        **more,
    }


LLAMA_CONFIG = rotary_config(LLAMA, "LlamaForCausalLM", "llama", [END, USER], hidden_act="silu", pad_token_id=PAD)
HALF_CACHES = {"transformers.js_config": {"kv_cache_dtype": {"fp16": "float16", "q4f16": "float16"}}}
LLAMA_GENERATION = {"bos_token_id": BEGIN, "do_sample": True, "eos_token_id": [END, USER], "temperature": 0.6, "top_p": 0.9}
QWEN3_GENERATION = {
    "bos_token_id": END, "do_sample": True, "eos_token_id": [USER, END], "pad_token_id": END,
    "temperature": 0.6, "top_k": 20, "top_p": 0.95,
}  # fmt: skip
GEMMA3_GENERATION = {
    "bos_token_id": BEGIN, "cache_implementation": "hybrid", "do_sample": True, "eos_token_id": [END, USER], "pad_token_id": PAD,
    "top_k": 64, "top_p": 0.95,
}  # fmt: skip


def learned_config(shape: LearnedShape, architecture: str, model_type: str, **more: object) -> dict:
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "vocab_size": shape.vocabulary,
        "bos_token_id": BEGIN,
        "eos_token_id": END,
        "tie_word_embeddings": True,
        **more,
    }


GPT2_CONFIG = learned_config(
    GPT2, "GPT2LMHeadModel", "gpt2", activation_function="gelu_new", layer_norm_epsilon=GPT2.epsilon,
    n_ctx=CONTEXT, n_embd=GPT2.width, n_head=GPT2.heads, n_inner=GPT2.hidden, n_layer=GPT2.layers, n_positions=CONTEXT,
)  # fmt: skip
OPT_CONFIG = learned_config(
    OPT, "OPTForCausalLM", "opt", activation_function="relu", do_layer_norm_before=True, ffn_dim=OPT.hidden, hidden_size=OPT.width,
    max_position_embeddings=CONTEXT, num_attention_heads=OPT.heads, num_hidden_layers=OPT.layers, pad_token_id=PAD,
    word_embed_proj_dim=OPT.width,
)  # fmt: skip
BLOOM_CONFIG = learned_config(
    BLOOM, "BloomForCausalLM", "bloom", hidden_size=BLOOM.width, layer_norm_epsilon=BLOOM.epsilon, n_head=BLOOM.heads,
    n_layer=BLOOM.layers, pad_token_id=PAD, seq_length=CONTEXT,
)  # fmt: skip
T5_CONFIG = {
    "architectures": ["T5ForConditionalGeneration"],
    "model_type": "t5",
    "is_encoder_decoder": True,
    "vocab_size": TOKENIZER_VOCABULARY,
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 32,
    "num_heads": 2,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "n_positions": CONTEXT,
    "decoder_start_token_id": PAD,
    "eos_token_id": END,
    "pad_token_id": PAD,
}


# ------------------------------------------------------------------------------------------------------- fixtures


class Fixture:
    """A directory as on the hub."""

    def __init__(self, directory: Path, config: dict, generation: dict):
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        write_json(directory / "config.json", config)
        write_json(directory / "generation_config.json", generation)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(REPOSITORY / "models" / "tokenizer" / name, directory / name)

    def graph(self, graph: HubGraph, producer: str, name: str = "model.onnx", has_external_data: bool = False) -> None:
        # The model builders write opset 21; Optimum's exports are older.
        opset = 21 if producer in (GENAI, HUGGING_FACE) else 18
        graph.write(self.directory / "onnx" / name, producer, opset, has_external_data)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def gqa(shape: RotaryShape, layout: GqaLayout | None = None) -> HubGraph:
    return GqaDecoder(shape, rotary_weights(shape), layout or GqaLayout()).build()


def write_llamas(root: Path) -> None:
    weights = rotary_weights(LLAMA)

    def llama(name: str, **more: object) -> Fixture:
        return Fixture(root / name, LLAMA_CONFIG | more, LLAMA_GENERATION)

    llama("llama-optimum").graph(OptimumLlama(LLAMA, weights).build(), OPTIMUM)
    half = OptimumLlama(LLAMA, weights, is_half=True, has_old_axis_names=True)
    llama("llama-optimum-fp16", **HALF_CACHES).graph(half.build(), OPTIMUM, "model_fp16.onnx")
    llama("llama-gqa").graph(gqa(LLAMA), GENAI)
    llama("llama-gqa-packed").graph(gqa(LLAMA, GqaLayout(has_packed_qkv=True, has_num_logits_to_keep=True)), GENAI)
    newest = GqaLayout(has_packed_qkv=True, lists_keys_first=True, cache_width="kv_cache_dim")
    llama("llama-gqa-open-width").graph(gqa(LLAMA, newest), GENAI)
    external = {"transformers.js_config": {"use_external_data_format": {"model.onnx": 1}}}
    llama("llama-external", **external).graph(gqa(LLAMA), GENAI, has_external_data=True)
    llama("last-logits").graph(gqa(LLAMA, GqaLayout(is_last_logits_only=True)), GENAI)
    llama("embeds-only").graph(gqa(LLAMA, GqaLayout(has_inputs_embeds=True)), GENAI)


def write_other_families(root: Path) -> None:
    config = rotary_config(
        SMOLLM2, "LlamaForCausalLM", "llama", END, hidden_act="silu", is_llama_config=True, pad_token_id=END, **HALF_CACHES
    )  # fmt: skip
    generation = {"_from_model_config": True, "bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": END}
    smollm2 = Fixture(root / "smollm2-fp16", config, generation)
    smollm2.graph(gqa(SMOLLM2), GENAI)
    smollm2.graph(gqa(SMOLLM2, GqaLayout(is_half=True)), GENAI, "model_fp16.onnx")

    config = rotary_config(QWEN2, "Qwen2ForCausalLM", "qwen2", USER, hidden_act="silu", sliding_window=CONTEXT, use_sliding_window=False)
    generation = QWEN3_GENERATION | {"repetition_penalty": 1.1, "temperature": 0.7, "top_p": 0.8}
    Fixture(root / "qwen2-gqa", config, generation).graph(gqa(QWEN2, GqaLayout(has_num_logits_to_keep=True)), GENAI)

    config = rotary_config(QWEN3, "Qwen3ForCausalLM", "qwen3", USER, hidden_act="silu", attention_bias=False)
    layout = GqaLayout(has_position_ids=True, has_num_logits_to_keep=True)
    Fixture(root / "qwen3-gqa", config, QWEN3_GENERATION).graph(gqa(QWEN3, layout), GENAI)

    config = rotary_config(
        GEMMA3, "Gemma3ForCausalLM", "gemma3_text", [END, USER], hidden_activation="gelu_pytorch_tanh", pad_token_id=PAD,
        layer_types=["sliding_attention", "full_attention"], query_pre_attn_scalar=GEMMA3.head_width,
        rope_local_base_freq=GEMMA3.thetas[0], sliding_window=GEMMA3.windows[0],
    )  # fmt: skip
    Fixture(root / "gemma3", config, GEMMA3_GENERATION).graph(gqa(GEMMA3, GqaLayout(has_position_ids=True)), HUGGING_FACE)

    config = rotary_config(
        LFM2, "Lfm2ForCausalLM", "lfm2", USER, pad_token_id=PAD, norm_eps=LFM2.epsilon, conv_L_cache=3, conv_bias=False,
        layer_types=["conv", "full_attention"],
    )  # fmt: skip
    generation = {"bos_token_id": BEGIN, "eos_token_id": USER, "pad_token_id": PAD}
    Fixture(root / "recurrent", config, generation).graph(gqa(LFM2), GENAI)


def write_learned(root: Path) -> None:
    plain = {"_from_model_config": True, "bos_token_id": BEGIN, "eos_token_id": END}
    fixtures = (("gpt2-old-merged", GPT2, GPT2_CONFIG), ("opt-old-merged", OPT, OPT_CONFIG), ("rank3-cache", BLOOM, BLOOM_CONFIG))
    for name, shape, config in fixtures:
        producer = OPTIMUM if shape is BLOOM else OPTIMUM_MERGED
        Fixture(root / name, config, plain).graph(OptimumLearned(shape, learned_weights(shape)).build(), producer)


def write_encoder_decoder(root: Path) -> None:
    """The inputs and outputs of T5, and next to nothing in between: nobody should get as far as running it."""
    width, heads, head_width = T5_CONFIG["d_model"], T5_CONFIG["num_heads"], T5_CONFIG["d_kv"]
    weights = Weights(seed=10)
    weights.embedding(TOKENIZER_VOCABULARY, width)
    generation = {"_from_model_config": True, "decoder_start_token_id": PAD, "eos_token_id": END, "pad_token_id": PAD}
    fixture = Fixture(root / "encoder-decoder", T5_CONFIG, generation)

    encoder = HubGraph()
    encoder.input("input_ids", INT64, ["batch_size", "encoder_sequence_length"])
    encoder.input("attention_mask", INT64, ["batch_size", "encoder_sequence_length"])
    hidden = encoder.node("Gather", encoder.weight("embedding", weights.matrices["embedding"]), "input_ids", axis=0)
    mask = encoder.node("Unsqueeze", encoder.node("Cast", "attention_mask", to=FLOAT), encoder.integers(2))
    hidden = encoder.node("Mul", hidden, mask)
    encoder.named_output(hidden, "last_hidden_state", FLOAT, ["batch_size", "encoder_sequence_length", width])
    fixture.graph(encoder, OPTIMUM, "encoder_model.onnx")

    decoder = HubGraph()
    lengths = {"decoder": "past_decoder_sequence_length", "encoder": "encoder_sequence_length_out"}
    names = [(side, part) for side in lengths for part in ("key", "value")]
    decoder.input("encoder_attention_mask", INT64, ["batch_size", "encoder_sequence_length"])
    decoder.input("input_ids", INT64, ["batch_size", "decoder_sequence_length"])
    decoder.input("encoder_hidden_states", FLOAT, ["batch_size", "encoder_sequence_length", width])
    for side, part in names:
        decoder.input(f"past_key_values.0.{side}.{part}", FLOAT, ["batch_size", heads, lengths[side], head_width])
    decoder.input("use_cache_branch", BOOL, [1])
    embedding = decoder.weight("embedding", weights.matrices["embedding"])
    hidden = decoder.node("Gather", embedding, "input_ids", axis=0)
    mixed = decoder.node("Add", hidden, decoder.node("ReduceMean", "encoder_hidden_states", decoder.integers(1), keepdims=1))
    logits = decoder.node("MatMul", mixed, decoder.node("Transpose", embedding, perm=[1, 0]))
    decoder.named_output(logits, "logits", FLOAT, ["batch_size", "decoder_sequence_length", TOKENIZER_VOCABULARY])
    lengths["decoder"] = "past_decoder_sequence_length + 1"
    for side, part in names:
        source = hidden if side == "decoder" else "encoder_hidden_states"
        split = decoder.node("Reshape", source, decoder.integers(0, 0, heads, head_width))
        present = decoder.node("Transpose", split, perm=[0, 2, 1, 3])
        if side == "decoder":
            present = decoder.node("Concat", f"past_key_values.0.{side}.{part}", present, axis=2)
        decoder.named_output(present, f"present.0.{side}.{part}", FLOAT, ["batch_size", heads, lengths[side], head_width])
    fixture.graph(decoder, OPTIMUM_MERGED, "decoder_model_merged.onnx")


def expected() -> dict:
    """Tokens, and for every set of weights the logits behind the last of them and the best token behind each."""
    shapes = {
        "llama": LLAMA, "smollm2": SMOLLM2, "qwen2": QWEN2, "qwen3": QWEN3, "gemma3": GEMMA3, "lfm2": LFM2,
        "gpt2": GPT2, "opt": OPT, "bloom": BLOOM,
    }  # fmt: skip

    def computed(shape: RotaryShape | LearnedShape) -> dict:
        if isinstance(shape, RotaryShape):
            logits = rotary_logits(shape, rotary_weights(shape), EXPECTED_TOKENS)
        else:
            logits = learned_logits(shape, learned_weights(shape), EXPECTED_TOKENS)
        return {"best": logits.argmax(-1).tolist(), "logits": np.round(logits[-1], 4).tolist()}

    return {"tokens": EXPECTED_TOKENS, "weights": {name: computed(shape) for name, shape in shapes.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "test" / "fixtures" / "hub")
    root = parser.parse_args().output
    writers: list[Callable[[Path], None]] = [write_llamas, write_other_families, write_learned, write_encoder_decoder]
    for write in writers:
        write(root)
    (root / "expected.json").write_text(json.dumps(expected()) + "\n")


if __name__ == "__main__":
    main()
