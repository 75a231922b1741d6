//===- KernelBenchmarks.cpp - Generated against hand-written code ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times of one linear op with the quantization of its input, one thread,
// weights in the cache; G mul-adds/s. Before anything is timed, both results
// are compared.
//
//===----------------------------------------------------------------------===//
#include "CompiledKernels.h"
#include "HandWritten.h"
#include "Matrix.h"

#include <benchmark/benchmark.h>
#include <memory>

using namespace sherry;

namespace {

constexpr int64_t kSize = 2048;
constexpr int64_t kMaxTokens = 64;
constexpr int64_t kLookupTokens = 4;

/// One matrix, ready for both sides.
class Fixture {
public:
  Fixture(const Lowering &lowering, format::CodeOrder order, int64_t tokens);

  void generated() {
    LoneThread thread;
    function(section.bytes() + offset, workspace.bytes(), input.floats(),
             output.floats(), tokens, thread.environment());
  }
  void handWritten() {
    const uint8_t *weights = section.bytes() + offset;
    if (tokens > 1)
      other.multiplyManyWords(weights, input.floats(), stride, tokens,
                              output.floats(), stride);
    else if (isWords)
      other.multiplyWords(weights, input.floats(), output.floats());
    else
      other.multiplyNibbles(weights, input.floats(), output.floats());
  }
  /// Ends the program if the two differ.
  void compare(const std::string &name);

private:
  static constexpr int64_t stride = format::rowStride(kSize, sizeof(float));

  std::vector<float> result() {
    std::vector<float> values;
    for (int64_t token = 0; token < tokens; ++token)
      values.insert(values.end(), output.floats() + token * stride,
                    output.floats() + token * stride + kSize);
    return values;
  }

  int64_t tokens;
  bool isWords;
  CompiledKernels::Function function = nullptr;
  size_t offset = 0;
  Buffer section, workspace, input, output;
  HandWritten other;
};

} // namespace

Fixture::Fixture(const Lowering &lowering, format::CodeOrder order,
                 int64_t tokens)
    : tokens(tokens), isWords(order == format::CodeOrder::Words), section(0),
      workspace(0), input(kMaxTokens * stride * sizeof(float)),
      output(kMaxTokens * stride * sizeof(float)),
      other(kSize, kSize, kMaxTokens) {
  Shape shape{WeightKind::Ternary, kSize, kSize, {}};
  shape.layout.order = order;
  shape.layout.granularity = format::Granularity::PerGroup;
  shape.layout.groupSize = 128;
  shape.layout.scaleType = format::ScaleType::F16;
  shape.layout.interleave = 4;
  const CompiledKernels kernels = llvm::cantFail(CompiledKernels::compile(
      lowering, moduleText({shape}, ActivationKind::I8), kMaxTokens,
      kLookupTokens));
  const std::string entry = tokens == 1 ? "decode_"
                            : tokens <= kLookupTokens
                                ? "decode_" + std::to_string(tokens) + "_"
                                : "prefill_";
  function = kernels.function(entry + functionName(0));
  offset = kernels.weightOffset(0);
  // Both sides prefetch beyond the end.
  section = Buffer(kernels.weightsSize() + (1 << 20));
  workspace = Buffer(kernels.workspaceBytes(1));
  std::mt19937 random(1);
  Weights(shape, Operands::Arbitrary, random).pack(section.bytes() + offset);
  const std::vector<float> rows =
      makeActivations(shape, Operands::Arbitrary, tokens, random);
  for (int64_t token = 0; token < tokens; ++token)
    std::copy_n(&rows[token * kSize], kSize, input.floats() + token * stride);
}

void Fixture::compare(const std::string &name) {
  generated();
  const std::vector<float> expected = result();
  handWritten();
  if (result() != expected)
    llvm::report_fatal_error(llvm::Twine(name) +
                             ": generated and hand-written results differ");
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  struct Case {
    const char *lowering;
    format::CodeOrder order;
    int64_t tokens;
  };
  const Case cases[] = {{"AVX512VNNI", format::CodeOrder::Words, 1},
                        {"AVX2", format::CodeOrder::Nibbles, 1},
                        {"AVX512VNNI", format::CodeOrder::Words, 2},
                        {"AVX512VNNI", format::CodeOrder::Words, 4},
                        {"AVX512VNNI", format::CodeOrder::Words, 8},
                        {"AVX512VNNI", format::CodeOrder::Words, 64}};
  for (const Case &c : cases) {
    const auto lowering = std::find_if(
        kLowerings.begin(), kLowerings.end(), [&](const Lowering &l) {
          return l.name == llvm::StringRef(c.lowering);
        });
    const std::string name =
        std::string(c.lowering) + "/" + std::to_string(c.tokens) + " tokens";
    if (const std::string missing = lowering->missingFeatures();
        !missing.empty()) {
      llvm::errs() << name << ": this CPU lacks " << missing << "\n";
      continue;
    }
    auto fixture = std::make_shared<Fixture>(*lowering, c.order, c.tokens);
    fixture->compare(name);
    auto add = [&](const char *side, void (Fixture::*run)()) {
      benchmark::RegisterBenchmark(
          (name + "/" + side).c_str(), [=](benchmark::State &state) {
            for (auto _ : state)
              ((*fixture).*run)();
            state.counters["G mul-adds"] = benchmark::Counter(
                1e-9 * static_cast<double>(c.tokens * kSize * kSize),
                benchmark::Counter::kIsIterationInvariantRate);
          });
    };
    add("generated", &Fixture::generated);
    add("hand_written", &Fixture::handWritten);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
