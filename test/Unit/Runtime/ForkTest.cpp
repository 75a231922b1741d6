//===- ForkTest.cpp - Tests of forked processes ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A process that has evaluated with threads, and thus has a team of OpenMP,
// forks; the child has no such threads.
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <algorithm>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace sherry::test;

namespace {

const std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6};

/// Appends all tokens to the context; whether the model says the right thing.
bool evaluates(sherry_context *context) {
  if (!context || sherry_eval(context, tokens.data(), 8, SHERRY_LOGITS_LAST,
                              nullptr, nullptr) != 0)
    return false;
  const float *logits = sherry_context_logits(context);
  return std::max_element(logits, logits + 262) - logits == demoNext(tokens, 8);
}

bool evaluatesAnew(const sherry_model *model) {
  const sherry_context_options options = {0, 4, 3};
  const ContextPtr context(sherry_context_create(model, &options));
  return evaluates(context.get());
}

/// What `check` gives in a child; false if that does not end.
template <typename Check> bool forkAndCheck(Check check) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(300); // ends a child that hangs
    _exit(check() ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFSIGNALED(status)) << "signal " << WTERMSIG(status);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Fork : public testing::Test {
protected:
  void SetUp() override {
    const char *dynamic = getenv("OMP_DYNAMIC");
    saved = dynamic ? dynamic : "";
    // So that a team has three threads even on one processor.
    setenv("OMP_DYNAMIC", "false", /*overwrite=*/1);
    ASSERT_TRUE(evaluatesAnew(model.get()));
  }
  void TearDown() override {
    if (saved.empty())
      unsetenv("OMP_DYNAMIC");
    else
      setenv("OMP_DYNAMIC", saved.c_str(), /*overwrite=*/1);
  }

  ModelPtr model = openModel(demoPath());
  std::string saved;
};

} // namespace

TEST_F(Fork, ChildrenEvaluate) {
  const sherry_context_options options = {0, 0, 3};
  const ContextPtr context(sherry_context_create(model.get(), &options));
  EXPECT_TRUE(forkAndCheck([&] {
    return evaluatesAnew(model.get()) && evaluates(context.get()) &&
           evaluatesAnew(model.get());
  }));
  EXPECT_TRUE(evaluates(context.get()));
}

TEST_F(Fork, ChildrenOpenModels) {
  EXPECT_TRUE(forkAndCheck([] {
    const ModelPtr other(
        sherry_model_open(demoPath().c_str(), SHERRY_WEIGHTS_COPIED));
    return other && evaluatesAnew(other.get());
  }));
}

TEST_F(Fork, ThreadsAndChildrenOfChildrenEvaluate) {
  EXPECT_TRUE(forkAndCheck([&] {
    bool thread = false;
    std::thread([&] { thread = evaluatesAnew(model.get()); }).join();
    return thread && evaluatesAnew(model.get()) &&
           forkAndCheck([&] { return evaluatesAnew(model.get()); });
  }));
}
