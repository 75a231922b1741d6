//===- ProjectionSample.h - Effects of trits on weights ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model that was not trained as trits is useless after its weights are
// projected onto trits. A sample of the weights shows whether it was, before
// all weights are read.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_PROJECTIONSAMPLE_H
#define SHERRY_IMPORT_PROJECTIONSAMPLE_H

#include "sherry/Format/Codebook.h"
#include "sherry/Import/Checkpoint.h"

namespace sherry {

/// How numbers become trits.
struct TritProjection {
  const format::Codebook *codebook = &format::k3of4;
  format::Granularity granularity = format::Granularity::PerGroup;
  int64_t groupSize = 128; ///< meaningful if PerGroup
};

/// Effects of the projection on some hundred rows of each linear layer.
struct ProjectionSample {
  /// All layers of one module.
  struct Kind {
    std::string name;                     ///< as in q, k, v, o, gate, up, down
    double squares = 0, errorSquares = 0; ///< sums over weights, over changes
  };
  std::vector<Kind> kinds;
  const format::Codebook *codebook = &format::k3of4;

  /// The largest magnitude that a group drops, divided by the smallest that it
  /// keeps, is compared with the same ratio for as many inputs from the middle
  /// of the group on; this is the difference in standard errors. Only training
  /// leaves such a difference [docs/Rationale.md]. 0 for a codebook without a
  /// pattern, whose groups have no meaning.
  double groupTrace = 0;

  double getRelativeError() const;

  /// Whether the weights are trits already or were trained as trits.
  bool looksTrained() const;

  /// A text for the user: the errors of the kinds, and the reason why weights
  /// do not look trained.
  std::string describeErrors() const;
  std::string describeProblem() const;
};

/// Reads a sample of those `layers` whose weights are numbers, not blocks, in
/// the checkpoint; the result has no kinds if there are no such layers. Fails
/// if reading or projecting the sampled weights fails.
llvm::Expected<ProjectionSample>
sampleProjection(Checkpoint &checkpoint, const ModelConfig &config,
                 llvm::ArrayRef<LinearLayer> layers,
                 const TritProjection &projection);

} // namespace sherry

#endif // SHERRY_IMPORT_PROJECTIONSAMPLE_H
