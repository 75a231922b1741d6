//===- GgufTranslator.h - Values of a GGUF file as a config.json *- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_GGUFTRANSLATOR_H
#define SHERRY_LIB_IMPORT_GGUFTRANSLATOR_H

#include "sherry/Import/GgufConfig.h"

namespace sherry {

struct Architecture;

/// The short decimal number that rounds to this f32 number.
double readDecimal(double number);

/// Makes a TranslatedConfig, part by part of the model's description.
class GgufTranslator {
public:
  explicit GgufTranslator(const GgufModel &model)
      : model(model), file(model.first()) {}

  llvm::Expected<TranslatedConfig> run();

private:
  const GgufValue *find(llvm::StringRef key) const {
    return file.find(result.prefix + key.str());
  }
  /// The value of a key as JSON; null if it does not exist.
  nlohmann::json get(llvm::StringRef key) const;
  llvm::Error fail(const llvm::Twine &key, const llvm::Twine &problem) const;

  llvm::Error refuseRotations() const;
  llvm::Error takeSizes();
  void takeActivation(const Architecture &architecture);
  void takeQuantization();
  void takeVocabulary();
  llvm::Error takeTokenIds();
  void takeSampling();
  llvm::Error takeRope();
  void takeYarn(nlohmann::json factor);
  llvm::Error takeDivisors(nlohmann::json factor, double magnitude);
  llvm::Expected<std::vector<float>> readDivisors() const;
  int64_t getHeadDim() const;

  const GgufModel &model;
  const GgufFile &file;
  TranslatedConfig result;
};

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_GGUFTRANSLATOR_H
