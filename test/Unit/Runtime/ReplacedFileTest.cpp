//===- ReplacedFileTest.cpp - Tests of files that change
//-------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is checked, mapped and loaded is one file, whatever becomes of its name.
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include "TestSupport.h"
#include "sherry/support/Error.h"

#include <algorithm>

using namespace sherry::test;
using namespace sherry::runtime;

namespace {

const std::vector<int32_t> tokens = {3, 1, 4, 1, 5};
const int32_t demoAnswer = demoNext(tokens, 5);
/// See demo-other in Demo/CMakeLists.txt. Old code with new weights gives
/// neither, nor does new code with old weights.
const int32_t otherAnswer = demoNext(tokens, 5, 100, 12);

/// What the model says after the tokens.
int32_t answer(const sherry_model *model) {
  const sherry_context_options options = {0, 0, 1};
  const ContextPtr context(sherry_context_create(model, &options));
  EXPECT_EQ(sherry_eval(context.get(), tokens.data(), 5, SHERRY_LOGITS_LAST,
                        nullptr, nullptr),
            0);
  const float *logits = sherry_context_logits(context.get());
  return static_cast<int32_t>(std::max_element(logits, logits + 262) - logits);
}

class ReplacedFile : public testing::Test {
protected:
  /// Puts a copy of a demo model in the place of the file, as sherry-compile
  /// does.
  void replace(const std::string &name) {
    const std::string copy = folder.path("copy");
    std::filesystem::copy_file(demoPath(name), copy);
    std::filesystem::rename(copy, path);
  }

  TempFolder folder;
  const std::string path = folder.path("model.so");
};

} // namespace

TEST_F(ReplacedFile, IsOpenedAnew) {
  replace("demo");
  const ModelPtr before = openModel(path);
  EXPECT_EQ(answer(before.get()), demoAnswer);
  replace("demo-other");
  const ModelPtr after = openModel(path);
  EXPECT_CONTAINS(sherry_model_metadata(after.get()), "\"other\"");
  EXPECT_EQ(answer(after.get()), otherAnswer);
  EXPECT_CONTAINS(sherry_model_metadata(before.get()), "\"demo\"");
  EXPECT_EQ(answer(before.get()), demoAnswer);
}

TEST_F(ReplacedFile, IsOpenedAnewWhateverIsClosed) {
  // The name of a descriptor is used again, and a file has many such names.
  std::vector<ModelPtr> models;
  for (int i = 0; i < 20; ++i) {
    const bool other = i % 3 == 1;
    if (i % 4 < 2)
      replace(other ? "demo-other" : "demo");
    const ModelPtr previous = openModel(path);
    const ModelPtr model = openModel(path);
    EXPECT_EQ(answer(model.get()), answer(previous.get()));
    models.push_back(openModel(path));
    if (i % 4 < 2) {
      EXPECT_EQ(answer(models.back().get()), other ? otherAnswer : demoAnswer);
    }
    if (i % 5 == 4)
      models.erase(models.begin(), models.begin() + 3);
  }
}

TEST_F(ReplacedFile, WhileItIsOpened) {
  replace("demo");
  const File file(path);
  replace("demo-other");
  auto model = std::make_shared<const Model>(file, SHERRY_WEIGHTS_MAPPED);
  EXPECT_CONTAINS(model->metadata().text, "\"demo\"");
  EXPECT_EQ(model->weights()[0], 11);
  std::filesystem::remove(path);
  model = std::make_shared<const Model>(file, SHERRY_WEIGHTS_COPIED);
  EXPECT_CONTAINS(model->metadata().text, "\"demo\"");
}

TEST_F(ReplacedFile, ThatBecomesShorterIsAnError) {
  replace("demo");
  const File file(path);
  std::filesystem::resize_file(path, 4096);
  EXPECT_THROW(Mapping::copyOfFile(file, 0, file.size()), Error);
  try {
    const Model model(file, SHERRY_WEIGHTS_COPIED);
    ADD_FAILURE() << "was opened";
  } catch (const Error &error) {
    EXPECT_CONTAINS(error.what(), "model.so: cannot read ");
    EXPECT_CONTAINS(error.what(), "the file became shorter");
  }
}
