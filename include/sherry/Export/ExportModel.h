//===- ExportModel.h - Models in other formats ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a model that sherry-compile can read and writes it as GGUF or as a
// Hugging Face folder, with its linear layers in a given type.
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

  /// Type of the weights of linear layers. Not set: trits times a scale per
  /// `granularity`, written as F16 numbers; only for folders.
  std::optional<format::TensorType> linear = format::TensorType::STQ1_0;
  // Not set: as the model was trained or is stored, else per group of 128.
  std::optional<format::Granularity> granularity;
  std::optional<int64_t> groupSize; ///< a multiple of 4

  /// Type of head and embedding. Not set: unchanged, if the file can hold the
  /// type and no smaller type goes with the type of the linear layers.
  std::optional<format::TensorType> head;
  /// Write the latent weights of training as they are, not their projection;
  /// for numbers that are not in blocks.
  bool latent = false;
  /// `quantize`: make trits of weights that do not look trained as trits,
  /// without a warning. `strict`: fail instead of warning.
  bool quantize = false, strict = false;
  std::string importance;   ///< a GGUF file of llama-imatrix; empty: none
  std::string preTokenizer; ///< see describeInGguf
  StqScale stqScale = StqScale::Auto; ///< of GGUF files that are read
  std::vector<Remedy> remedies;       ///< of the tool, for warnings and notes
};

/// How a tensor was written.
struct TensorReport {
  /// Number of bins of the histogram of weights divided by the scale of their
  /// block. The bins are centered at -3, -2.75, ..., 3; the first and the last
  /// also count ratios beyond.
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
  double squares = 0, errorSquares = 0; ///< sums over the original weights
  // Of blocks of integers or trits:
  int64_t scales = 0;
  double smallestScale = 0, largestScale = 0, scaleSum = 0;
  /// Number of trits that changed; not set if the weights were not trits.
  std::optional<int64_t> changed;
  std::array<int64_t, kBins> histogram{}; ///< of weights that become trits

  void add(const TensorReport &part);
};

/// Writes a model in another format.
///
/// Contiguous groups cannot be stored as strided groups, nor the other way
/// round. If a model with one kind is written with the other kind, its features
/// are reordered, within each 64 of them and in all tensors alike. This turns
/// one kind into the other and does not change the results of the model.
///
/// Prints notes to `log`. Calls `progress` with the report of every tensor and
/// the number of tensors.
llvm::Error
exportModel(const ExportOptions &options, llvm::raw_ostream &log,
            llvm::function_ref<void(const TensorReport &, size_t)> progress);

} // namespace sherry

#endif // SHERRY_EXPORT_EXPORTMODEL_H
