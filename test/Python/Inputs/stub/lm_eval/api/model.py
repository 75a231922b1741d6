# ===- model.py - The part of lm_eval.api.model that models see ----------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import abc


class CacheHook:
    def __init__(self):
        self.results = []

    def add_partial(self, attribute, request, result):
        self.results.append((attribute, request, result))


class LM(abc.ABC):
    def __init__(self):
        self.cache_hook = CacheHook()

    @abc.abstractmethod
    def loglikelihood(self, requests):
        pass

    @abc.abstractmethod
    def loglikelihood_rolling(self, requests):
        pass

    @abc.abstractmethod
    def generate_until(self, requests):
        pass
