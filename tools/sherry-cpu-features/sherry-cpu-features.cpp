//===- sherry-cpu-features.cpp - Features of this CPU ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints one feature per line, as LLVM spells it; tests use it to decide which
// code can run.
//
//===----------------------------------------------------------------------===//
#include "../Support/CommandLine.h"
#include "sherry/sherry.h"

#include <iostream>
#include <sstream>

int main(int argc, char **argv) {
  CLI::App app("Prints the features of this CPU that models can need, one per "
               "line, as LLVM spells them.",
               "sherry-cpu-features");
  app.set_version_flag("--version",
                       std::string("sherry-cpu-features ") + sherry_version());
  if (const auto status = sherry::parseCommandLine(app, argc, argv))
    return *status;
  std::istringstream features(sherry_cpu_features());
  for (std::string name; std::getline(features, name, ',');)
    std::cout << name << "\n";
  if (std::cout.flush())
    return 0;
  std::cerr << "sherry-cpu-features: error: cannot write to standard output\n";
  return 1;
}
