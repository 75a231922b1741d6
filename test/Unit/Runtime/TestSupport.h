//===- TestSupport.h - For the tests of the runtime -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files and the demo models.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_RUNTIME_TESTSUPPORT_H
#define SHERRY_TEST_UNIT_RUNTIME_TESTSUPPORT_H

#include "../Support/TempFolder.h"
#include "sherry/owners.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace sherry::test {

// Unlike the classes behind the C interface.
using ModelPtr = Model;
using ContextPtr = Context;
using SamplerPtr = Sampler;
using StreamPtr = TextStream;

inline std::string demoPath(const std::string &name = "demo") {
  return SHERRY_DEMO_DIR "/" + name + ".so";
}
inline std::string sourcePath(const std::string &name) {
  return SHERRY_SOURCE_DIR "/" + name;
}
/// A template for models that have none.
inline std::string chatTemplate() {
  return sourcePath("test/Tools/Inputs/chatml.jinja");
}
inline std::string sharedPath(const std::string &name) {
  const char *folder = std::getenv("SHERRY_SHARED_DIR");
  return std::string(folder ? folder : SHERRY_DEFAULT_SHARED_DIR) + "/" + name;
}

inline std::string readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void writeBytes(const std::string &path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush())
    throw std::runtime_error("cannot write " + path);
}

inline ModelPtr openModel(const std::string &path) {
  ModelPtr model(sherry_model_open(path.c_str(), SHERRY_WEIGHTS_COPIED));
  EXPECT_TRUE(model) << sherry_error_message();
  return model;
}

/// Why the model cannot be opened; empty if it can.
inline std::string openError(const std::string &path) {
  ModelPtr model(sherry_model_open(path.c_str(), SHERRY_WEIGHTS_COPIED));
  return model ? "" : sherry_error_message();
}

inline std::vector<int32_t>
tokenize(const sherry_model *model, std::string_view text, unsigned flags = 0) {
  std::vector<int32_t> tokens(text.size() + 2);
  int64_t count =
      sherry_tokenize(model, text.data(), text.size(), flags, tokens.data(),
                      static_cast<int64_t>(tokens.size()));
  EXPECT_GE(count, 0) << sherry_error_message();
  tokens.resize(static_cast<size_t>(count));
  return tokens;
}

/// What a model gives as the next token, by the rule in DemoModel.c.
inline int32_t demoNext(const std::vector<int32_t> &tokens, size_t count,
                        int64_t shift = 0, int32_t firstWeight = 11) {
  int64_t sum = shift;
  for (size_t q = 0; q < count; ++q)
    sum += (37 * (tokens[q] % 256) + firstWeight) % 256 *
           static_cast<int64_t>(q + 1);
  return static_cast<int32_t>(sum % 262);
}

} // namespace sherry::test

#define EXPECT_CONTAINS(text, part)                                            \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

#endif // SHERRY_TEST_UNIT_RUNTIME_TESTSUPPORT_H
