//===- ProjectionSample.h - What trits make of weights ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model that was not trained as trits is nothing once its weights are
// projected onto them. A sample of the weights shows which kind it is, before
// all of them are read.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_PROJECTIONSAMPLE_H
#define SHERRY_IMPORT_PROJECTIONSAMPLE_H

#include "sherry/Format/Codebook.h"
#include "sherry/Import/Checkpoint.h"

namespace sherry {

/// How numbers are to become trits.
struct TritProjection {
  const format::Codebook *codebook = &format::k3of4;
  format::Granularity granularity = format::Granularity::PerGroup;
  int64_t groupSize = 128; ///< meaningful if PerGroup
};

/// What the projection does to some hundred rows of each linear layer.
struct ProjectionSample {
  /// Of the layers of one module.
  struct Kind {
    std::string name;                     ///< as in q, k, v, o, gate, up, down
    double squares = 0, errorSquares = 0; ///< of the weights, of what changes
  };
  std::vector<Kind> kinds;
  const format::Codebook *codebook = &format::k3of4;

  /// How the largest magnitude that a group drops, by the smallest that it
  /// keeps, differs from that of as many inputs that begin in the middle of the
  /// group, in standard errors. Training leaves a trace there; any other
  /// weights have none [docs/Rationale.md]. 0 of a codebook without a pattern,
  /// whose groups mean nothing.
  double groupTrace = 0;

  double getRelativeError() const;

  /// Whether the weights are trits already or were trained as such.
  bool looksTrained() const;

  /// For the user: the errors of the kinds, and what is wrong with weights that
  /// do not look trained.
  std::string describeErrors() const;
  std::string describeProblem() const;
};

/// Reads a sample of those of `layers` whose weights are numbers, not blocks,
/// in the checkpoint; no kinds if there are none. Fails as reading and
/// projecting all of the weights would.
llvm::Expected<ProjectionSample>
sampleProjection(Checkpoint &checkpoint, const ModelConfig &config,
                 llvm::ArrayRef<LinearLayer> layers,
                 const TritProjection &projection);

} // namespace sherry

#endif // SHERRY_IMPORT_PROJECTIONSAMPLE_H
