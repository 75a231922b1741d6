//===- AddChecksum.cpp - Makes the checksums of a model right -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The linker has left room for them; sherry-compile writes them itself.
//
//===----------------------------------------------------------------------===//
#include "AddChecksum.h"

#include <cstdio>

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  try {
    sherry::test::addChecksum(argv[1]);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
