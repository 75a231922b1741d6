//===- ExportPlan.h - How each tensor is written ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_EXPORT_EXPORTPLAN_H
#define SHERRY_LIB_EXPORT_EXPORTPLAN_H

#include "TensorEncoder.h"
#include "sherry/Import/ModelFiles.h"

#include <set>

namespace sherry {

/// A tensor of the model and how it is written.
struct ExportJob {
  std::string name; ///< its name in Hugging Face folders
  TensorView view;
  Encoding encoding;
  bool isLinear = false;
  /// The weights are latent: training projects them.
  bool isTrained = false;

  uint64_t bytes() const {
    return view.getRows() *
           format::infoOf(encoding.storage).rowBytes(view.getCols());
  }
};

struct ExportPlan {
  std::vector<ExportJob> jobs;
  QuantizationConfig projection; ///< for a folder of trits
};

/// Whether linear layers become numbers that are not in blocks.
bool writesNumbers(const ExportOptions &options);

/// Chooses the type of each tensor and the order of its features. Warnings go
/// to `log`. Fails if the options do not fit the model.
llvm::Expected<ExportPlan> planExport(const ExportOptions &options,
                                      ModelFiles &files, bool hasImportance,
                                      llvm::raw_ostream &log,
                                      std::set<std::string> &notes);

} // namespace sherry

#endif // SHERRY_LIB_EXPORT_EXPORTPLAN_H
