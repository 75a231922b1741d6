//===- sherry-cpu-features.cpp - Prints what this CPU can do --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One feature per line, as LLVM spells it: tells the tests which code can run
// here.
//
//===----------------------------------------------------------------------===//
#include "sherry/sherry.h"

#include <iostream>
#include <sstream>

int main() {
  std::istringstream features(sherry_cpu_features());
  for (std::string name; std::getline(features, name, ',');)
    std::cout << name << "\n";
  return std::cout.flush() ? 0 : 1;
}
