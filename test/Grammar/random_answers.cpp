//===- random_answers.cpp - Random answers to schemas ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Usage: sherry-random-answers COUNT SEED < SCHEMAS
//
// Reads a schema from each line, and writes COUNT lines for it: answers, as
// strings of JSON.
//
//===----------------------------------------------------------------------===//
#include "RandomAnswer.h"

#include <nlohmann/json.hpp>

#include <iostream>

using namespace sherry::grammar;

int main(int argc, char **argv) {
  if (argc != 3) {
    std::cerr << "usage: sherry-random-answers COUNT SEED < SCHEMAS\n";
    return 1;
  }
  try {
    const unsigned long count = std::stoul(argv[1]);
    std::mt19937 random(std::stoul(argv[2]));
    for (std::string schema; std::getline(std::cin, schema);) {
      const Grammar grammar(schema);
      for (unsigned long i = 0; i < count; ++i)
        std::cout << nlohmann::json(randomAnswer(grammar, random)) << '\n';
    }
  } catch (const std::exception &error) {
    std::cerr << "sherry-random-answers: error: " << error.what() << '\n';
    return 1;
  }
}
