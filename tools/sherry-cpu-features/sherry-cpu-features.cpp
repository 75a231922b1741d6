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

int main(int argc, char **) {
  if (argc > 1) {
    std::cerr << "sherry-cpu-features: error: takes no arguments\n";
    return 2;
  }
  std::istringstream features(sherry_cpu_features());
  for (std::string name; std::getline(features, name, ',');)
    std::cout << name << "\n";
  if (std::cout.flush())
    return 0;
  std::cerr << "sherry-cpu-features: error: cannot write to standard output\n";
  return 1;
}
