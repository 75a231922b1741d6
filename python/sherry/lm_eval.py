# ===- lm_eval.py - Models for EleutherAI's lm-evaluation-harness --------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   python -c 'import sherry.lm_eval; from lm_eval.__main__ import cli_evaluate;
#              cli_evaluate()' --model sherry --model_args path=model.so --tasks piqa
#
# ===----------------------------------------------------------------------=== #
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from . import _score
from ._library import Error
from ._model import Model


@register_model("sherry")
class SherryLM(LM):
    """A compiled model behind the harness's interface.

    Scores are those of sherry-run --score: docs/Evaluation.md. They do not depend on
    the size of batches.
    """

    def __init__(
        self,
        path: str,
        batch_size: Union[int, str, None] = None,
        max_length: int = 0,
        threads: int = 0,
        max_gen_toks: int = 256,
        device: Optional[str] = None,
        max_batch_size: Optional[int] = None,
    ):
        """path: of the compiled model.
        batch_size: requests that are evaluated together (None, "auto": 16), at most
            max_batch_size.
        max_length: positions of a sequence (0: at most 4096).
        threads: 0: one per physical core.
        max_gen_toks: of an answer whose request names no limit.
        device: must be "cpu", or None.
        """
        super().__init__()
        if device not in (None, "cpu"):
            raise ValueError(f"Sherry's models run on the CPU, not on {device!r}")
        batch = 16 if batch_size is None or str(batch_size).startswith("auto") else int(batch_size)
        self.model = Model(
            path,
            threads=int(threads),
            context=int(max_length),
            batch=min(batch, max_batch_size or batch),
        )
        self.max_gen_toks = max_gen_toks

    @property
    def max_length(self) -> int:
        return self.model.own_context().size

    @property
    def tokenizer_name(self) -> str:
        return f"sherry-{self.model.checksum:016x}"

    def loglikelihood(
        self, requests: Sequence[Any], disable_tqdm: bool = False
    ) -> List[Tuple[float, bool]]:
        """Of requests with arguments (context, continuation): log-likelihood, and
        whether greedy decoding would give the continuation."""
        results = []
        for first in range(0, len(requests), self.model.batch):
            part = [request.args for request in requests[first : first + self.model.batch]]
            for args, score in zip(part, self.model.score_batch(part)):
                results.append((score.log_likelihood, score.is_greedy))
                self.cache_hook.add_partial("loglikelihood", args, results[-1])
        return results

    def loglikelihood_rolling(
        self, requests: Sequence[Any], disable_tqdm: bool = False
    ) -> List[float]:
        """Of requests with arguments (text,): the log-likelihood of all of it."""
        results = []
        for request in requests:
            windows = _score.rolling_windows(self.model, request.args[0], self.max_length)
            scores = _score.score_tokens(self.model, list(windows))
            results.append(sum(score.log_likelihood for score in scores))
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, results[-1])
        return results

    def generate_until(
        self, requests: Sequence[Any], disable_tqdm: bool = False
    ) -> List[str]:
        """Of requests with arguments (context, options): the answers, which end before
        any of the texts in `until`. Of contexts that are too long, the beginning goes."""
        groups: Dict[str, List[int]] = {}  # requests with the same options
        for index, request in enumerate(requests):
            groups.setdefault(repr(request.args[1]), []).append(index)
        results = [""] * len(requests)
        for indices in groups.values():
            options = self._translate(requests[indices[0]].args[1])
            room = self.max_length - options["max_tokens"]
            if room < 1:
                raise Error(
                    f"a context of {self.max_length} tokens has no room for a prompt "
                    f"before answers of {options['max_tokens']}; open the model with a "
                    "larger one"
                )
            prompts = [
                _score.tokenize(self.model, requests[index].args[0], True)[-room:]
                for index in indices
            ]
            for index, text in zip(indices, self.model.generate(prompts, **options)):
                results[index] = text
                self.cache_hook.add_partial("generate_until", requests[index].args, text)
        return results

    def _translate(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """The harness's options as those of Model.generate()."""
        limits = (given.get("max_gen_toks"), given.get("max_new_tokens"), self.max_gen_toks)
        options: Dict[str, Any] = {
            "max_tokens": int(next(limit for limit in limits if limit is not None)),
            "stop": given.get("until") or (),
            "temperature": 0.0,
        }
        if given.get("do_sample", float(given.get("temperature") or 0) > 0):
            options["temperature"] = float(given.get("temperature", 1.0))
            options["seed"] = 1234
            for name in ("top_k", "top_p", "min_p", "repetition_penalty"):
                if name in given:
                    options[name] = given[name]
        return options
