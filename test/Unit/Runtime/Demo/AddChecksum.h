//===- AddChecksum.h - Makes the checksums of a model right -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_RUNTIME_DEMO_ADDCHECKSUM_H
#define SHERRY_TEST_UNIT_RUNTIME_DEMO_ADDCHECKSUM_H

#include "Checksum.h"
#include "sherry/support/Error.h"

#include <fstream>

namespace sherry::test {

/// Writes into the checksum section of the file what it is to hold. Throws
/// runtime::Error if the file is no model.
inline void addChecksum(const std::string &path) {
  using namespace sherry::runtime;
  const File file(path);
  const ModelSections sections = checkElf(file);
  const auto &[offset, size] = sections.weights;
  const Mapping weights = Mapping::ofFile(file, offset, size);
  const sherry_abi_identity identity = {
      {computeCodeChecksum(file, sections),
       computeChecksum(weights.data(), weights.size())},
      0,
      0,
      1};
  std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(sections.checksum.offset));
  out.write(reinterpret_cast<const char *>(&identity), sizeof(identity));
  if (!out.flush())
    throw Error("cannot write " + path);
}

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_RUNTIME_DEMO_ADDCHECKSUM_H
