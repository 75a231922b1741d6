//===- Rope.h - The frequencies of rotary embedding -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_REFERENCE_ROPE_H
#define SHERRY_TEST_REFERENCE_ROPE_H

#include "Checkpoint.h"

/// Frequencies in f32 as in Hugging Face transformers, modeling_rope_utils.py.
Vector ropeFrequencies(const json &config, int64_t headDim);

/// What YaRN multiplies cosines and sines by.
double ropeMagnitude(const json &config);

#endif // SHERRY_TEST_REFERENCE_ROPE_H
