//===- ExportModel.h - Models in other formats ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a model that sherry-compile takes and writes it as GGUF or as a Hugging
// Face folder, its linear layers in the type that is asked for.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_EXPORT_EXPORTMODEL_H
#define SHERRY_EXPORT_EXPORTMODEL_H

#include "sherry/Import/ModelFiles.h"

#include "llvm/Support/raw_ostream.h"

#include <array>

namespace sherry {

struct ExportOptions {
  std::string model;
  std::string output;    ///< a GGUF file, or a folder
  bool toFolder = false; ///< write a Hugging Face folder

  /// Of the weights of linear layers; not set: trits with a scale per
  /// `granularity` in numbers of F16, which need a folder.
  std::optional<format::TensorType> linear = format::TensorType::STQ1_0;
  // Not set: as the model was trained or is stored, else 128 per group.
  std::optional<format::Granularity> granularity;
  std::optional<int64_t> groupSize; ///< a multiple of 4

  /// Of head and embedding; not set: as they are if the file can hold it and
  /// no smaller type goes with that of the linear layers.
  std::optional<format::TensorType> head;
  /// Write the weights that a model was trained with as they are, not what its
  /// training projects them to; for numbers that are not in blocks.
  bool latent = false;
  /// Make trits of weights that do not look trained for that, without a
  /// warning; `strict`: fail instead of warning.
  bool quantize = false, strict = false;
  std::string importance;   ///< a GGUF file of llama-imatrix; empty: none
  std::string preTokenizer; ///< see describeInGguf
  StqScale stqScale = StqScale::Auto; ///< of GGUF files that are read
  std::vector<Remedy> remedies;       ///< of the tool, for warnings and notes
};

/// What became of a tensor.
struct TensorReport {
  /// Weights by their ratio to the scale of their block: bins around -3, -2.75,
  /// up to 3; what lies beyond is in the first and the last.
  static constexpr int64_t kBins = 25;
  static constexpr double kBinWidth = 0.25;
  static constexpr double centerOf(int64_t bin) {
    constexpr int64_t middle = kBins / 2;
    return static_cast<double>(bin - middle) * kBinWidth;
  }

  std::string name; ///< in Hugging Face folders
  std::string type; ///< as written
  int64_t weights = 0;
  uint64_t bytes = 0;
  double squares = 0, errorSquares = 0; ///< of the weights as they were
  // Of the blocks of integers or trits.
  int64_t scales = 0;
  double smallestScale = 0, largestScale = 0, scaleSum = 0;
  /// Trits that are not what they were, if they were trits.
  std::optional<int64_t> changed;
  std::array<int64_t, kBins> histogram{}; ///< of what becomes trits

  void add(const TensorReport &part);
};

/// Writes a model in another format.
///
/// Groups of four neighbours and strided groups are no patterns of each other.
/// Where a model that has one kind is written with the other, its features are
/// reordered instead, within each 64 of them and in all tensors alike, which
/// turns one kind into the other and changes nothing that the model computes.
///
/// Prints notes to `log` and calls `progress`
/// with the report of every tensor, and how many there are.
llvm::Error
exportModel(const ExportOptions &options, llvm::raw_ostream &log,
            llvm::function_ref<void(const TensorReport &, size_t)> progress);

} // namespace sherry

#endif // SHERRY_EXPORT_EXPORTMODEL_H
