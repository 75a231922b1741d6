# ===- _score.py - Log-likelihoods ---------------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Tokens are those of sherry-run --score: see docs/Evaluation.md.
#
# ===----------------------------------------------------------------------=== #
from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ._library import Error

if TYPE_CHECKING:
    from ._model import Model


class Score(NamedTuple):
    """Of a text that follows another one."""

    log_likelihood: float  # natural logarithm
    tokens: int
    is_greedy: bool  # each token was the most likely one


class ScoredTokens(NamedTuple):
    """Tokens [n], of which those from `begin` on are scored."""

    tokens: np.ndarray
    begin: int  # 1 or more


def find_prefix_token(model: "Model") -> Optional[int]:
    """What an empty context is: BOS, or the first token that ends texts."""
    bos = model.bos_token
    return bos if bos is not None else next(iter(model.metadata["eos_token_ids"]), None)


def tokenize(model: "Model", text: str, special: bool) -> np.ndarray:
    """Tokens with one BOS in front, also if the text begins with its name."""
    tokens = model.tokenize(text, special=special)
    begins_twice = len(tokens) >= 2 and tokens[0] == tokens[1] == model.bos_token
    return tokens[1:] if begins_twice and len(model.tokenize("")) else tokens


def encode_pair(
    model: "Model", context: str, continuation: str, special: bool, capacity: int
) -> ScoredTokens:
    """The tokens of both texts, the continuation's scored. Of what is longer than
    `capacity` positions, the beginning goes."""
    if not continuation:
        raise Error("the continuation is empty")
    prefix = find_prefix_token(model)
    if context:
        end = len(context.rstrip(" \t\r\n\v\f"))
        continuation = context[end:] + continuation
        tokens = tokenize(model, context[:end], special)
        begin = len(tokens)
        both = tokenize(model, context[:end] + continuation, special)
        tokens = np.concatenate([tokens, both[begin:]])
    else:
        tokens = model.tokenize(continuation, bos=False, special=special)
        begin = 1 if len(tokens) and tokens[0] == prefix else 0
    if begin == 0:
        if prefix is None:
            raise Error("the context is empty, and the model has no BOS or EOS token")
        tokens = np.concatenate([np.array([prefix], np.int32), tokens])
        begin = 1
    if begin >= len(tokens):
        raise Error("the continuation has no token of its own after this context")
    excess = max(0, len(tokens) - capacity - 1)  # the last token is not read
    if excess >= begin:
        raise Error(
            f"the continuation has {len(tokens) - begin} tokens, more than the "
            f"{capacity} positions of the context"
        )
    return ScoredTokens(tokens[excess:], begin - excess)


def rolling_windows(
    model: "Model", text: str, capacity: int
) -> Iterator[ScoredTokens]:
    """Windows of at most `capacity` positions in which each token of a text is scored
    once, the last with a full context: as lm_eval.utils.get_rolling_token_windows
    makes them with a context of one token."""
    tokens = model.tokenize(text, bos=False, special=True)
    prefix = find_prefix_token(model)
    if prefix is None:
        raise Error("the model has no BOS or EOS token to begin a text with")
    tokens = np.concatenate([np.array([prefix], np.int32), tokens])
    for first in range(1, len(tokens), capacity):
        end = min(first + capacity, len(tokens))
        begin = max(0, end - 1 - capacity)
        yield ScoredTokens(tokens[begin:end], first - begin)


def score_tokens(model: "Model", requests: Sequence[ScoredTokens]) -> List[Score]:
    """Scores requests, as many together as the model's `batch` says."""
    results = [Score(0.0, len(r.tokens) - r.begin, True) for r in requests]
    context = model.own_context()
    for first in range(0, len(requests), model.batch):
        part = requests[first : first + model.batch]
        sequences = [context.create() for _ in part]
        try:
            # Logits are needed from the token before the first scored one on.
            context.eval_batch(
                [(s, r.tokens[: r.begin - 1], "none") for s, r in zip(sequences, part)]
            )

            def receive(entry: int, index: int, logits: np.ndarray) -> None:
                request = part[entry]
                token = request.tokens[request.begin + index]
                log_probability, is_greedy = rank(logits, token)
                score = results[first + entry]
                results[first + entry] = score._replace(
                    log_likelihood=score.log_likelihood + log_probability,
                    is_greedy=score.is_greedy and is_greedy,
                )

            context.eval_batch(
                [
                    (s, r.tokens[r.begin - 1 : -1], "all")
                    for s, r in zip(sequences, part)
                ],
                receive,
            )
        finally:
            for sequence in sequences:
                context.drop(sequence)
    return results


def rank(logits: np.ndarray, token: int) -> Tuple[float, bool]:
    """The log probability of a token by logits [vocab_size], and whether it is the
    most likely one."""
    if not np.isfinite(logits).all():
        raise Error("the model's logits are not numbers")
    numbers = logits.astype(np.float64)
    most = numbers.max()
    log_sum = np.log(np.exp(numbers - most).sum()) + most
    return float(numbers[token] - log_sum), int(logits.argmax()) == token
