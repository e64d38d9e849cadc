"""Exports weights to ONNX: `python training/export.py target draft prm`.

Weights come from the training checkpoints or, with `--from-models`, out of the graphs in `models/`: to change a graph
and keep its weights. That needs `pip install numpy onnx` and no checkpoint, and gives the same bytes on every machine.

One set of int8 weights becomes up to three graphs with the same arithmetic:
native (caches owned by the caller, only new keys and values come back; shipped in `models/`),
masked (Optimum's input and output names, whole concatenated caches come back) and
gqa (com.microsoft GroupQueryAttention); the last two go to `models/layouts/` and serve tests and benchmarks.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from graph import Graph, Quantised
from shape import NORM_EPSILON, ROPE_THETA, Shape

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
CONTEXT = 512
HERE = Path(__file__).parent
MODELS = HERE.parent / "models"
END_TOKEN, BEGIN_TOKEN, PAD_TOKEN = 2, 1, 0


class TrainedWeights:
    """Weights of a checkpoint, quantised, in the orientation [in, out] that MatMul wants."""

    def __init__(self, shape: Shape, tensors: dict[str, np.ndarray]):
        self.shape = shape
        self.tensors = tensors

    def norm(self, name: str) -> np.ndarray:
        return self.tensors[f"{name}.weight"].astype(np.float32)

    def matrix(self, name: str, parts: tuple[str, ...], factors: dict[str, float]) -> Quantised:
        """The matrix that graphs know by `name`: the `parts` of the checkpoint side by side."""
        scaled = [self.tensors[f"{part}.weight"].T * factors.get(part.rsplit(".", 1)[-1], 1.0) for part in parts]
        return Quantised(np.concatenate(scaled, axis=1), scale_axis=1)

    def embedding(self) -> Quantised:
        return Quantised(self.tensors["model.embed_tokens.weight"], scale_axis=0)


class ExportedWeights:
    """The weights of a graph that was exported before, as they are."""

    def __init__(self, shape: Shape, tensors: dict[str, np.ndarray]):
        self.shape = shape
        self.tensors = tensors

    def norm(self, name: str) -> np.ndarray:
        return self.tensors[name]

    def matrix(self, name: str, _parts: tuple[str, ...] = (), _factors: dict[str, float] | None = None) -> Quantised:
        return Quantised.stored(self.tensors[f"{name}.int8"], self.tensors[f"{name}.scale"])

    def embedding(self) -> Quantised:
        return self.matrix("embedding")


Weights = TrainedWeights | ExportedWeights


def rotary_tables(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    half = shape.head_width // 2
    angle = np.arange(CONTEXT)[:, None] * ROPE_THETA ** (-np.arange(half) / half)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


class Llama:
    """The parts that all three layouts share; a layout supplies `attention`."""

    def __init__(self, name: str, weights: Weights):
        self.graph = Graph(name)
        self.weights = weights
        self.shape = weights.shape
        self.embedding = self.graph.weight("embedding", weights.embedding())

    def matrix(self, name: str, *parts: str, **factors: float) -> str:
        return self.graph.weight(name, self.weights.matrix(name, parts, factors))

    def norm_weight(self, name: str) -> str:
        return self.graph.constant(name, self.weights.norm(name))

    def projected(self, normed: str, layer: int) -> list[str]:
        """Queries and keys in one tensor [rows, new, (heads + kv_heads) x head_width], and values."""
        graph, shape = self.graph, self.shape
        at = f"model.layers.{layer}.self_attn."
        names = [f"{at}q_proj", f"{at}k_proj", f"{at}v_proj"]
        mixed = graph.node("MatMul", normed, self.matrix(f"{at}qkv", *names, q_proj=shape.head_width**-0.5))
        sizes = graph.integers((shape.heads + shape.kv_heads) * shape.head_width, shape.kv_heads * shape.head_width)
        return graph.node("Split", mixed, sizes, outputs=2, axis=-1)

    def rotated(self, queries_keys: str, positions: str) -> list[str]:
        graph, shape = self.graph, self.shape
        cos, sin = rotary_tables(shape)
        turned = graph.node(
            "RotaryEmbedding", queries_keys, positions, graph.constant("rotary.cos", cos), graph.constant("rotary.sin", sin),
            domain="com.microsoft", num_heads=shape.heads + shape.kv_heads, rotary_embedding_dim=0, interleaved=0,
        )  # fmt: skip
        sizes = graph.integers(shape.heads * shape.head_width, shape.kv_heads * shape.head_width)
        return graph.node("Split", turned, sizes, outputs=2, axis=-1)

    def blocks(self, tokens: str, attention) -> str:
        """`attention(normed, layer)` returns [rows, new, heads x head_width]; the result is normed and ready for the head."""
        graph, shape = self.graph, self.shape
        epsilon = {"epsilon": NORM_EPSILON}
        x = graph.node("Gather", self.embedding, tokens, axis=0)
        normed = graph.node(
            "SimplifiedLayerNormalization", x, self.norm_weight("model.layers.0.input_layernorm"), axis=-1, **epsilon
        )
        for layer in range(shape.layers):
            at = f"model.layers.{layer}."
            mixed = graph.node("MatMul", attention(normed, layer), self.matrix(f"{at}o", f"{at}self_attn.o_proj"))
            normed, x = self.added_and_normed(mixed, x, f"{at}post_attention_layernorm")
            both = graph.node("MatMul", normed, self.matrix(f"{at}gate_up", f"{at}mlp.gate_proj", f"{at}mlp.up_proj"))
            gate, up = graph.node("Split", both, graph.integers(shape.hidden, shape.hidden), outputs=2, axis=-1)
            gated = graph.node("Mul", graph.node("QuickGelu", gate, domain="com.microsoft", alpha=1.0), up)
            down = graph.node("MatMul", gated, self.matrix(f"{at}down", f"{at}mlp.down_proj"))
            following = f"model.layers.{layer + 1}.input_layernorm" if layer + 1 < shape.layers else "model.norm"
            normed, x = self.added_and_normed(down, x, following)
        return normed

    def added_and_normed(self, left: str, right: str, norm: str) -> tuple[str, str]:
        outputs = self.graph.node(
            "SkipSimplifiedLayerNormalization", left, right, self.norm_weight(norm),
            outputs=4, domain="com.microsoft", epsilon=NORM_EPSILON,
        )  # fmt: skip
        return outputs[0], outputs[3]

    def head(self, normed: str) -> str:
        graph = self.graph
        return graph.node("MatMul", normed, graph.node("Transpose", self.embedding, perm=[1, 0]))


def export_native(weights: Weights, path: Path) -> None:
    """Keys and values are cached alike, [rows, past, head_width]; grouped queries are folded into rows, new-major.

    Every node costs about a microsecond whatever its size, which is much of a small model's step: hence one bias for
    past and new together, and no head dimension in the caches. Appending the new keys and values to a copy of the past
    costs less than two products each for past and new, even for many rows: the products read the copy from the nearest
    memory, and three nodes a layer fall away (docs/decisions/0005).
    """
    shape = weights.shape
    assert shape.kv_heads == 1, "query folding without a transpose needs a single key-value head"
    llama = Llama("native", weights)
    graph, width, group = llama.graph, shape.head_width, shape.heads
    tokens = graph.input("tokens", INT64, ["rows", "new"])
    positions = graph.input("positions", INT64, ["rows", "new"])
    bias = graph.input("bias", FLOAT, ["rows", "bias_queries", "past_and_new"])
    wanted = graph.input("wanted", INT64, ["count"])
    new_keys, new_values = [], []

    def attention(normed: str, layer: int) -> str:
        past_keys, past_values = (graph.input(f"past_{kind}.{layer}", FLOAT, ["rows", "past", width]) for kind in ("key", "value"))
        queries_keys, values = llama.projected(normed, layer)
        queries, keys = llama.rotated(queries_keys, positions)
        new_keys.append(keys)
        new_values.append(values)
        folded = graph.node("Reshape", queries, graph.integers(0, -1, width))
        # ONNX Runtime makes one product of the transpose and the product on a CPU.
        all_keys = graph.node("Transpose", graph.node("Concat", past_keys, keys, axis=1), perm=[0, 2, 1])
        shares = graph.node("Softmax", graph.node("Add", graph.node("MatMul", folded, all_keys), bias), axis=-1)
        mixed = graph.node("MatMul", shares, graph.node("Concat", past_values, values, axis=1))
        return graph.node("Reshape", mixed, graph.integers(0, -1, group * width))

    normed = llama.blocks(tokens, attention)
    flat = graph.node("Reshape", normed, graph.integers(-1, shape.width))
    graph.output(llama.head(graph.node("Gather", flat, wanted, axis=0)), "logits", FLOAT, ["count", shape.vocabulary])
    # One output for all layers: each output costs the caller an allocation per run.
    graph.output(graph.node("Concat", *new_keys, *new_values, axis=-1), "new_cache", FLOAT, ["rows", "new", 2 * shape.layers * width])
    graph.save(path)


def cache_io(graph: Graph, layer: int, kind: str, shape: Shape, past: str) -> str:
    return graph.input(f"past_key_values.{layer}.{kind}", FLOAT, ["batch_size", shape.kv_heads, past, shape.head_width])


def export_masked(weights: Weights, path: Path) -> None:
    shape = weights.shape
    llama = Llama("masked", weights)
    graph = llama.graph
    tokens = graph.input("input_ids", INT64, ["batch_size", "sequence_length"])
    mask = graph.input("attention_mask", INT64, ["batch_size", "total_sequence_length"])
    positions = graph.input("position_ids", INT64, ["batch_size", "sequence_length"])
    bias = masked_bias(graph, tokens, mask)
    presents = []

    def attention(normed: str, layer: int) -> str:
        past = [cache_io(graph, layer, kind, shape, "past_sequence_length") for kind in ("key", "value")]
        queries_keys, values = llama.projected(normed, layer)
        queries, keys = llama.rotated(queries_keys, positions)

        def by_head(value: str, heads: int) -> str:
            split = graph.node("Reshape", value, graph.integers(0, 0, heads, shape.head_width))
            return graph.node("Transpose", split, perm=[0, 2, 1, 3])

        all_keys = graph.node("Concat", past[0], by_head(keys, shape.kv_heads), axis=2)
        all_values = graph.node("Concat", past[1], by_head(values, shape.kv_heads), axis=2)
        presents.append((all_keys, all_values))
        # One key-value head broadcasts over the query heads.
        scores = graph.node("MatMul", by_head(queries, shape.heads), graph.node("Transpose", all_keys, perm=[0, 1, 3, 2]))
        shares = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", shares, all_values), perm=[0, 2, 1, 3])
        return graph.node("Reshape", mixed, graph.integers(0, 0, shape.heads * shape.head_width))

    normed = llama.blocks(tokens, attention)
    graph.output(llama.head(normed), "logits", FLOAT, ["batch_size", "sequence_length", shape.vocabulary])
    write_presents(graph, presents, shape)
    graph.save(path)


def masked_bias(graph: Graph, tokens: str, mask: str) -> str:
    """[batch, 1, new, total]: 0 where a query may look, a large negative number elsewhere."""
    new = graph.node("Shape", tokens, start=1, end=2)
    total = graph.node("Shape", mask, start=1, end=2)
    zero, one = graph.constant("zero", np.array(0, np.int64)), graph.constant("one", np.array(1, np.int64))
    scalar_total, scalar_new = graph.node("Squeeze", total), graph.node("Squeeze", new)
    columns = graph.node("Range", zero, scalar_total, one)
    rows = graph.node("Add", graph.node("Range", zero, scalar_new, one), graph.node("Sub", scalar_total, scalar_new))
    causal = graph.node("LessOrEqual", graph.node("Unsqueeze", columns, graph.integers(0)), graph.node("Unsqueeze", rows, graph.integers(1)))
    kept = graph.node("Unsqueeze", graph.node("Cast", mask, to=TensorProto.BOOL), graph.integers(1, 2))
    allowed = graph.node("And", graph.node("Unsqueeze", causal, graph.integers(0, 1)), kept)
    return graph.node("Where", allowed, graph.constant("bias.open", np.float32(0)), graph.constant("bias.shut", np.float32(-1e9)))


def export_gqa(weights: Weights, path: Path) -> None:
    shape = weights.shape
    llama = Llama("gqa", weights)
    graph = llama.graph
    tokens = graph.input("input_ids", INT64, ["batch_size", "sequence_length"])
    mask = graph.input("attention_mask", INT64, ["batch_size", "total_sequence_length"])
    lengths = graph.node("ReduceSum", mask, graph.integers(1), keepdims=0)
    last = graph.node("Cast", graph.node("Sub", lengths, graph.integers(1)), to=TensorProto.INT32)
    total = graph.node("Cast", graph.node("Squeeze", graph.node("Shape", mask, start=1, end=2)), to=TensorProto.INT32)
    cos, sin = rotary_tables(shape)
    tables = graph.constant("rotary.cos", cos), graph.constant("rotary.sin", sin)
    presents = []

    def attention(normed: str, layer: int) -> str:
        past = [cache_io(graph, layer, kind, shape, "past_sequence_length") for kind in ("key", "value")]
        queries_keys, values = llama.projected(normed, layer)
        sizes = graph.integers(shape.heads * shape.head_width, shape.kv_heads * shape.head_width)
        queries, keys = graph.node("Split", queries_keys, sizes, outputs=2, axis=-1)
        mixed, key, value = graph.node(
            "GroupQueryAttention", queries, keys, values, *past, last, total, *tables, outputs=3, domain="com.microsoft",
            num_heads=shape.heads, kv_num_heads=shape.kv_heads, do_rotary=1, rotary_interleaved=0, scale=1.0,
        )  # fmt: skip
        presents.append((key, value))
        return mixed

    normed = llama.blocks(tokens, attention)
    graph.output(llama.head(normed), "logits", FLOAT, ["batch_size", "sequence_length", shape.vocabulary])
    write_presents(graph, presents, shape)
    graph.save(path)


def write_presents(graph: Graph, presents: list[tuple[str, str]], shape: Shape) -> None:
    for layer, pair in enumerate(presents):
        for kind, value in zip(("key", "value"), pair):
            dims = ["batch_size", shape.kv_heads, "total_sequence_length", shape.head_width]
            # Named directly: an Identity would copy the cache, and GroupQueryAttention could not share its buffer.
            name = f"present.{layer}.{kind}"
            for node in graph.nodes:
                node.output[:] = [name if output == value else output for output in node.output]
                node.input[:] = [name if wanted == value else wanted for wanted in node.input]
            graph.outputs.append(helper.make_tensor_value_info(name, FLOAT, dims))


def write_config(directory: Path, shape: Shape) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "hidden_act": "silu",
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": ROPE_THETA,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": True,
        "bos_token_id": BEGIN_TOKEN,
        "eos_token_id": END_TOKEN,
        "pad_token_id": PAD_TOKEN,
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    generation = {"bos_token_id": BEGIN_TOKEN, "eos_token_id": END_TOKEN, "pad_token_id": PAD_TOKEN, "do_sample": True, "temperature": 1.2, "top_k": 0}
    (directory / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")


def load_checkpoint(member: str) -> TrainedWeights:
    from safetensors import safe_open

    with safe_open(HERE / "runs" / member / "checkpoint.safetensors", "np") as file:
        shape = Shape(**json.loads(file.metadata()["shape"]))
        return TrainedWeights(shape, {name: file.get_tensor(name) for name in file.keys()})


def load_exported(member: str) -> ExportedWeights:
    config = json.loads((MODELS / member / "config.json").read_text())
    shape = Shape(
        vocabulary=config["vocab_size"], width=config["hidden_size"], layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"], kv_heads=config["num_key_value_heads"],
        head_width=config["head_dim"], hidden=config["intermediate_size"],
    )  # fmt: skip
    constants = onnx.load(MODELS / member / "model.onnx").graph.initializer
    return ExportedWeights(shape, {constant.name: numpy_helper.to_array(constant) for constant in constants})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("members", nargs="+", choices=["target", "draft", "prm"])
    parser.add_argument("--from-models", action="store_true", help="keep the weights of the graphs in models/")
    arguments = parser.parse_args()
    load = load_exported if arguments.from_models else load_checkpoint
    for member in arguments.members:
        weights = load(member)
        write_config(MODELS / member, weights.shape)
        export_native(weights, MODELS / member / "model.onnx")
        if member == "prm":
            continue
        for layout, export in (("masked", export_masked), ("gqa", export_gqa)):
            write_config(MODELS / "layouts" / layout / member, weights.shape)
            export(weights, MODELS / "layouts" / layout / member / "onnx" / "model.onnx")


if __name__ == "__main__":
    main()
