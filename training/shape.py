"""The sizes of a member of the family, and what all members share. Needs no package: exporting goes without JAX."""

from dataclasses import asdict, dataclass

NORM_EPSILON = 1e-5
ROPE_THETA = 10_000.0


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    hidden: int

    def parameters(self) -> int:
        attention = self.width * self.head_width * (2 * self.heads + 2 * self.kv_heads)
        return self.vocabulary * self.width + self.layers * (attention + 3 * self.width * self.hidden)

    def json(self) -> dict:
        return asdict(self)
