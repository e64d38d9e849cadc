"""Writes the bundled target and draft as GGUF for llama.cpp: `python training/export_gguf.py target draft`.

The weights are read out of the exported ONNX graphs and are the very float32 values those compute with, so that
benchmarks compare engines and not models. Needs `pip install gguf numpy onnx` and no training checkpoint.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "models"
TOKENIZER = MODELS / "tokenizer" / "tokenizer.json"
OUTPUT = ROOT / "bench" / "peers" / "models"


class Tensors:
    """Initialisers of a native graph, matrices dequantised, in the orientation [in, out] that MatMul wants."""

    def __init__(self, path: Path):
        graph = onnx.load(path).graph
        self.values = {value.name: numpy_helper.to_array(value) for value in graph.initializer}

    def norm(self, name: str) -> np.ndarray:
        return self.values[name]

    def matrix(self, name: str) -> np.ndarray:
        return self.values[f"{name}.int8"].astype(np.float32) * self.values[f"{name}.scale"]


def interleaved(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Rows [heads x head_width, in] from Hugging Face's rotary order, which turns the halves of a head against each
    other, to llama.cpp's, which turns neighbours."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_shape(writer: gguf.GGUFWriter, config: dict) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def write_vocabulary(writer: gguf.GGUFWriter, config: dict) -> None:
    """Enough to name tokens and to know the special ones. llama.cpp has no tokenizer of this kind: give it ids."""
    tokenizer = json.loads(TOKENIZER.read_text())
    tokens = [f"<unused {index}>" for index in range(config["vocab_size"])]
    kinds = [gguf.TokenType.UNUSED] * len(tokens)
    for token, index in tokenizer["model"]["vocab"].items():
        tokens[index], kinds[index] = token, gguf.TokenType.NORMAL
    for added in tokenizer["added_tokens"]:
        tokens[added["id"]], kinds[added["id"]] = added["content"], gguf.TokenType.CONTROL
    unknown = tokenizer["model"]["vocab"][tokenizer["model"]["unk_token"]]
    kinds[unknown] = gguf.TokenType.UNKNOWN
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_unk_token_id(unknown)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)


def write_weights(writer: gguf.GGUFWriter, config: dict, tensors: Tensors) -> None:
    """The head is tied: llama.cpp takes the embedding where there is no `output.weight`."""
    width, heads, kv_heads = config["head_dim"], config["num_attention_heads"], config["num_key_value_heads"]

    def add(name: str, value: np.ndarray) -> None:
        writer.add_tensor(f"{name}.weight", np.ascontiguousarray(value, np.float32))

    add("token_embd", tensors.matrix("embedding"))
    add("output_norm", tensors.norm("model.norm"))
    for layer in range(config["num_hidden_layers"]):
        ours, theirs = f"model.layers.{layer}", f"blk.{layer}"
        mixed = tensors.matrix(f"{ours}.self_attn.qkv").T
        queries, keys, values = np.split(mixed, [heads * width, (heads + kv_heads) * width])
        gate, up = np.split(tensors.matrix(f"{ours}.gate_up").T, 2)
        add(f"{theirs}.attn_norm", tensors.norm(f"{ours}.input_layernorm"))
        # The graph's query weights hold the scale of the attention scores, which llama.cpp multiplies in itself.
        add(f"{theirs}.attn_q", interleaved(queries * np.float32(width**0.5), heads))
        add(f"{theirs}.attn_k", interleaved(keys, kv_heads))
        add(f"{theirs}.attn_v", values)
        add(f"{theirs}.attn_output", tensors.matrix(f"{ours}.o").T)
        add(f"{theirs}.ffn_norm", tensors.norm(f"{ours}.post_attention_layernorm"))
        add(f"{theirs}.ffn_gate", gate)
        add(f"{theirs}.ffn_up", up)
        add(f"{theirs}.ffn_down", tensors.matrix(f"{ours}.down").T)


def export(member: str) -> None:
    config = json.loads((MODELS / member / "config.json").read_text())
    OUTPUT.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(OUTPUT / f"{member}.gguf", "llama")
    writer.add_name(f"latency-tts {member}")
    write_shape(writer, config)
    write_vocabulary(writer, config)
    write_weights(writer, config, Tensors(MODELS / member / "model.onnx"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("members", nargs="+", choices=["target", "draft"])
    for member in arguments.parse_args().members:
        export(member)


if __name__ == "__main__":
    main()
