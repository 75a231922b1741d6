//===- Importance.cpp - How much each input matters -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Importance.h"
#include "sherry/Support/Json.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;

Expected<ImportanceFile> ImportanceFile::open(StringRef path) {
  ImportanceFile result;
  auto file = GgufFile::open(path);
  if (!file)
    return file.takeError();
  const GgufValue *type = (*file)->find("general.type");
  if (!type || type->getString() != StringRef("imatrix"))
    return makeError(path + ": is not an importance matrix; give a file that "
                            "llama-imatrix has written");
  result.file = std::move(*file);
  return result;
}

Expected<std::vector<float>> ImportanceFile::get(StringRef name,
                                                 int64_t cols) const {
  std::string tensor = (name + ".in_sum2").str();
  if (!file->hasTensor(tensor))
    return std::vector<float>();
  auto view = file->getTensor(tensor);
  if (!view)
    return view.takeError();
  if (view->getRows() != 1 || view->getCols() != cols)
    return makeError(file->getPath() + ": tensor " + quote(tensor) + " has " +
                     Twine(view->getRows()) + " x " + Twine(view->getCols()) +
                     " numbers; the weight has " + Twine(cols) +
                     " inputs, the file belongs to another model");
  std::vector<float> importance(cols);
  if (Error error = view->readRows(0, 1, importance.data()))
    return error;
  // Only ratios matter. Unused inputs get a small importance.
  double sum = 0;
  for (float value : importance)
    sum += std::max(value, 0.0f);
  if (sum == 0)
    return std::vector<float>();
  constexpr double least = 1e-6;
  for (float &value : importance)
    value = static_cast<float>(
        std::max(value * static_cast<double>(cols) / sum, least));
  return importance;
}
