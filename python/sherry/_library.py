# ===- _library.py - The C interface, sherry.h, by ctypes ----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import ctypes
import os
import pathlib
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Callable, Optional


class Error(Exception):
    """What the runtime or the compiler said when it failed."""


class ContextOptions(Structure):
    _fields_ = [
        ("context", c_uint32),
        ("block", c_uint32),
        ("threads", c_uint32),
        ("sequences", c_uint32),
        ("pages", c_uint32),
    ]


class BatchEntry(Structure):
    _fields_ = [
        ("sequence", c_uint32),
        ("logits", c_int),
        ("tokens", c_void_p),
        ("n_tokens", c_int64),
    ]


class LogitBias(Structure):
    _fields_ = [("token", c_int32), ("bias", c_float)]


class SamplerOptions(Structure):
    _fields_ = [
        ("temperature", c_float),
        ("top_k", c_uint32),
        ("top_p", c_float),
        ("seed", c_uint64),
        ("min_p", c_float),
        ("typical_p", c_float),
        ("repetition_penalty", c_float),
        ("presence_penalty", c_float),
        ("frequency_penalty", c_float),
        ("penalty_last_n", c_uint32),
        ("biases", POINTER(LogitBias)),
        ("n_biases", c_size_t),
    ]


BatchLogitsFunction = CFUNCTYPE(None, c_void_p, c_int64, c_int64, c_void_p)

TOKENIZE_BOS = 1
TOKENIZE_SPECIAL = 2
WEIGHTS_COPIED = 0
WEIGHTS_MAPPED = 1
PAGE_POSITIONS = 64

# Result and arguments of the functions that the package calls.
_FUNCTIONS = {
    "sherry_version": (c_char_p, []),
    "sherry_error_message": (c_char_p, []),
    "sherry_model_open": (c_void_p, [c_char_p, c_int]),
    "sherry_model_close": (None, [c_void_p]),
    "sherry_model_verify": (c_int, [c_void_p]),
    "sherry_model_checksum": (c_uint64, [c_void_p]),
    "sherry_model_metadata": (c_char_p, [c_void_p]),
    "sherry_model_vocab_size": (c_uint32, [c_void_p]),
    "sherry_model_hidden_size": (c_uint32, [c_void_p]),
    "sherry_model_max_context": (c_uint32, [c_void_p]),
    "sherry_model_max_block": (c_uint32, [c_void_p]),
    "sherry_model_bos_token": (c_int32, [c_void_p]),
    "sherry_model_is_eos": (c_bool, [c_void_p, c_int32]),
    "sherry_model_has_tokenizer": (c_bool, [c_void_p]),
    "sherry_tokenize": (
        c_int64,
        [c_void_p, c_char_p, c_size_t, c_uint, c_void_p, c_int64],
    ),
    "sherry_token_bytes": (c_void_p, [c_void_p, c_int32, POINTER(c_size_t)]),
    "sherry_token_is_special": (c_bool, [c_void_p, c_int32]),
    "sherry_text_stream_create": (c_void_p, [c_void_p]),
    "sherry_text_stream_destroy": (None, [c_void_p]),
    "sherry_text_stream_push": (c_void_p, [c_void_p, c_int32, POINTER(c_size_t)]),
    "sherry_text_stream_finish": (c_void_p, [c_void_p, POINTER(c_size_t)]),
    "sherry_context_create": (c_void_p, [c_void_p, POINTER(ContextOptions)]),
    "sherry_context_destroy": (None, [c_void_p]),
    "sherry_context_size": (c_uint32, [c_void_p]),
    "sherry_context_block": (c_uint32, [c_void_p]),
    "sherry_context_threads": (c_uint32, [c_void_p]),
    "sherry_context_position": (c_uint32, [c_void_p, c_uint32]),
    "sherry_context_truncate": (c_int, [c_void_p, c_uint32, c_uint32]),
    "sherry_sequence_create": (c_int64, [c_void_p]),
    "sherry_sequence_drop": (c_int, [c_void_p, c_uint32]),
    "sherry_sequence_fork": (c_int64, [c_void_p, c_uint32, c_uint32]),
    "sherry_sequence_tokens": (c_int64, [c_void_p, c_uint32, c_void_p, c_int64]),
    "sherry_sequence_save": (c_int, [c_void_p, c_uint32, c_char_p]),
    "sherry_sequence_load": (c_int64, [c_void_p, c_char_p]),
    "sherry_eval_batch": (
        c_int,
        [c_void_p, POINTER(BatchEntry), c_int64, BatchLogitsFunction, c_void_p],
    ),
    "sherry_sampler_create": (c_void_p, [POINTER(SamplerOptions)]),
    "sherry_sampler_destroy": (None, [c_void_p]),
    "sherry_sample": (c_int32, [c_void_p, c_void_p, c_uint32]),
    "sherry_sampler_accept": (c_int, [c_void_p, c_int32]),
}


def _read_version() -> str:
    """Of this package; a wheel has the file beside this one."""
    here = pathlib.Path(__file__).resolve().parent
    for path in (here / "VERSION", here.parents[1] / "VERSION"):
        if path.exists():
            return path.read_text().strip()
    raise Error(f"{here}: no file VERSION")


VERSION = _read_version()
_SERIES = ".".join(VERSION.split(".")[:2])  # within which the interface is the same


def _load() -> ctypes.CDLL:
    path = os.environ.get("SHERRY_LIBRARY") or f"libsherry.so.{_SERIES}"
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(
            f"{error}; install the package sherry-runtime, or set SHERRY_LIBRARY to "
            "the path of libsherry.so"
        ) from None
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    version = library.sherry_version().decode()
    if not version.startswith(_SERIES + "."):
        raise ImportError(f"{path} has version {version}, this package is for {_SERIES}")
    return library


lib = _load()


def check(result):
    """Returns what a function of the library returned; raises Error on failure."""
    if result is None or result < 0:
        raise Error(lib.sherry_error_message().decode(errors="replace"))
    return result


class Owner:
    """Owns an object of the library until close(), which ends a with block, too."""

    _handle: Optional[int] = None
    # Ends the object; a subclass names the function of the library.
    _destroy: Callable[[int], None]

    def close(self) -> None:
        """Ends the object; nothing can be asked of it afterwards."""
        if self._handle:
            type(self)._destroy(self._handle)
            self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def handle(self) -> int:
        """The object, for functions of the library."""
        if not self._handle:
            raise Error(f"the {type(self).__name__.lower()} is closed")
        return self._handle
