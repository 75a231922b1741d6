//===- Shape.h - What linear kernels are compiled for -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weights of the module under test: their sizes and formats, and how they
// are written in the sherry dialect.
//
//===----------------------------------------------------------------------===//
#ifndef TEST_UNIT_KERNELS_SHAPE_H
#define TEST_UNIT_KERNELS_SHAPE_H

#include "sherry/Format/DenseFormat.h"

#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace sherry {

enum class WeightKind { Ternary, Blocks, Numbers };
enum class ActivationKind { I8, F32 };

/// Inputs that are summed in integers, and which of a row's scales they have.
struct InputBlock {
  int64_t begin, size, scaleGroup;
};

struct Shape {
  WeightKind kind;
  int64_t rows, cols;
  format::TernaryLayout layout;                ///< meaningful if ternary
  const format::QuantFormat *quantFormat = {}; ///< meaningful if Blocks
  bool strided = false;  ///< groups; meaningful if ternary
  bool perToken = false; ///< scales of activations; meaningful if ternary
  /// Meaningful if Numbers.
  format::DenseFormat numbers = format::DenseFormat::BF16;

  /// Rules [S4] and [T4] (ternary) or [Q1] of docs/BlockFormat.md; all inputs
  /// of a row of numbers are one block.
  std::vector<InputBlock> blocks() const;
  int64_t scaleGroups() const { return blocks().back().scaleGroup + 1; }
  bool has(ActivationKind activations) const {
    return kind != WeightKind::Numbers || activations == ActivationKind::F32;
  }
  /// The type of the weight.
  std::string typeText() const;
};

/// Ternary weights of every code order and granularity, with both scale types,
/// several interleaves and odd sizes; dense weights of every format. The same
/// in every run, and few: compiling them takes nearly all of the test's time.
/// Half of them unless testsAll().
const std::vector<Shape> &testShapes();

/// The name of the function that multiplies with shape `number` of a module.
std::string functionName(size_t number);

/// Prints `result` = weight * `input`; with I8 activations, the quantization of
/// `input` before it.
void printLinear(llvm::raw_ostream &out, const std::string &result,
                 const std::string &input, const Shape &shape,
                 const std::string &weight, ActivationKind activations);
void printWeight(llvm::raw_ostream &out, const std::string &name,
                 const Shape &shape);
/// Prints what passes look for; nothing calls it.
void printEntryPoint(llvm::raw_ostream &out);

/// A graph with a public function for each of `shapes` that has such
/// activations.
std::string moduleText(const std::vector<Shape> &shapes,
                       ActivationKind activations);

} // namespace sherry

#endif // TEST_UNIT_KERNELS_SHAPE_H
