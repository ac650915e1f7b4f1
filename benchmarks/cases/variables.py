"""Loops that people write define-by-run: steps with fresh data in each.

"symgrad" is the loop over `sg.variable`; "compiled" calls one compiled function in the same loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.case import Case, Run
from benchmarks.define_by_run import losses, recurrences, works
from benchmarks.define_by_run.faces import Autograd, Compiled, Dezero, Jax, Symgrad, Torch
from benchmarks.define_by_run.works import Work

EAGER: dict[str, Callable[[], Any]] = {"symgrad": Symgrad, "dezero": Dezero, "torch": Torch}
TRACED: dict[str, Callable[[], Any]] = {
    "compiled": Compiled,
    "autograd": Autograd,
    "jax.jit": partial(Jax, True),
    "jax": partial(Jax, False),
}


def participants(work: Work) -> dict[str, Callable[..., Run]]:
    """Everybody who takes part."""
    return {
        "by hand": works.by_hand(work),
        **{name: works.eager(work, make) for name, make in EAGER.items()},
        **{name: works.traced(work, make) for name, make in TRACED.items()},
    }


def case(
    name: str,
    title: str,
    work: Work,
    inputs: Callable[..., Any],
    sizes: tuple[int, int] = (100, 20),
) -> Case:
    """The case of a work, whose size is the number of steps."""
    return Case(
        name=f"variables_{name}",
        title=f"{title}, {{n}} steps",
        inputs=inputs,
        sizes=sizes[:1],
        quick=sizes[1:],
        tiny=3,
        participants=participants(work),
        tolerance=1e-8,
    )


LABELS = works.descent(losses.labels_loss, losses.labels_by_hand)

CASES = [
    case(
        "linear",
        "linear regression",
        works.descent(losses.linear_loss, losses.linear_by_hand),
        losses.linear_inputs,
    ),
    case(
        "sine",
        "two layers on a sine",
        works.descent(losses.sine_loss, losses.sine_by_hand),
        losses.sine_inputs,
    ),
    case("spiral", "3 classes with labels, 30 rows", LABELS, losses.labels_inputs(30, 2, 10, 3)),
    case(
        "digits", "10 classes with labels, 100 x 64", LABELS, losses.labels_inputs(100, 64, 50, 10)
    ),
    case(
        "conv",
        "two convolutions by gather",
        works.descent(losses.conv_loss, losses.conv_by_hand),
        losses.conv_inputs,
    ),
    case(
        "rnn",
        "recurrence, windows of 30",
        works.descent(recurrences.rnn_loss, recurrences.rnn_by_hand),
        recurrences.wave_inputs(recurrences.rnn_params, 1),
        (20, 10),
    ),
    case(
        "lstm",
        "LSTM, windows of 30",
        works.descent(recurrences.lstm_loss, recurrences.lstm_by_hand),
        recurrences.wave_inputs(recurrences.lstm_params, 2),
        (20, 10),
    ),
    case(
        "prediction",
        "recurrence that is looked at",
        works.prediction(recurrences.rnn_step, lambda p, h, x: recurrences.rnn_step(np, p, h, x)),
        recurrences.walk_inputs,
    ),
    case(
        "hvp",
        "Hessian times direction",
        works.hessian_product(losses.tanh_loss, losses.tanh_product),
        losses.product_inputs,
    ),
    case(
        "wgan_gp",
        "critic with a gradient penalty",
        works.penalised_critic(losses.critic, losses.critic_by_hand, 0.1),
        losses.critic_inputs,
    ),
    case(
        "maml",
        "gradient behind three steps",
        works.adaptation(losses.tanh_loss, 3, 0.1, losses.tanh_slopes, losses.tanh_product),
        losses.adaptation_inputs,
    ),
]
