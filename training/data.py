"""Token files of make-data.ts, packed densely into rows of fixed length."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

DIRECTORY = Path(__file__).parent / "data"
ROW_LENGTH = 256


@dataclass
class Batch:
    """All arrays are [rows, ROW_LENGTH]; `loss` marks the positions whose *next* token is learned."""

    tokens: np.ndarray
    positions: np.ndarray
    examples: np.ndarray
    targets: np.ndarray
    loss: np.ndarray


class ExampleSet:
    def __init__(self, name: str, directory: Path = DIRECTORY):
        self.tokens = np.fromfile(directory / f"{name}.tokens", np.uint16)
        self.loss = np.fromfile(directory / f"{name}.loss", np.uint8)
        starts = np.fromfile(directory / f"{name}.starts", np.uint32)
        self.bounds = np.append(starts, len(self.tokens))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def example(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        span = slice(self.bounds[index], self.bounds[index + 1])
        return self.tokens[span], self.loss[span]


def pack(examples: list[tuple[np.ndarray, np.ndarray]], rows: int) -> tuple[Batch, int]:
    """Fills `rows` rows first-fit; returns the batch and how many of the examples went in."""
    shape = (rows, ROW_LENGTH)
    batch = Batch(*(np.zeros(shape, np.int32) for _ in range(4)), np.zeros(shape, np.float32))
    used = np.zeros(rows, int)
    for count, (tokens, loss) in enumerate(examples):
        length = len(tokens)
        fitting = np.flatnonzero(used + length <= ROW_LENGTH)
        if len(fitting) == 0:
            return batch, count
        row, start = fitting[0], used[fitting[0]]
        span = slice(start, start + length)
        batch.tokens[row, span] = tokens
        batch.positions[row, span] = np.arange(length)
        batch.examples[row, span] = count + 1
        batch.targets[row, start : start + length - 1] = tokens[1:]
        batch.loss[row, start : start + length - 1] = loss[1:]
        used[row] += length
    return batch, len(examples)


class Mixture:
    """Draws examples from several sets by weight, each set in a fixed shuffled order, and packs them."""

    def __init__(self, names: list[str], seed: int, directory: Path = DIRECTORY):
        self.random = np.random.default_rng(seed)
        self.sets = {name: ExampleSet(name, directory) for name in names}
        self.orders = {name: self.random.permutation(len(examples)) for name, examples in self.sets.items()}
        self.cursors = dict.fromkeys(names, 0)
        self.waiting: list[tuple[np.ndarray, np.ndarray]] = []

    def batch(self, weights: dict[str, float], rows: int) -> Batch:
        names = list(weights)
        shares = np.array([weights[name] for name in names])
        while sum(len(tokens) for tokens, _ in self.waiting) < rows * ROW_LENGTH * 1.1:
            name = names[self.random.choice(len(names), p=shares / shares.sum())]
            order, cursor = self.orders[name], self.cursors[name]
            self.waiting.append(self.sets[name].example(order[cursor % len(order)]))
            self.cursors[name] = cursor + 1
        batch, count = pack(self.waiting, rows)
        self.waiting = self.waiting[count:]
        return batch


def batches_of(name: str, rows: int, directory: Path = DIRECTORY) -> list[Batch]:
    """A whole set as packed batches."""
    examples = ExampleSet(name, directory)
    waiting = [examples.example(index) for index in range(len(examples))]
    batches = []
    while waiting:
        batch, count = pack(waiting, rows)
        batches.append(batch)
        waiting = waiting[count:]
    return batches
