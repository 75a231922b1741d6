//===- Diagnostics.h - Weights that a format cannot hold --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the quantizer and the packers report weights that the packed format
// cannot represent.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_DIAGNOSTICS_H
#define SHERRY_FORMAT_DIAGNOSTICS_H

#include <cstdint>
#include <optional>
#include <string>

namespace sherry::format {

enum class FailureKind {
  Damaged,    ///< the weights are wrong
  ScaleRange, ///< f16 cannot hold a scale of trits
  BlockRange, ///< f16 cannot hold a scale of a block
};

/// An error and its position in the matrix; false on success. The caller knows
/// the file and the tensor: it puts their names in front, and adds a remedy.
class [[nodiscard]] Failure {
public:
  Failure() = default;
  Failure(std::string message, FailureKind kind = FailureKind::Damaged)
      : message(std::move(message)), kind(kind) {}
  Failure(const char *message) : Failure(std::string(message)) {}

  explicit operator bool() const { return message.has_value(); }
  const std::string &operator*() const { return *message; }
  FailureKind getKind() const { return kind; }

private:
  std::optional<std::string> message;
  FailureKind kind = FailureKind::Damaged;
};

/// Fails if weights[rows][cols] has a NaN or an infinity; names the first.
/// weights[0][0] belongs to row `firstRow` of the matrix.
[[nodiscard]] Failure checkFinite(const float *weights, int64_t firstRow,
                                  int64_t rows, int64_t cols);

} // namespace sherry::format

#endif // SHERRY_FORMAT_DIAGNOSTICS_H
