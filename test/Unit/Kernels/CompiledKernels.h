//===- CompiledKernels.h - Linear kernels of one lowering -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes a graph of linear ops all the way to machine code in this process,
// and calls it with a team of threads.
//
//===----------------------------------------------------------------------===//
#ifndef TEST_UNIT_KERNELS_COMPILEDKERNELS_H
#define TEST_UNIT_KERNELS_COMPILEDKERNELS_H

#include "sherry/Target/TargetModel.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <vector>

namespace sherry {

/// Which instructions a module is lowered to.
struct Lowering {
  const char *name;
  const char *cpu;
  /// Bits of sherry_abi_cpu_feature beyond those of `cpu`.
  uint64_t moreFeatures;
  /// Whether panels are multiplied whole even where no instruction does so.
  bool multiplyPanels = false;
  /// The lowering that is tested in its place where the processor can run it.
  const char *better = nullptr;

  TargetModel target() const;
  /// "+avx2,...": what this processor cannot run; empty if it can run all.
  std::string missingFeatures() const;
};

/// Every lowering of the kernel ops.
extern const std::vector<Lowering> kLowerings;

/// Whether what takes long is tested, too: scripts/test --all.
bool testsAll();

/// Those of kLowerings that this processor can run and, unless testsAll(), that
/// no other stands for.
std::vector<Lowering> testedLowerings();

/// Bytes with the alignment that entry points are promised.
class Buffer {
public:
  explicit Buffer(size_t bytes) : lines(bytes / sizeof(Line) + 1) {}
  uint8_t *bytes() { return lines.front().bytes; }
  float *floats() { return reinterpret_cast<float *>(bytes()); }

private:
  struct alignas(SHERRY_ABI_BUFFER_ALIGNMENT) Line {
    uint8_t bytes[SHERRY_ABI_BUFFER_ALIGNMENT];
  };
  std::vector<Line> lines;
};

/// A thread that works alone takes all of a step, then nothing.
class LoneThread {
public:
  const sherry_abi_environment *environment() const { return &mine; }

private:
  static sherry_abi_range take(const sherry_abi_environment *self, int32_t,
                               int64_t count, int64_t) {
    bool &hasTaken = static_cast<LoneThread *>(self->user)->hasTaken;
    hasTaken = !hasTaken && count > 0;
    return {0, hasTaken ? count : 0};
  }

  bool hasTaken = false;
  sherry_abi_environment mine{sizeof(mine), take, this, 0, 1};
};

/// The shared object of one lowering for one kind of activations; stays loaded
/// until the program ends.
class CompiledKernels {
public:
  /// What the kernel pipeline makes of a graph of one tensor and one result.
  using Function = void (*)(const uint8_t *weights, uint8_t *workspace,
                            const float *input, float *output, int64_t tokens,
                            const sherry_abi_environment *team);

  /// `graph` is a module in the sherry dialect. A prefill function takes up to
  /// `maxTokens`, a multiple of 8; functions for few tokens up to
  /// `lookupTokens`, a power of two up to 8. If `lookupBlock` is not 0, a
  /// function looks up to so many tokens up, `lookupTokens` at a time.
  static llvm::Expected<CompiledKernels>
  compile(const Lowering &lowering, llvm::StringRef graph, int64_t maxTokens,
          int64_t lookupTokens, int64_t lookupBlock = 0);

  size_t weightsSize() const { return sectionSize; }
  size_t workspaceBytes(int64_t threads) const {
    return workspaceSize + threads * threadWorkspaceSize;
  }
  /// Where weight `number` of the module lies.
  size_t weightOffset(size_t number) const { return offsets[number]; }

  /// `name` is that of the graph behind "decode_" (max tokens is 1),
  /// "decode_2_", ... or "prefill_".
  Function function(llvm::StringRef name) const;
  /// Calls a function with a team of `threads`. `input` is [tokens][columns],
  /// `output` [max tokens][rows], with rows of format::rowStride() floats.
  void call(llvm::StringRef name, Buffer &weights, Buffer &input,
            Buffer &output, int64_t tokens, int64_t threads) const;

private:
  llvm::Error load(llvm::StringRef sharedObject);

  void *library = nullptr;
  size_t sectionSize = 0, workspaceSize = 0, threadWorkspaceSize = 0;
  std::vector<size_t> offsets;
};

} // namespace sherry

#endif // TEST_UNIT_KERNELS_COMPILEDKERNELS_H
