"""Trains one member of the family: `python training/train.py target|draft|prm [--steps N]`. Resumes from its last checkpoint.

The target learns worked solutions. The draft learns to imitate the target's distribution at every solution token
(knowledge distillation, Hinton et al. 2015, with the forward KL divergence), which is what raises its acceptance rate.
The PRM starts from the target's weights and goes on with worked solutions that carry no slips. A right solution being
unique here, the probability it gives a text is its belief that the text is right so far.
"""

import argparse
import json
import pickle
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from safetensors.numpy import save_file

from data import DIRECTORY, Mixture, batches_of
from model import Shape, initial_weights, logits

HERE = Path(__file__).parent
TIERS = [2, 3, 4, 5, 6]
VOCABULARY = json.loads((DIRECTORY / "vocabulary.json").read_text())["size"]

SHAPES = {
    "target": Shape(VOCABULARY, width=192, layers=8, heads=3, kv_heads=1, head_width=64, hidden=384),
    "draft": Shape(VOCABULARY, width=96, layers=2, heads=3, kv_heads=1, head_width=32, hidden=160),
}
SHAPES["prm"] = SHAPES["target"]
STEPS = {"target": 2600, "draft": 1000, "prm": 700}
LEARNING_RATE = {"target": 0.007, "draft": 0.007, "prm": 0.003}
ROWS = 16
EVALUATE_EVERY = 250
SAVE_EVERY = 100


def mixture_weights(progress: float) -> dict[str, float]:
    """Shares by number of examples: drills and short problems first, then every tier alike."""
    warm = max(0.0, 1.0 - progress / 0.25)
    weights = {"drills": 0.06 + 0.5 * warm}
    for tier in TIERS:
        weights[f"train-{tier}"] = 1.0 + 1.5 * warm * (4 - tier) / 2 if tier < 4 else 1.0 - 0.8 * warm
    return weights


def learning_rate_schedule(peak: float, steps: int) -> optax.Schedule:
    """Warm-up, plateau, and a linear decay over the last two fifths."""
    decay = int(0.4 * steps)
    return optax.join_schedules(
        [optax.linear_schedule(0.0, peak, 60), optax.constant_schedule(peak), optax.linear_schedule(peak, 0.01 * peak, decay)],
        [60, steps - decay],
    )


def make_optimizer(weights: dict, peak: float, steps: int) -> optax.GradientTransformation:
    """Muon (Jordan et al. 2024) for the matrices inside the layers, Adam for embeddings and norms."""
    schedule = learning_rate_schedule(peak, steps)
    adam_schedule = learning_rate_schedule(0.3 * peak, steps)
    labels = {name: "matrix" if ".layers." in name and weights[name].ndim == 2 else "other" for name in weights}
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.partition(
            {
                "matrix": optax.contrib.muon(schedule, weight_decay=0.1, consistent_rms=0.2, beta=0.95),
                "other": optax.adam(adam_schedule, b1=0.9, b2=0.98),
            },
            labels,
        ),
    )


def arrays(batch) -> tuple:
    return batch.tokens, batch.positions, batch.examples, batch.targets, batch.loss


def target_loss(weights, shape, tokens, positions, examples, targets, loss):
    log_probs = jax.nn.log_softmax(logits(weights, shape, tokens, positions, examples))
    picked = jnp.take_along_axis(log_probs, targets[..., None], axis=-1)[..., 0]
    return -(picked * loss).sum() / loss.sum()


def draft_loss(weights, shape, tokens, positions, examples, targets, loss, *, teacher, teacher_shape):
    wanted = jax.lax.stop_gradient(jax.nn.softmax(logits(teacher, teacher_shape, tokens, positions, examples)))
    log_probs = jax.nn.log_softmax(logits(weights, shape, tokens, positions, examples))
    return -((wanted * log_probs).sum(-1) * loss).sum() / loss.sum()


@partial(jax.jit, static_argnums=1)
def predicted(weights, shape, tokens, positions, examples):
    return jnp.argmax(logits(weights, shape, tokens, positions, examples), axis=-1)


def greedy_accuracy(weights, shape, batches) -> float:
    """Share of examples whose solution the model writes token by token: greedy decoding, teacher-forced."""
    solved = total = 0
    for batch in batches:
        wrong = (np.asarray(predicted(weights, shape, batch.tokens, batch.positions, batch.examples)) != batch.targets) & (batch.loss > 0)
        for row, wrong_row in zip(batch.examples, wrong):
            for example in set(row[row > 0].tolist()):
                total += 1
                solved += not wrong_row[row == example].any()
    return solved / total


def load_weights(member: str) -> dict:
    with open(HERE / "runs" / member / "checkpoint.pickle", "rb") as file:
        return {name: jnp.asarray(value) for name, value in pickle.load(file)["weights"].items()}


def save(run: Path, step: int, weights: dict, state, shape: Shape) -> None:
    plain = {name: np.asarray(value) for name, value in weights.items()}
    partial_file = run / "checkpoint.partial"
    with open(partial_file, "wb") as file:
        pickle.dump({"step": step, "weights": plain, "state": jax.tree.map(np.asarray, state)}, file)
    partial_file.replace(run / "checkpoint.pickle")
    save_file(plain, run / "checkpoint.safetensors", {"shape": json.dumps(shape.json())})


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("member", choices=list(SHAPES))
    arguments.add_argument("--steps", type=int)
    options = arguments.parse_args()
    member = options.member
    steps = options.steps or STEPS[member]
    shape = SHAPES[member]
    run = HERE / "runs" / member
    run.mkdir(parents=True, exist_ok=True)

    weights = initial_weights(shape, seed=7)
    if member == "prm":
        weights = load_weights("target")
    optimizer = make_optimizer(weights, LEARNING_RATE[member], steps)
    state, first = optimizer.init(weights), 0
    if (run / "checkpoint.pickle").exists():
        with open(run / "checkpoint.pickle", "rb") as file:
            saved = pickle.load(file)
        first = saved["step"]
        weights = jax.tree.map(jnp.asarray, saved["weights"])
        state = jax.tree.map(jnp.asarray, saved["state"])
    loss_function = target_loss
    if member == "draft":
        loss_function = partial(draft_loss, teacher=load_weights("target"), teacher_shape=SHAPES["target"])

    @partial(jax.jit, donate_argnums=(0, 1))
    def step_once(weights, state, *batch):
        value, gradient = jax.value_and_grad(lambda w: loss_function(w, shape, *batch))(weights)
        updates, state = optimizer.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, value

    is_prm = member == "prm"
    mixture = Mixture(["prm-train"] if is_prm else ["drills", *(f"train-{tier}" for tier in TIERS)], seed=11 + first)
    tests = {tier: batches_of(f"test-{tier}", ROWS) for tier in TIERS}
    log = open(run / "log.jsonl", "a")
    print(json.dumps({"member": member, "parameters": shape.parameters(), "steps": steps, "from": first}), flush=True)
    losses, began = [], time.time()
    for step in range(first, steps):
        batch = mixture.batch({"prm-train": 1.0} if is_prm else mixture_weights(step / steps), ROWS)
        weights, state, value = step_once(weights, state, *arrays(batch))
        losses.append(float(value))
        if step == first:
            began = time.time()
        done = step + 1
        if done % 50 == 0 or done == steps:
            entry = {"step": done, "loss": round(float(np.mean(losses)), 4), "seconds": round(time.time() - began, 1)}
            losses = []
            if done % EVALUATE_EVERY == 0 or done == steps:
                entry["greedy"] = {tier: round(greedy_accuracy(weights, shape, batches), 3) for tier, batches in tests.items()}
            log.write(json.dumps(entry) + "\n")
            log.flush()
            print(json.dumps(entry), flush=True)
        if done % SAVE_EVERY == 0 or done == steps:
            save(run, done, weights, state, shape)


if __name__ == "__main__":
    main()
