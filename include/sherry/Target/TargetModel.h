//===- TargetModel.h - The CPU a model is compiled for ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_TARGETMODEL_H
#define SHERRY_TARGET_TARGETMODEL_H

#include "sherry-abi/abi.h"
#include "sherry/Target/Schedule.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sherry {

/// CPUs with the same schedule.
struct CpuFamily {
  llvm::StringLiteral prefix; ///< common prefix of their names in LLVM
  uint64_t features;          ///< features that all of them have
  /// Bits of vectors that code generation should not split; 0: its own choice.
  unsigned vectorBits;
  Schedule schedule;
};

/// An instruction set and its CPUs. Each has a folder in lib/Target.
struct InstructionSet {
  llvm::StringLiteral name;    ///< for messages
  llvm::StringLiteral triple;  ///< LLVM's target triple
  llvm::StringLiteral baseCpu; ///< code for it runs on every CPU
  uint16_t elfMachine;         ///< e_machine of ELF headers
  /// Features that code may use, as LLVM spells them: "+avx2". The index is the
  /// bit in sherry_abi_model.
  llvm::ArrayRef<llvm::StringLiteral> features;
  uint64_t fusedMultiplyAdd; ///< features that give an FMA instruction
  uint64_t required;         ///< features without which no model can run
  llvm::StringLiteral whatIsRequired, cpuNames; ///< for messages
  /// Drops features that are useless because other features are missing.
  uint64_t (*dropUseless)(uint64_t features);
  /// The features of this machine.
  uint64_t (*getHostFeatures)();
  /// A CPU belongs to the first family whose prefix and features it has. The
  /// last family fits every CPU.
  llvm::ArrayRef<CpuFamily> families;
};

const InstructionSet &getX86();

/// A CPU, by name, and those of its features that generated code may use.
class TargetModel {
public:
  std::string cpu;
  uint64_t features = 0; ///< bits of sherry_abi_cpu_feature

  /// `name` is `native` (this machine) or a name that LLVM knows for x86-64,
  /// such as x86-64-v3. Fails on unknown names and on CPUs below x86-64-v2.
  static llvm::Expected<TargetModel> get(llvm::StringRef name);
  /// The same with these features instead of all features of the CPU. Fails on
  /// features that no runtime checks.
  static llvm::Expected<TargetModel>
  get(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> features);

  const InstructionSet &getInstructionSet() const { return *instructionSet; }
  bool has(sherry_abi_cpu_feature feature) const {
    return features >> feature & 1;
  }
  /// The features as LLVM spells them: "+avx2", ...
  llvm::SmallVector<llvm::StringRef> getFeatureNames() const;
  std::string getFeatureString() const;
  /// Whether the CPU has an instruction that rounds a product and its addition
  /// once.
  bool hasFusedMultiplyAdd() const {
    return (features & instructionSet->fusedMultiplyAdd) != 0;
  }
  unsigned getVectorBits() const { return getFamily().vectorBits; }
  /// The schedule of the CPU's family.
  const Schedule &getSchedule() const { return getFamily().schedule; }

private:
  const CpuFamily &getFamily() const;

  const InstructionSet *instructionSet = &getX86();
};

} // namespace sherry

#endif // SHERRY_TARGET_TARGETMODEL_H
