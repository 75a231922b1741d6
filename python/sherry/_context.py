# ===- _context.py - Sequences of tokens, and their evaluation -----------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import ctypes
import os
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._library import (
    PAGE_POSITIONS,
    BatchEntry,
    BatchLogitsFunction,
    ContextOptions,
    Error,
    Owner,
    check,
    lib,
)

if TYPE_CHECKING:
    from ._model import Model

# The results of an evaluation, and the tokens that have them: enum sherry_logits.
OUTPUTS = ("none", "last", "all", "hidden_last", "hidden_all")

# Receives entry, index of the token, and its logits or hidden state [width],
# which are valid during the call.
OutputFunction = Callable[[int, int, np.ndarray], None]


class Context(Owner):
    """One or more sequences of tokens and the model's memory of them: for one thread
    at a time."""

    _destroy = lib.sherry_context_destroy
    _is_evaluating = False

    def __init__(
        self,
        model: "Model",
        *,
        size: int = 0,
        block: int = 0,
        threads: int = 0,
        sequences: int = 1,
        full_sequences: int = 0,
    ):
        """0 stands for the default.

        size: positions of each sequence (default: the model's maximum, at most 4096).
        block: most tokens evaluated in one go (default: the model's maximum).
        threads: default: one per physical core.
        sequences: those that there are at the start, numbered from 0.
        full_sequences: memory for this number of full sequences (default: `sequences`); it is
            taken when it is used first.
        """
        positions = size or min(4096, model.max_context)
        pages = full_sequences * -(-positions // PAGE_POSITIONS)
        options = ContextOptions(size, block, threads, sequences, pages)
        self.model = model
        self._handle = check(
            lib.sherry_context_create(model.handle, ctypes.byref(options))
        )

    def close(self) -> None:
        """Ends the context; refused while it evaluates, as in a function that it calls."""
        if self._is_evaluating:
            raise Error("the context is evaluating; close it afterwards")
        super().close()

    @property
    def size(self) -> int:
        """Positions of a sequence."""
        return lib.sherry_context_size(self.handle)

    @property
    def block(self) -> int:
        return lib.sherry_context_block(self.handle)

    @property
    def threads(self) -> int:
        return lib.sherry_context_threads(self.handle)

    # Sequences, by number.

    def position(self, sequence: int = 0) -> int:
        """How many tokens a sequence has."""
        return lib.sherry_context_position(self.handle, sequence)

    def tokens(self, sequence: int = 0) -> np.ndarray:
        """The tokens of a sequence, int32 [position]."""
        result = np.empty(self.position(sequence), np.int32)
        check(
            lib.sherry_sequence_tokens(
                self.handle, sequence, result.ctypes.data, len(result)
            )
        )
        return result

    def truncate(self, position: int, sequence: int = 0) -> None:
        """Drops all tokens of a sequence except the first `position`."""
        check(lib.sherry_context_truncate(self.handle, sequence, position))

    def create(self) -> int:
        """A new sequence without tokens: its number."""
        return check(lib.sherry_sequence_create(self.handle))

    def drop(self, sequence: int) -> None:
        """Gives back a sequence's memory and number."""
        check(lib.sherry_sequence_drop(self.handle, sequence))

    def fork(self, position: int, sequence: int = 0) -> int:
        """A new sequence of the first `position` tokens of another: its number.
        Nothing is computed or copied."""
        return check(lib.sherry_sequence_fork(self.handle, sequence, position))

    def save(self, path: Union[str, os.PathLike], sequence: int = 0) -> None:
        """Writes a sequence to a file: tokens, keys and values."""
        check(lib.sherry_sequence_save(self.handle, sequence, os.fsencode(path)))

    def load(self, path: Union[str, os.PathLike]) -> int:
        """A new sequence from a file that save() wrote, of the same model: its number."""
        return check(lib.sherry_sequence_load(self.handle, os.fsencode(path)))

    def sequence(self) -> "OwnedSequence":
        """A new sequence that is dropped at the end of a `with` statement."""
        return OwnedSequence(self)

    # Evaluation.

    def eval(
        self, tokens: Sequence[int], output: str = "last", sequence: int = 0
    ) -> Optional[np.ndarray]:
        """Appends tokens [n] to a sequence. Returns, by `output`,

        "last": the logits after the last token, float32 [1, vocab_size];
        "all": those after each token [n, vocab_size];
        "hidden_last", "hidden_all": hidden states, the inputs of the head,
            [1, hidden_size] or [n, hidden_size];
        "none": None.

        On Error the sequence is as it was.
        """
        return self.eval_batch([(sequence, tokens, output)])[0]

    def eval_batch(
        self,
        entries: Sequence[Tuple[int, Sequence[int], str]],
        on_output: Optional[OutputFunction] = None,
    ) -> List[Optional[np.ndarray]]:
        """Appends tokens to several sequences, evaluated together.

        entries: sequence, tokens [n] and output of each, as eval() takes them; each
            sequence may occur once.
        on_output: receives what is computed, token by token, instead of the result;
            an exception of it is raised when the evaluation has ended.

        Returns a list of what eval() returns.
        """
        structs = (BatchEntry * max(1, len(entries)))()
        results: List[Optional[np.ndarray]] = []
        kept = []
        for struct, (sequence, tokens, output) in zip(structs, entries):
            array = np.ascontiguousarray(tokens, np.int32)
            if array.ndim != 1:
                raise ValueError(f"tokens must have one dimension, not {array.ndim}")
            if output not in OUTPUTS:
                raise ValueError(f"output must be one of {OUTPUTS}, not {output!r}")
            kept.append(array)  # alive during the call
            struct.sequence = sequence
            struct.logits = OUTPUTS.index(output)
            struct.tokens = array.ctypes.data
            struct.n_tokens = len(array)
            results.append(self._make_result(output, len(array), on_output is not None))
        failures: List[BaseException] = []

        def receive(_user: Any, entry: int, index: int, values: int) -> None:
            try:
                result = results[entry]
                if result is not None:
                    row = result[index if result.shape[0] > 1 else 0]
                    ctypes.memmove(row.ctypes.data, values, row.nbytes)
                elif on_output:
                    on_output(entry, index, self._view(entries[entry][2], values))
            except BaseException as failure:  # of this, or of a signal
                failures.append(failure)

        if self._is_evaluating:
            raise Error("the context is in use: it evaluates")
        function = BatchLogitsFunction(receive)
        handle, self._is_evaluating = self.handle, True
        try:
            check(lib.sherry_eval_batch(handle, structs, len(entries), function, None))
        finally:
            self._is_evaluating = False
        if failures:
            raise failures[0]
        return results

    def _width(self, output: str) -> int:
        is_hidden = output.startswith("hidden")
        return self.model.hidden_size if is_hidden else self.model.vocab_size

    def _make_result(
        self, output: str, count: int, is_given: bool
    ) -> Optional[np.ndarray]:
        if output == "none" or is_given:
            return None
        rows = count if output.endswith("all") else min(1, count)
        return np.empty((rows, self._width(output)), np.float32)

    def _view(self, output: str, values: int) -> np.ndarray:
        pointer = ctypes.cast(values, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(pointer, (self._width(output),))


class OwnedSequence:
    """A sequence of a context, dropped at the end of a `with` statement."""

    def __init__(self, context: Context):
        self.context = context
        self.number = context.create()

    def __enter__(self) -> "OwnedSequence":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.context._handle:
            self.context.drop(self.number)

    @property
    def position(self) -> int:
        return self.context.position(self.number)

    def eval(self, tokens: Sequence[int], output: str = "last") -> Optional[np.ndarray]:
        return self.context.eval(tokens, output, self.number)
