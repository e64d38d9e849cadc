"""Writes reward models into `test/fixtures/reward`: small random classifiers with the files, inputs and outputs of hub exports.

`python training/make-reward-fixtures.py` needs NumPy and onnx alone and writes the same bytes each time (`--output DIR`: elsewhere).
What each fixture reproduces, and from which source, is in `test/fixtures/reward/README.md`. `expected.json` holds what the
same weights compute without any graph.
"""

import argparse
import importlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hub_weights
from hub_graphs import BOOL, FLOAT, INT64, HubGraph, attended, by_head, causal_bias
from hub_weights import CONTEXT, TOKENIZER_VOCABULARY, Weights

fixtures = importlib.import_module("make-hub-fixtures")

STEP_TOKEN, STEP_TEXT = TOKENIZER_VOCABULARY, "<extra_0>"
ROWS = [fixtures.EXPECTED_TOKENS[:12], fixtures.EXPECTED_TOKENS[:28], fixtures.EXPECTED_TOKENS[:19]]


@dataclass(frozen=True)
class RewardShape:
    seed: int
    labels: int
    # `tokens`: labels for each token. `last`: of the last token that is no padding. `first`: of the first.
    reads: str
    is_causal: bool = True
    vocabulary: int = TOKENIZER_VOCABULARY + 1
    width: int = 32
    heads: int = 2


PRM = RewardShape(seed=21, labels=2, reads="tokens")
ORM = RewardShape(seed=22, labels=1, reads="last")
ENCODER = RewardShape(seed=23, labels=1, reads="first", is_causal=False)


def reward_weights(shape: RewardShape) -> Weights:
    weights = Weights(shape.seed)
    weights.embedding(shape.vocabulary, shape.width)
    weights.table("positions", CONTEXT, shape.width, 0.2)
    for name, gain in (("q", 3.0), ("k", 3.0), ("v", 4.0), ("o", 3.0)):
        weights.matrix(name, shape.width, shape.width, gain)
    weights.matrix("head", shape.width, shape.labels, 3.0)
    return weights


class RewardGraph:
    """One layer of attention over embeddings, and a head."""

    def __init__(self, shape: RewardShape):
        self.shape, self.weights, self.graph = shape, reward_weights(shape), HubGraph()

    def build(self) -> HubGraph:
        graph, shape = self.graph, self.shape
        graph.input("input_ids", INT64, ["batch_size", "sequence_length"])
        graph.input("attention_mask", INT64, ["batch_size", "sequence_length"])
        if not shape.is_causal:
            graph.input("token_type_ids", INT64, ["batch_size", "sequence_length"])
        new = graph.size("input_ids", 1)
        x = graph.node("Gather", self.weight("embedding"), "input_ids", axis=0)
        x = graph.node("Add", x, graph.node("Slice", self.weight("positions"), graph.integers(0), new, graph.integers(0)))
        x = graph.node("Add", x, self.attention(x, self.bias(new)))
        logits = graph.node("MatMul", x, self.weight("head"))
        if shape.reads == "tokens":
            graph.named_output(logits, "logits", FLOAT, ["batch_size", "sequence_length", shape.labels])
        else:
            graph.named_output(self.pooled(logits, new), "logits", FLOAT, ["batch_size", shape.labels])
        return graph

    def weight(self, name: str) -> str:
        return self.graph.weight(name, self.weights.matrices[name])

    def bias(self, new: str) -> str:
        graph = self.graph
        if self.shape.is_causal:
            return causal_bias(graph, graph.integers(0), new, "attention_mask")
        kept = graph.node("Unsqueeze", graph.node("Cast", "attention_mask", to=BOOL), graph.integers(1, 2))
        # Token types are added in a real encoder; all are 0 here and change nothing.
        types = graph.node("Unsqueeze", graph.node("Cast", "token_type_ids", to=FLOAT), graph.integers(1, 2))
        return graph.node("Add", graph.node("Where", kept, graph.number(0.0), graph.number(-1e9)), types)

    def attention(self, x: str, bias: str) -> str:
        graph, heads = self.graph, self.shape.heads
        width = self.shape.width // heads
        queries, keys, values = (by_head(graph, graph.node("MatMul", x, self.weight(name)), heads, width) for name in "qkv")
        mixed = attended(graph, queries, graph.node("Transpose", keys, perm=[0, 1, 3, 2]), values, bias, width)
        return graph.node("MatMul", mixed, self.weight("o"))

    def pooled(self, logits: str, new: str) -> str:
        """Of causal models the last token that is not the padding one: Hugging Face looks at the tokens, not at the mask."""
        graph = self.graph
        if self.shape.reads == "first":
            return graph.node("Gather", logits, graph.number(0, np.int64), axis=1)
        zero, one = graph.number(0, np.int64), graph.number(1, np.int64)
        places = graph.node("Range", zero, graph.node("Squeeze", new), one)
        kept = graph.node("Not", graph.node("Equal", "input_ids", graph.number(fixtures.PAD, np.int64)))
        last = graph.node("ArgMax", graph.node("Mul", graph.node("Cast", kept, to=INT64), places), axis=1, keepdims=1)
        spread = graph.node("Unsqueeze", last, graph.integers(2))
        return graph.node("Squeeze", graph.node("GatherND", logits, spread, batch_dims=1), graph.integers(1))


def reward_logits(shape: RewardShape, tokens: list[int]) -> np.ndarray:
    weights, count = reward_weights(shape), len(tokens)

    def heads(x: np.ndarray) -> np.ndarray:
        return x.reshape(count, shape.heads, -1).swapaxes(0, 1)

    x = weights.exact("embedding")[tokens] + weights.exact("positions")[:count]
    queries, keys, values = (heads(x @ weights.exact(name)) for name in "qkv")
    bias = hub_weights.causal_bias(count) if shape.is_causal else np.zeros((count, count))
    x = x + hub_weights.attended(queries, keys, values, (shape.width // shape.heads) ** -0.5, bias) @ weights.exact("o")
    logits = x @ weights.exact("head")
    return logits if shape.reads == "tokens" else logits[-1] if shape.reads == "last" else logits[0]


def reward_config(shape: RewardShape, architecture: str, model_type: str, **more: object) -> dict:
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": 1,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": CONTEXT,
        "pad_token_id": fixtures.PAD,
        "bos_token_id": fixtures.BEGIN,
        "eos_token_id": fixtures.END,
        "id2label": {str(label): f"LABEL_{label}" for label in range(shape.labels)},
        **more,
    }


def add_step_token(directory: Path) -> None:
    path = directory / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer["added_tokens"].append({"id": STEP_TOKEN, "content": STEP_TEXT, **flags})
    fixtures.write_json(path, tokenizer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=fixtures.REPOSITORY / "test" / "fixtures" / "reward")
    root = parser.parse_args().output
    written = {
        "prm-tokens": (PRM, reward_config(PRM, "Qwen2ForProcessRewardModel", "qwen2")),
        "orm-last": (ORM, reward_config(ORM, "Qwen2ForSequenceClassification", "qwen2")),
        "orm-encoder": (ENCODER, reward_config(ENCODER, "BertForSequenceClassification", "bert")),
    }
    expected = {}
    for name, (shape, config) in written.items():
        fixture = fixtures.Fixture(root / name, config, {"_from_model_config": True, "eos_token_id": fixtures.END})
        add_step_token(fixture.directory)
        fixture.graph(RewardGraph(shape).build(), fixtures.OPTIMUM)
        expected[name] = [np.round(reward_logits(shape, row), 5).tolist() for row in ROWS]
    (root / "expected.json").write_text(json.dumps({"rows": ROWS, "logits": expected}) + "\n")


if __name__ == "__main__":
    main()
