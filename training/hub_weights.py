"""Random weights for the hub fixtures, and what they compute by plain NumPy, without caches and without ONNX."""

from dataclasses import dataclass

import numpy as np

from graph import Quantised

CONTEXT = 128
TOKENIZER_VOCABULARY = 255


@dataclass(frozen=True)
class RotaryShape:
    """A decoder with rotary positions: Llama, Qwen, Gemma, LFM2. Tuples have one entry a layer."""

    seed: int
    vocabulary: int = TOKENIZER_VOCABULARY
    width: int = 64
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 16
    hidden: int = 48
    mixers: tuple[str, ...] = ("attention", "attention")
    thetas: tuple[float, ...] = (500_000.0, 500_000.0)
    windows: tuple[int, ...] = (-1, -1)
    epsilon: float = 1e-5
    is_tied: bool = True
    has_qkv_biases: bool = False
    has_head_norms: bool = False
    is_gemma: bool = False

    @property
    def norm_offset(self) -> float:
        """Gemma stores norm weights less one."""
        return 1.0 if self.is_gemma else 0.0


@dataclass(frozen=True)
class LearnedShape:
    """A decoder with layer norms and biases: GPT-2, OPT, BLOOM. `positions` says where it takes them from."""

    seed: int
    positions: str  # 'past length' (GPT-2), 'mask' (OPT), 'slopes' (BLOOM's linear biases)
    activation: str  # 'gelu' or 'relu'
    offset: int = 0
    vocabulary: int = TOKENIZER_VOCABULARY
    width: int = 48
    heads: int = 3
    head_width: int = 16
    hidden: int = 96
    layers: int = 2
    epsilon: float = 1e-5


class Weights:
    """Each tensor is drawn from a stream of its own, so graphs of one shape share weights, whatever else differs.

    Embeddings are small, queries and keys large: the residual stream is made of what attention gathered, and attention prefers
    few places. Random models with a tied head and the usual scales repeat their last token instead.
    """

    def __init__(self, seed: int):
        self.seed = seed
        self.matrices: dict[str, Quantised] = {}
        self.vectors: dict[str, np.ndarray] = {}

    def drawn(self, name: str, *size: int) -> np.ndarray:
        return np.random.default_rng([self.seed, *name.encode()]).normal(size=size)

    def matrix(self, name: str, rows: int, columns: int, gain: float = 1.0) -> None:
        self.matrices[name] = Quantised(self.drawn(name, rows, columns) * gain * rows**-0.5, scale_axis=1)

    def table(self, name: str, rows: int, columns: int, scale: float) -> None:
        self.matrices[name] = Quantised(self.drawn(name, rows, columns) * scale, scale_axis=0)

    def embedding(self, rows: int, columns: int) -> None:
        table = self.drawn("embedding", rows, columns) * 0.15
        # Rows beyond the tokenizer only pad the vocabulary: no training ever touched them.
        table[TOKENIZER_VOCABULARY:] *= 0.01
        self.matrices["embedding"] = Quantised(table, scale_axis=0)

    def vector(self, name: str, size: int, mean: float, spread: float = 0.2) -> None:
        self.vectors[name] = (mean + spread * self.drawn(name, size)).astype(np.float32)

    def exact(self, name: str) -> np.ndarray:
        tensor = self.matrices[name].dequantised() if name in self.matrices else self.vectors[name]
        return tensor.astype(np.float64)


def rotary_weights(shape: RotaryShape) -> Weights:
    weights = Weights(shape.seed)
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    norm = 1.0 - shape.norm_offset
    weights.embedding(shape.vocabulary, shape.width)
    if not shape.is_tied:
        weights.matrix("head", shape.width, shape.vocabulary, 1.25)
    weights.vector("final_norm", shape.width, norm + 1.0)
    for layer, mixer in enumerate(shape.mixers):
        for name in ("input", "mlp"):
            weights.vector(f"{layer}.{name}_norm", shape.width, norm)
            if shape.is_gemma:
                weights.vector(f"{layer}.{name}_post_norm", shape.width, norm + 1.5)
        if mixer == "convolution":
            weights.matrix(f"{layer}.in", shape.width, 3 * shape.width, 1.5)
            weights.matrix(f"{layer}.taps", 3, shape.width, 1.5)
            weights.matrix(f"{layer}.out", shape.width, shape.width, 1.5)
        else:
            for name, size, gain in (("q", queries, 1.5), ("k", keys, 1.5), ("v", keys, 1.0)):
                weights.matrix(f"{layer}.{name}", shape.width, size, gain)
                if shape.has_qkv_biases:
                    weights.vector(f"{layer}.{name}.bias", size, 0.0, 0.5)
            if shape.has_head_norms:
                weights.vector(f"{layer}.q_norm", shape.head_width, norm + 0.6)
                weights.vector(f"{layer}.k_norm", shape.head_width, norm + 0.6)
            weights.matrix(f"{layer}.o", queries, shape.width, 1.5)
        weights.matrix(f"{layer}.gate", shape.width, shape.hidden)
        weights.matrix(f"{layer}.up", shape.width, shape.hidden)
        weights.matrix(f"{layer}.down", shape.hidden, shape.width, 1.5)
    return weights


def learned_weights(shape: LearnedShape) -> Weights:
    weights = Weights(shape.seed)

    def linear(name: str, rows: int, columns: int, gain: float = 1.0) -> None:
        weights.matrix(name, rows, columns, gain)
        weights.vector(f"{name}.bias", columns, 0.0)

    def norm(name: str, mean: float = 1.0) -> None:
        weights.vector(f"{name}.weight", shape.width, mean)
        weights.vector(f"{name}.bias", shape.width, 0.0, 0.1)

    weights.embedding(shape.vocabulary, shape.width)
    if shape.positions == "slopes":
        norm("embedding_norm", 0.3)
    else:
        weights.table("positions", CONTEXT + shape.offset, shape.width, 0.2)
    for layer in range(shape.layers):
        norm(f"{layer}.input_norm")
        for name, gain in (("q", 1.5), ("k", 1.5), ("v", 1.0), ("o", 1.5)):
            linear(f"{layer}.{name}", shape.width, shape.width, gain)
        norm(f"{layer}.mlp_norm")
        linear(f"{layer}.up", shape.width, shape.hidden)
        linear(f"{layer}.down", shape.hidden, shape.width, 1.5)
    norm("final_norm", 2.0)
    return weights


def slopes(heads: int) -> np.ndarray:
    """BLOOM's factors of the linear biases for a power of two of heads."""
    return 2.0 ** (-8.0 * np.arange(1, heads + 1) / heads)


def angles(theta: float, head_width: int) -> np.ndarray:
    """Rotary angles by position, `[CONTEXT, head_width / 2]`."""
    half = head_width // 2
    return np.arange(CONTEXT)[:, None] * theta ** (-np.arange(half) / half)


# ------------------------------------------------------------------------------------------------------ reference


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))


def attended(queries: np.ndarray, keys: np.ndarray, values: np.ndarray, scale: float, bias: np.ndarray) -> np.ndarray:
    """Heads first; `bias` is added to the scores, minus infinity where a query may not look."""
    group = queries.shape[0] // keys.shape[0]
    scores = queries @ np.repeat(keys, group, axis=0).swapaxes(1, 2) * scale + bias
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (shares / shares.sum(-1, keepdims=True)) @ np.repeat(values, group, axis=0)
    return mixed.swapaxes(0, 1).reshape(mixed.shape[1], -1)


def causal_bias(count: int, window: int = -1) -> np.ndarray:
    """A window counts the token itself, as `local_window_size` of GroupQueryAttention does."""
    distance = np.arange(count)[:, None] - np.arange(count)
    return np.where((distance >= 0) & ((window < 0) | (distance < window)), 0.0, -np.inf)


def rotary_logits(shape: RotaryShape, weights: Weights, tokens: list[int]) -> np.ndarray:
    count = len(tokens)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + shape.epsilon) * (weights.exact(name) + shape.norm_offset)

    def heads(x: np.ndarray, layer: int, name: str) -> np.ndarray:
        projected = x @ weights.exact(f"{layer}.{name}")
        if shape.has_qkv_biases:
            projected = projected + weights.exact(f"{layer}.{name}.bias")
        split = projected.reshape(count, -1, shape.head_width).swapaxes(0, 1)
        return norm(split, f"{layer}.{name}_norm") if shape.has_head_norms and name != "v" else split

    def turned(x: np.ndarray, layer: int) -> np.ndarray:
        angle = angles(shape.thetas[layer], shape.head_width)[:count]
        left, right = np.split(x, 2, axis=-1)
        return np.concatenate([left * np.cos(angle) - right * np.sin(angle), right * np.cos(angle) + left * np.sin(angle)], axis=-1)

    def attention(x: np.ndarray, layer: int) -> np.ndarray:
        queries, keys = turned(heads(x, layer, "q"), layer), turned(heads(x, layer, "k"), layer)
        mixed = attended(queries, keys, heads(x, layer, "v"), shape.head_width**-0.5, causal_bias(count, shape.windows[layer]))
        return mixed @ weights.exact(f"{layer}.o")

    def convolution(x: np.ndarray, layer: int) -> np.ndarray:
        before, after, inner = np.split(x @ weights.exact(f"{layer}.in"), 3, axis=-1)
        padded = np.concatenate([np.zeros((2, shape.width)), before * inner])
        taps = weights.exact(f"{layer}.taps")
        return after * sum(taps[tap] * padded[tap : tap + count] for tap in range(3)) @ weights.exact(f"{layer}.out")

    def mlp(x: np.ndarray, layer: int) -> np.ndarray:
        gate = x @ weights.exact(f"{layer}.gate")
        activated = gelu(gate) if shape.is_gemma else gate / (1 + np.exp(-gate))
        return activated * (x @ weights.exact(f"{layer}.up")) @ weights.exact(f"{layer}.down")

    x = weights.exact("embedding")[tokens] * (shape.width**0.5 if shape.is_gemma else 1.0)
    for layer, mixer in enumerate(shape.mixers):
        for name, part in (("input", attention if mixer == "attention" else convolution), ("mlp", mlp)):
            update = part(norm(x, f"{layer}.{name}_norm"), layer)
            x = x + (norm(update, f"{layer}.{name}_post_norm") if shape.is_gemma else update)
    return norm(x, "final_norm") @ (weights.exact("embedding").T if shape.is_tied else weights.exact("head"))


def learned_logits(shape: LearnedShape, weights: Weights, tokens: list[int]) -> np.ndarray:
    count = len(tokens)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + shape.epsilon)
        return scaled * weights.exact(f"{name}.weight") + weights.exact(f"{name}.bias")

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights.exact(name) + weights.exact(f"{name}.bias")

    def heads(x: np.ndarray) -> np.ndarray:
        return x.reshape(count, shape.heads, shape.head_width).swapaxes(0, 1)

    x = weights.exact("embedding")[tokens]
    bias = causal_bias(count)
    if shape.positions == "slopes":
        x = norm(x, "embedding_norm")
        bias = bias + slopes(shape.heads)[:, None, None] * np.arange(count)
    else:
        x = x + weights.exact("positions")[shape.offset : shape.offset + count]
    for layer in range(shape.layers):
        normed = norm(x, f"{layer}.input_norm")
        queries, keys, values = (heads(linear(normed, f"{layer}.{name}")) for name in "qkv")
        x = x + linear(attended(queries, keys, values, shape.head_width**-0.5, bias), f"{layer}.o")
        up = linear(norm(x, f"{layer}.mlp_norm"), f"{layer}.up")
        x = x + linear(gelu(up) if shape.activation == "gelu" else np.maximum(up, 0), f"{layer}.down")
    return norm(x, "final_norm") @ weights.exact("embedding").T
