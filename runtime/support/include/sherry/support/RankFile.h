//===- RankFile.h - Names of the files of ranks -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_RANKFILE_H
#define SHERRY_RUNTIME_SUPPORT_RANKFILE_H

#include <cstdint>
#include <string>

namespace sherry {

/// The file of one rank of the model `path`, which is cut among `numRanks`
/// ranks: "a/m.so" gives "a/m.0-of-2.so".
inline std::string rankFileName(const std::string &path, uint32_t rank,
                                uint32_t numRanks) {
  const size_t slash = path.rfind('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  size_t end = path.rfind('.');
  if (end == std::string::npos || end <= name)
    end = path.size();
  return path.substr(0, end) + "." + std::to_string(rank) + "-of-" +
         std::to_string(numRanks) + path.substr(end);
}

} // namespace sherry

#endif // SHERRY_RUNTIME_SUPPORT_RANKFILE_H
