"""A Llama-style decoder in plain JAX: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings.

Weights are a flat dictionary with Hugging Face's Llama names and shapes ([out, in]), so that the exports need no mapping.
"""

import jax
import jax.numpy as jnp
import numpy as np

from shape import NORM_EPSILON, ROPE_THETA, Shape


def initial_weights(shape: Shape, seed: int) -> dict[str, jnp.ndarray]:
    generator = np.random.default_rng(seed)

    def matrix(rows: int, columns: int, scale: float) -> jnp.ndarray:
        return jnp.asarray(generator.normal(0.0, scale, (rows, columns)), jnp.float32)

    inner = shape.width**-0.5
    query, key = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    weights = {"model.embed_tokens.weight": matrix(shape.vocabulary, shape.width, 0.02 if shape.width > 128 else 0.04)}
    for layer in range(shape.layers):
        at = f"model.layers.{layer}."
        weights[at + "input_layernorm.weight"] = jnp.ones(shape.width)
        weights[at + "self_attn.q_proj.weight"] = matrix(query, shape.width, inner)
        weights[at + "self_attn.k_proj.weight"] = matrix(key, shape.width, inner)
        weights[at + "self_attn.v_proj.weight"] = matrix(key, shape.width, inner)
        weights[at + "self_attn.o_proj.weight"] = jnp.zeros((shape.width, query))
        weights[at + "post_attention_layernorm.weight"] = jnp.ones(shape.width)
        weights[at + "mlp.gate_proj.weight"] = matrix(shape.hidden, shape.width, inner)
        weights[at + "mlp.up_proj.weight"] = matrix(shape.hidden, shape.width, inner)
        weights[at + "mlp.down_proj.weight"] = jnp.zeros((shape.width, shape.hidden))
    weights["model.norm.weight"] = jnp.ones(shape.width)
    return weights


def rms_norm(x: jnp.ndarray, weight: jnp.ndarray) -> jnp.ndarray:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON) * weight


def rotary(x: jnp.ndarray, positions: jnp.ndarray) -> jnp.ndarray:
    """x is [rows, length, heads, head_width]; halves are rotated against each other, as in Hugging Face's Llama."""
    half = x.shape[-1] // 2
    frequencies = ROPE_THETA ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = positions[..., None, None].astype(jnp.float32) * frequencies
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    low, high = x[..., :half], x[..., half:]
    return jnp.concatenate([low * cos - high * sin, high * cos + low * sin], axis=-1)


def hidden_states(weights: dict, shape: Shape, tokens: jnp.ndarray, positions: jnp.ndarray, examples: jnp.ndarray) -> jnp.ndarray:
    """Last hidden states [rows, length, width] of packed rows; a token sees earlier tokens of its own example only."""
    rows, length = tokens.shape
    group = shape.heads // shape.kv_heads
    causal = jnp.tril(jnp.ones((length, length), bool))
    visible = causal & (examples[:, :, None] == examples[:, None, :])
    bias = jnp.where(visible, 0.0, -1e9)[:, None, None]
    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(shape.layers):
        at = f"model.layers.{layer}."
        normed = rms_norm(x, weights[at + "input_layernorm.weight"])
        queries = (normed @ weights[at + "self_attn.q_proj.weight"].T).reshape(rows, length, shape.heads, shape.head_width)
        keys = (normed @ weights[at + "self_attn.k_proj.weight"].T).reshape(rows, length, shape.kv_heads, shape.head_width)
        values = (normed @ weights[at + "self_attn.v_proj.weight"].T).reshape(rows, length, shape.kv_heads, shape.head_width)
        queries = rotary(queries, positions).reshape(rows, length, shape.kv_heads, group, shape.head_width)
        keys = rotary(keys, positions)
        scores = jnp.einsum("btkgd,bskd->bkgts", queries, keys) * shape.head_width**-0.5
        mixed = jnp.einsum("bkgts,bskd->btkgd", jax.nn.softmax(scores + bias, axis=-1), values)
        x = x + mixed.reshape(rows, length, -1) @ weights[at + "self_attn.o_proj.weight"].T
        normed = rms_norm(x, weights[at + "post_attention_layernorm.weight"])
        gate = jax.nn.silu(normed @ weights[at + "mlp.gate_proj.weight"].T)
        x = x + (gate * (normed @ weights[at + "mlp.up_proj.weight"].T)) @ weights[at + "mlp.down_proj.weight"].T
    return rms_norm(x, weights["model.norm.weight"])


def logits(weights: dict, shape: Shape, tokens: jnp.ndarray, positions: jnp.ndarray, examples: jnp.ndarray) -> jnp.ndarray:
    return hidden_states(weights, shape, tokens, positions, examples) @ weights["model.embed_tokens.weight"].T
