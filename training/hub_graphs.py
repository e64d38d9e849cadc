"""ONNX graphs with the inputs, outputs and operators of Hugging Face hub exports, over the weights of `hub_weights.py`.

Weights are stored as int8 with scales (`graph.py`), which ONNX Runtime folds into constants; hub files hold them as floats.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from graph import Graph, Quantised
from hub_weights import LearnedShape, RotaryShape, Weights, angles, slopes

FLOAT, HALF, INT64, INT32, BOOL = (getattr(TensorProto, name) for name in ("FLOAT", "FLOAT16", "INT64", "INT32", "BOOL"))
LAST = np.iinfo(np.int64).max
MICROSOFT = "com.microsoft"


class HubGraph(Graph):
    """A graph whose arithmetic, caches and constants are all float32 or all float16."""

    def __init__(self, is_half: bool = False):
        super().__init__("main_graph")
        self.kind = HALF if is_half else FLOAT
        self.type = np.float16 if is_half else np.float32

    def weight(self, name: str, quantised: Quantised) -> str:
        full = super().weight(name, quantised)
        return full if self.kind == FLOAT else self.node("Cast", full, to=HALF)

    def vector(self, name: str, value: np.ndarray) -> str:
        return self.constant(name, value.astype(self.type))

    def number(self, value: float, type_: type | None = None) -> str:
        """A constant without dimensions, which `constant` would make a vector of one."""
        array = np.array(value, type_ or self.type)
        name = f"{array.dtype.name}_scalar_{value}"
        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(array, name))
        return name

    def size(self, value: str, axis: int) -> str:
        """One dimension of a value, as a vector of one."""
        return self.node("Shape", value, start=axis, end=axis + 1)

    def named_output(self, value: str, name: str, kind: int, dims: list) -> None:
        """Renames instead of copying: with an Identity in between, GroupQueryAttention could not write in place."""
        for node in self.nodes:
            node.output[:] = [name if output == value else output for output in node.output]
            node.input[:] = [name if wanted == value else wanted for wanted in node.input]
        self.outputs.append(helper.make_tensor_value_info(name, kind, dims))

    def write(self, path: Path, producer: str, opset: int, has_external_data: bool = False) -> None:
        opsets = [helper.make_opsetid("", opset)]
        if any(node.domain == MICROSOFT for node in self.nodes):
            opsets.append(helper.make_opsetid(MICROSOFT, 1))
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10 if opset > 20 else 8, producer_name=producer)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path, save_as_external_data=has_external_data, location=f"{path.name}_data", size_threshold=1024)


# ------------------------------------------------------------------------------- onnxruntime-genai and its relatives


@dataclass(frozen=True)
class GqaLayout:
    """How an export with GroupQueryAttention departs from `input_ids, attention_mask, past…` → `logits, present…`."""

    is_half: bool = False
    has_packed_qkv: bool = False
    # Rotary positions come from an input and are applied by nodes of their own instead of inside the operator.
    has_position_ids: bool = False
    has_num_logits_to_keep: bool = False
    is_last_logits_only: bool = False
    has_inputs_embeds: bool = False
    # Newest builders list all keys before all values, and leave the width of a head open.
    lists_keys_first: bool = False
    cache_width: str | None = None


class GqaDecoder:
    def __init__(self, shape: RotaryShape, weights: Weights, layout: GqaLayout):
        self.shape, self.weights, self.layout = shape, weights, layout
        self.graph = HubGraph(layout.is_half)
        self.presents: dict[str, str] = {}

    def build(self) -> HubGraph:
        graph, shape, layout = self.graph, self.shape, self.layout
        self.declare_inputs()
        self.sum_up_mask()
        embedding = graph.weight("embedding", self.weights.matrices["embedding"])
        x = "inputs_embeds" if layout.has_inputs_embeds else graph.node("Gather", embedding, "input_ids", axis=0)
        if shape.is_gemma:
            x = graph.node("Mul", x, graph.number(shape.width**0.5))
        for layer, mixer in enumerate(shape.mixers):
            for name, part in (("input", self.attention if mixer == "attention" else self.convolution), ("mlp", self.mlp)):
                update = part(self.norm(x, f"{layer}.{name}_norm"), layer)
                x = graph.node("Add", x, self.norm(update, f"{layer}.{name}_post_norm") if shape.is_gemma else update)
        x = self.kept(self.norm(x, "final_norm"))
        head = graph.node("Transpose", embedding, perm=[1, 0]) if shape.is_tied else graph.weight("head", self.weights.matrices["head"])
        new = 1 if layout.is_last_logits_only else "sequence_length"
        graph.named_output(graph.node("MatMul", x, head), "logits", graph.kind, ["batch_size", new, shape.vocabulary])
        for name in self.cache_names():
            graph.named_output(self.presents[name], f"present{name}", graph.kind, self.cache_dims(name, "total_sequence_length"))
        return graph

    def cache_names(self) -> list[str]:
        """In the order of inputs and outputs, without `past_key_values` or `present`."""
        if self.layout.lists_keys_first:
            return [f".{layer}.{part}" for part in ("key", "value") for layer in range(len(self.shape.mixers))]
        names = {"attention": (".{}.key", ".{}.value"), "convolution": ("_conv.{}",)}
        return [name.format(layer) for layer, mixer in enumerate(self.shape.mixers) for name in names[mixer]]

    def cache_dims(self, name: str, length: str) -> list:
        if name.startswith("_conv"):
            return ["batch_size", self.shape.width, 3]
        return ["batch_size", self.shape.kv_heads, length, self.layout.cache_width or self.shape.head_width]

    def declare_inputs(self) -> None:
        graph, layout = self.graph, self.layout
        if not layout.has_inputs_embeds:
            graph.input("input_ids", INT64, ["batch_size", "sequence_length"])
        graph.input("attention_mask", INT64, ["batch_size", "total_sequence_length"])
        if layout.has_inputs_embeds:
            graph.input("inputs_embeds", graph.kind, ["batch_size", "sequence_length", self.shape.width])
        if layout.has_position_ids:
            graph.input("position_ids", INT64, ["batch_size", "sequence_length"])
        if layout.has_num_logits_to_keep:
            graph.input("num_logits_to_keep", INT64, [])
        for name in self.cache_names():
            prefix = "past" if name.startswith("_conv") else "past_key_values"
            graph.input(prefix + name, graph.kind, self.cache_dims(name, "past_sequence_length"))

    def sum_up_mask(self) -> None:
        """All that the operator learns of the mask: how many ones a row has, and how long it is."""
        graph = self.graph
        lengths = graph.node("ReduceSum", "attention_mask", graph.integers(1), keepdims=0)
        self.last = graph.node("Cast", graph.node("Sub", lengths, graph.integers(1)), to=INT32)
        total = graph.node("Gather", graph.node("Shape", "attention_mask"), graph.number(1, np.int64), axis=0)
        self.total = graph.node("Cast", total, to=INT32)

    def norm(self, x: str, name: str) -> str:
        value = self.weights.vectors[name] + np.float32(self.shape.norm_offset)
        return self.graph.node(
            "SimplifiedLayerNormalization", x, self.graph.vector(name, value), axis=-1, epsilon=self.shape.epsilon, stash_type=1
        )

    def linear(self, x: str, *names: str) -> str:
        """Several matrices side by side become one, as packed exports have them."""
        parts = [self.graph.weight(name, self.weights.matrices[name]) for name in names]
        product = self.graph.node("MatMul", x, parts[0] if len(parts) == 1 else self.graph.node("Concat", *parts, axis=1))
        if f"{names[0]}.bias" not in self.weights.vectors:
            return product
        bias = np.concatenate([self.weights.vectors[f"{name}.bias"] for name in names])
        return self.graph.node("Add", product, self.graph.vector(f"{'+'.join(names)}.bias", bias))

    def tables(self, layer: int) -> list[str]:
        theta = self.shape.thetas[layer]
        angle = angles(theta, self.shape.head_width)
        suffix = "" if len(set(self.shape.thetas)) == 1 else f"_{theta:g}"
        return [self.graph.vector(f"cos_cache{suffix}", np.cos(angle)), self.graph.vector(f"sin_cache{suffix}", np.sin(angle))]

    def head_norm(self, x: str, name: str) -> str:
        graph, width = self.graph, self.shape.head_width
        heads = self.shape.heads if name.endswith("q_norm") else self.shape.kv_heads
        normed = self.norm(graph.node("Reshape", x, graph.integers(0, -1, width)), name)
        return graph.node("Reshape", normed, graph.integers(0, -1, heads * width))

    def attention(self, x: str, layer: int) -> str:
        graph, shape, layout = self.graph, self.shape, self.layout
        names = [f"{layer}.{name}" for name in "qkv"]
        queries, keys, values = (self.linear(x, *names), "", "") if layout.has_packed_qkv else (self.linear(x, name) for name in names)
        if shape.has_head_norms:
            queries, keys = self.head_norm(queries, f"{layer}.q_norm"), self.head_norm(keys, f"{layer}.k_norm")
        tables = self.tables(layer)
        if layout.has_position_ids:
            queries, keys = (
                graph.node(
                    "RotaryEmbedding", value, "position_ids", *tables, domain=MICROSOFT, interleaved=0, num_heads=0, rotary_embedding_dim=0
                )
                for value in (queries, keys)
            )
            tables = ["", ""]
        past = [f"past_key_values.{layer}.{part}" for part in ("key", "value")]
        mixed, key, value = graph.node(
            "GroupQueryAttention", queries, keys, values, *past, self.last, self.total, *tables, "", "", outputs=3, domain=MICROSOFT,
            num_heads=shape.heads, kv_num_heads=shape.kv_heads, scale=shape.head_width**-0.5, softcap=0.0,
            local_window_size=shape.windows[layer], do_rotary=0 if layout.has_position_ids else 1, rotary_interleaved=0,
        )  # fmt: skip
        self.presents |= {f".{layer}.key": key, f".{layer}.value": value}
        return self.linear(mixed, f"{layer}.o")

    def convolution(self, x: str, layer: int) -> str:
        """LFM2's gated short convolution; its cache holds the last three inputs of the taps, one more than they need."""
        graph, width = self.graph, self.shape.width
        channels = graph.node("Transpose", self.linear(x, f"{layer}.in"), perm=[0, 2, 1])
        before, after, inner = graph.node("Split", channels, graph.integers(width, width, width), outputs=3, axis=1)
        joined = graph.node("Concat", f"past_conv.{layer}", graph.node("Mul", before, inner), axis=2)
        taps = self.weights.matrices[f"{layer}.taps"].dequantised().T[:, None, :]
        convolved = graph.node("Conv", joined, graph.vector(f"{layer}.taps", taps), kernel_shape=[3], pads=[0, 0], group=width)
        fresh = graph.node("Slice", convolved, graph.node("Neg", graph.size(x, 1)), graph.integers(LAST), graph.integers(2))
        self.presents[f"_conv.{layer}"] = graph.node("Slice", joined, graph.integers(-3), graph.integers(LAST), graph.integers(2))
        return self.linear(graph.node("Transpose", graph.node("Mul", after, fresh), perm=[0, 2, 1]), f"{layer}.out")

    def mlp(self, x: str, layer: int) -> str:
        graph = self.graph
        gate = self.linear(x, f"{layer}.gate")
        silu = not self.shape.is_gemma
        activated = graph.node("Mul", gate, graph.node("Sigmoid", gate)) if silu else graph.node("Gelu", gate, approximate="tanh")
        return self.linear(graph.node("Mul", activated, self.linear(x, f"{layer}.up")), f"{layer}.down")

    def kept(self, x: str) -> str:
        """The positions that the head sees."""
        graph = self.graph
        if self.layout.is_last_logits_only:
            return graph.node("Unsqueeze", graph.node("Gather", x, graph.number(-1, np.int64), axis=1), graph.integers(1))
        if self.layout.has_num_logits_to_keep:
            # From minus k; minus zero is the beginning.
            start = graph.node("Unsqueeze", graph.node("Neg", "num_logits_to_keep"), graph.integers(0))
            return graph.node("Slice", x, start, graph.integers(LAST), graph.integers(1))
        return x


# ------------------------------------------------------------------------------------------ Optimum, plain operators


def causal_bias(graph: HubGraph, past: str, new: str, mask: str) -> str:
    """`[batch, 1, new, past + new]` from the lengths (vectors of one): 0 where a query may look, the lowest number elsewhere."""
    zero, one = graph.number(0, np.int64), graph.number(1, np.int64)
    scalar_past, scalar_new = graph.node("Squeeze", past), graph.node("Squeeze", new)
    rows = graph.node("Add", graph.node("Range", zero, scalar_new, one), scalar_past)
    columns = graph.node("Range", zero, graph.node("Add", scalar_past, scalar_new), one)
    causal = graph.node("LessOrEqual", columns, graph.node("Unsqueeze", rows, graph.integers(1)))
    kept = graph.node("Unsqueeze", graph.node("Cast", mask, to=BOOL), graph.integers(1, 2))
    lowest = graph.constant("lowest", np.array(np.finfo(graph.type).min))
    return graph.node("Where", graph.node("And", causal, kept), graph.number(0.0), lowest)


def by_head(graph: HubGraph, x: str, heads: int, width: int) -> str:
    return graph.node("Transpose", graph.node("Reshape", x, graph.integers(0, 0, heads, width)), perm=[0, 2, 1, 3])


def attended(graph: HubGraph, queries: str, transposed_keys: str, values: str, bias: str, width: int) -> str:
    """`[batch, heads, …]` in, `[batch, new, heads x width]` out."""
    scores = graph.node("Mul", graph.node("MatMul", queries, transposed_keys), graph.number(width**-0.5))
    shares = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", shares, values), perm=[0, 2, 1, 3])
    return graph.node("Reshape", mixed, graph.integers(0, 0, -1))


class OptimumLlama:
    """A traced Llama: no operator beyond the standard, norms in float32, keys and values repeated for their query heads."""

    def __init__(self, shape: RotaryShape, weights: Weights, is_half: bool = False, has_old_axis_names: bool = False):
        self.shape, self.weights = shape, weights
        self.graph = HubGraph(is_half)
        self.total = "past_sequence_length + 1" if has_old_axis_names else "past_sequence_length + sequence_length"
        self.presents: list[tuple[str, str]] = []

    def build(self) -> HubGraph:
        graph, shape = self.graph, self.shape
        tokens = graph.input("input_ids", INT64, ["batch_size", "sequence_length"])
        mask = graph.input("attention_mask", INT64, ["batch_size", self.total])
        graph.input("position_ids", INT64, ["batch_size", "sequence_length"])
        for layer in range(len(shape.mixers)):
            for part in ("key", "value"):
                graph.input(f"past_key_values.{layer}.{part}", graph.kind, self.cache_dims("past_sequence_length"))
        self.bias = causal_bias(graph, graph.size("past_key_values.0.key", 2), graph.size(tokens, 1), mask)
        self.turn_positions()
        embedding = graph.weight("embedding", self.weights.matrices["embedding"])
        x = graph.node("Gather", embedding, tokens, axis=0)
        for layer in range(len(shape.mixers)):
            x = graph.node("Add", x, self.attention(self.norm(x, f"{layer}.input_norm"), layer))
            x = graph.node("Add", x, self.mlp(self.norm(x, f"{layer}.mlp_norm"), layer))
        logits = graph.node("MatMul", self.norm(x, "final_norm"), graph.node("Transpose", embedding, perm=[1, 0]))
        if graph.kind == HALF:
            logits = graph.node("Cast", logits, to=FLOAT)
        graph.named_output(logits, "logits", FLOAT, ["batch_size", "sequence_length", shape.vocabulary])
        for layer, pair in enumerate(self.presents):
            for part, value in zip(("key", "value"), pair):
                graph.named_output(value, f"present.{layer}.{part}", graph.kind, self.cache_dims(self.total))
        return graph

    def cache_dims(self, length: str) -> list:
        return ["batch_size", self.shape.kv_heads, length, self.shape.head_width]

    def turn_positions(self) -> None:
        """Cosines and sines of `[batch, 1, new, head_width]` angles, from the input positions."""
        graph = self.graph
        frequencies = graph.constant("inverse_frequencies", angles(self.shape.thetas[0], self.shape.head_width)[1].astype(np.float32))
        positions = graph.node("Unsqueeze", graph.node("Cast", "position_ids", to=FLOAT), graph.integers(1, 3))
        angle = graph.node("Mul", positions, frequencies)
        both = graph.node("Concat", angle, angle, axis=-1)
        self.cos, self.sin = (graph.node("Cast", graph.node(kind, both), to=graph.kind) for kind in ("Cos", "Sin"))

    def rotated(self, x: str) -> str:
        graph, half = self.graph, self.shape.head_width // 2
        left = graph.node("Slice", x, graph.integers(0), graph.integers(half), graph.integers(3))
        right = graph.node("Slice", x, graph.integers(half), graph.integers(LAST), graph.integers(3))
        turned = graph.node("Concat", graph.node("Neg", right), left, axis=-1)
        return graph.node("Add", graph.node("Mul", x, self.cos), graph.node("Mul", turned, self.sin))

    def norm(self, x: str, name: str) -> str:
        graph = self.graph
        full = graph.node("Cast", x, to=FLOAT)
        square = graph.node("Pow", full, graph.number(2.0, np.float32))
        mean = graph.node("ReduceMean", square, graph.integers(-1), keepdims=1)
        root = graph.node("Sqrt", graph.node("Add", mean, graph.number(self.shape.epsilon, np.float32)))
        scaled = graph.node("Cast", graph.node("Div", full, root), to=graph.kind)
        return graph.node("Mul", scaled, graph.vector(name, self.weights.vectors[name]))

    def linear(self, x: str, name: str) -> str:
        return self.graph.node("MatMul", x, self.graph.weight(name, self.weights.matrices[name]))

    def repeated(self, x: str) -> str:
        graph, shape = self.graph, self.shape
        group = graph.integers(1, 1, shape.heads // shape.kv_heads, 1, 1)
        spread = graph.node("Expand", graph.node("Unsqueeze", x, graph.integers(2)), group)
        return graph.node("Reshape", spread, graph.integers(0, shape.heads, -1, shape.head_width))

    def attention(self, x: str, layer: int) -> str:
        graph, shape, width = self.graph, self.shape, self.shape.head_width
        queries, keys, values = (
            by_head(graph, self.linear(x, f"{layer}.{name}"), heads, width)
            for name, heads in (("q", shape.heads), ("k", shape.kv_heads), ("v", shape.kv_heads))
        )
        all_keys = graph.node("Concat", f"past_key_values.{layer}.key", self.rotated(keys), axis=2)
        all_values = graph.node("Concat", f"past_key_values.{layer}.value", values, axis=2)
        self.presents.append((all_keys, all_values))
        transposed = graph.node("Transpose", self.repeated(all_keys), perm=[0, 1, 3, 2])
        mixed = attended(graph, self.rotated(queries), transposed, self.repeated(all_values), self.bias, width)
        return self.linear(mixed, f"{layer}.o")

    def mlp(self, x: str, layer: int) -> str:
        graph = self.graph
        gate = self.linear(x, f"{layer}.gate")
        activated = graph.node("Mul", gate, graph.node("Sigmoid", gate))
        return self.linear(graph.node("Mul", activated, self.linear(x, f"{layer}.up")), f"{layer}.down")


class OptimumLearned:
    """A traced GPT-2, OPT or BLOOM. There is no `position_ids`: they know positions from the past's length or from the mask."""

    def __init__(self, shape: LearnedShape, weights: Weights):
        self.shape, self.weights, self.graph = shape, weights, HubGraph()
        self.is_merged = shape.positions != "slopes"
        self.presents: list[tuple[str, str]] = []

    def build(self) -> HubGraph:
        graph, shape = self.graph, self.shape
        self.declare_inputs()
        past = self.used_past()
        new = graph.size("input_ids", 1)
        self.bias = causal_bias(graph, past, new, "attention_mask")
        embedding = graph.weight("embedding", self.weights.matrices["embedding"])
        x = self.positioned(graph.node("Gather", embedding, "input_ids", axis=0), past, new)
        for layer in range(shape.layers):
            x = graph.node("Add", x, self.attention(self.norm(x, f"{layer}.input_norm"), layer, past))
            up = self.linear(self.norm(x, f"{layer}.mlp_norm"), f"{layer}.up")
            activated = self.gelu(up) if shape.activation == "gelu" else graph.node("Relu", up)
            x = graph.node("Add", x, self.linear(activated, f"{layer}.down"))
        logits = graph.node("MatMul", self.norm(x, "final_norm"), graph.node("Transpose", embedding, perm=[1, 0]))
        graph.named_output(logits, "logits", FLOAT, ["batch_size", "sequence_length", shape.vocabulary])
        for layer, pair in enumerate(self.presents):
            for part, value in zip(("key", "value"), pair):
                graph.named_output(value, f"present.{layer}.{part}", FLOAT, self.cache_dims(part, "past_sequence_length + 1"))
        return graph

    def cache_dims(self, part: str, length: str) -> list:
        if self.shape.positions != "slopes":
            return ["batch_size", self.shape.heads, length, self.shape.head_width]
        inner = [self.shape.head_width, length] if part == "key" else [length, self.shape.head_width]
        return ["batch_size x num_heads", *inner]

    def declare_inputs(self) -> None:
        graph = self.graph
        graph.input("input_ids", INT64, ["batch_size", "sequence_length"])
        if self.is_merged:
            graph.input("attention_mask", INT64, ["batch_size", "attention_mask_sequence_length"])
        for layer in range(self.shape.layers):
            for part in ("key", "value"):
                graph.input(f"past_key_values.{layer}.{part}", FLOAT, self.cache_dims(part, "past_sequence_length"))
        if self.is_merged:
            graph.input("use_cache_branch", BOOL, [1])
        else:
            graph.input("attention_mask", INT64, ["batch_size", "past_sequence_length + 1"])

    def used_past(self) -> str:
        """Length of the past, a vector of one. Merged graphs ignore what is there unless `use_cache_branch` is set."""
        graph = self.graph
        if not self.is_merged:
            return graph.size("past_key_values.0.value", 1)

        def branch(name: str, node: onnx.NodeProto) -> onnx.GraphProto:
            return helper.make_graph([node], name, [], [helper.make_tensor_value_info(node.output[0], INT64, [1])])

        with_past = branch("with_past", helper.make_node("Shape", ["past_key_values.0.key"], ["with_past_length"], start=2, end=3))
        none = helper.make_tensor("none", INT64, [1], [0])
        no_past = branch("no_past", helper.make_node("Constant", [], ["no_past_length"], value=none))
        return graph.node("If", "use_cache_branch", then_branch=with_past, else_branch=no_past)

    def positioned(self, x: str, past: str, new: str) -> str:
        graph, shape = self.graph, self.shape
        if shape.positions == "past length":
            start = graph.node("Squeeze", past)
            end = graph.node("Add", start, graph.node("Squeeze", new))
            positions = graph.node("Unsqueeze", graph.node("Range", start, end, graph.number(1, np.int64)), graph.integers(0))
        else:
            counted = graph.node("Mul", graph.node("CumSum", "attention_mask", graph.number(1, np.int64)), "attention_mask")
            positions = graph.node("Sub", counted, graph.integers(1))
        if shape.positions == "slopes":
            factors = graph.constant("slopes", slopes(shape.heads).astype(np.float32)[:, None, None])
            places = graph.node("Cast", graph.node("Unsqueeze", positions, graph.integers(1, 2)), to=FLOAT)
            self.bias = graph.node("Add", self.bias, graph.node("Mul", places, factors))
            return self.norm(x, "embedding_norm")
        if shape.positions == "mask":
            fresh = graph.node("Slice", positions, past, graph.integers(LAST), graph.integers(1))
            positions = graph.node("Add", fresh, graph.integers(shape.offset))
        return graph.node("Add", x, graph.node("Gather", graph.weight("positions", self.weights.matrices["positions"]), positions, axis=0))

    def norm(self, x: str, name: str) -> str:
        weight, bias = (self.graph.vector(f"{name}.{part}", self.weights.vectors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.graph.node("LayerNormalization", x, weight, bias, axis=-1, epsilon=self.shape.epsilon)

    def gelu(self, x: str) -> str:
        graph = self.graph
        cubed = graph.node("Mul", graph.node("Pow", x, graph.number(3.0)), graph.number(0.044715))
        inner = graph.node("Mul", graph.node("Add", x, cubed), graph.number((2 / np.pi) ** 0.5))
        gate = graph.node("Add", graph.node("Tanh", inner), graph.number(1.0))
        return graph.node("Mul", graph.node("Mul", x, graph.number(0.5)), gate)

    def linear(self, x: str, name: str) -> str:
        product = self.graph.node("MatMul", x, self.graph.weight(name, self.weights.matrices[name]))
        return self.graph.node("Add", product, self.graph.vector(f"{name}.bias", self.weights.vectors[f"{name}.bias"]))

    def attention(self, x: str, layer: int, past: str) -> str:
        graph, heads, width = self.graph, self.shape.heads, self.shape.head_width
        queries, keys, values = (by_head(graph, self.linear(x, f"{layer}.{name}"), heads, width) for name in "qkv")
        keys = graph.node("Transpose", keys, perm=[0, 1, 3, 2])
        past_keys, past_values = (f"past_key_values.{layer}.{part}" for part in ("key", "value"))
        if self.is_merged:
            used = (graph.integers(0), past, graph.integers(2))
            past_keys, past_values = graph.node("Slice", past_keys, *used), graph.node("Slice", past_values, *used)
            all_keys = graph.node("Concat", graph.node("Transpose", past_keys, perm=[0, 1, 3, 2]), keys, axis=3)
            all_values = graph.node("Concat", past_values, values, axis=2)
            self.presents.append((graph.node("Transpose", all_keys, perm=[0, 1, 3, 2]), all_values))
        else:
            folded_keys = graph.node("Concat", past_keys, self.folded(keys), axis=2)
            folded_values = graph.node("Concat", past_values, self.folded(values), axis=1)
            self.presents.append((folded_keys, folded_values))
            all_keys, all_values = self.unfolded(folded_keys), self.unfolded(folded_values)
        return self.linear(attended(graph, queries, all_keys, all_values, self.bias, width), f"{layer}.o")

    def folded(self, x: str) -> str:
        """`[batch, heads, …]` to `[batch x heads, …]`, as BLOOM caches keys and values."""
        inner = self.graph.node("Shape", x, start=2, end=4)
        return self.graph.node("Reshape", x, self.graph.node("Concat", self.graph.integers(-1), inner, axis=0))

    def unfolded(self, x: str) -> str:
        graph = self.graph
        inner = graph.node("Shape", x, start=1, end=3)
        return graph.node("Reshape", x, graph.node("Concat", graph.size("input_ids", 0), graph.integers(self.shape.heads), inner, axis=0))
