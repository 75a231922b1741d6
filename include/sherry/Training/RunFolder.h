//===- RunFolder.h - The folder of a training run ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   step-00000500/  a checkpoint: a Hugging Face folder, and the state from
//                   which a run goes on
//   latest          a link to the last complete checkpoint
//   metrics.jsonl   the metrics of the run, one JSON object per line
//   lock            held by the process that trains
//
// A checkpoint is written under another name, then renamed, then linked, so
// that `latest` is complete whenever the process ends.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_RUNFOLDER_H
#define SHERRY_TRAINING_RUNFOLDER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sherry::training {

class RunFolder {
public:
  /// Makes the folder if it does not exist, takes the lock and removes the
  /// leftovers of an interrupted process. Fails if another process holds the
  /// lock, or if `latest` does not name a checkpoint.
  static llvm::Expected<RunFolder> open(llvm::StringRef path);
  RunFolder(RunFolder &&other) noexcept;
  ~RunFolder();

  /// The last checkpoint: the target of `latest` or, without `latest`, the
  /// newest checkpoint; empty if there is none.
  const std::string &getLatest() const { return latest; }

  /// Lets `write` fill a folder, makes it the last checkpoint and removes all
  /// checkpoints except the last `keep`. The metrics reach the disk before the
  /// checkpoint.
  llvm::Error save(int64_t step, int64_t keep,
                   llvm::function_ref<llvm::Error(llvm::StringRef)> write);

  std::string getMetricsPath() const;

private:
  RunFolder() = default;
  llvm::Error prune(int64_t keep);

  std::string path, latest;
  int lock = -1;
};

/// The file of metrics. Records are written at once.
class Metrics {
public:
  explicit Metrics(std::string path) : path(std::move(path)) {}

  /// The records of the file, without an incomplete last line; no records if
  /// there is no file.
  llvm::Expected<std::vector<nlohmann::ordered_json>> read() const;
  /// Replaces the file by a file of these records.
  llvm::Error rewrite(llvm::ArrayRef<nlohmann::ordered_json> records);
  llvm::Error append(const nlohmann::ordered_json &record);

private:
  std::string path;
};

} // namespace sherry::training

#endif // SHERRY_TRAINING_RUNFOLDER_H
