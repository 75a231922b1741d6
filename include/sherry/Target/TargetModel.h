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

/// CPUs for which the same code is good.
struct CpuFamily {
  llvm::StringLiteral prefix; ///< of the names that LLVM has for them
  uint64_t features;          ///< they have all of these
  /// Vectors that code generation should not split, in bits; 0: its own choice.
  unsigned vectorBits;
  Schedule schedule;
};

/// What an instruction set says of its CPUs. Each has a folder of lib/Target.
struct InstructionSet {
  llvm::StringLiteral name;    ///< as messages call it
  llvm::StringLiteral triple;  ///< of LLVM
  llvm::StringLiteral baseCpu; ///< code for it runs on every CPU
  uint16_t elfMachine;         ///< e_machine of ELF headers
  /// What code may use, as LLVM spells it: "+avx2". The index is the bit in
  /// sherry_abi_model.
  llvm::ArrayRef<llvm::StringLiteral> features;
  uint64_t fusedMultiplyAdd; ///< features that round a product and a sum once
  uint64_t required;         ///< features without which no model can run
  llvm::StringLiteral whatIsRequired, cpuNames; ///< for messages
  /// Without those that are of no use because others are missing.
  uint64_t (*dropUseless)(uint64_t features);
  /// Of this machine.
  uint64_t (*getHostFeatures)();
  /// A CPU belongs to the first family whose prefix and features it has; the
  /// last one fits every CPU.
  llvm::ArrayRef<CpuFamily> families;
};

const InstructionSet &getX86();

/// A CPU by name, and those of its features that generated code may use.
class TargetModel {
public:
  std::string cpu;
  uint64_t features = 0; ///< bits of sherry_abi_cpu_feature

  /// `native` (this machine) or any name LLVM knows for x86-64, such as
  /// x86-64-v3. Fails on unknown names and on CPUs below x86-64-v2.
  static llvm::Expected<TargetModel> get(llvm::StringRef name);
  /// With these features instead of all that a CPU has. Fails on features that
  /// no runtime checks for.
  static llvm::Expected<TargetModel>
  get(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> features);

  const InstructionSet &getInstructionSet() const { return *instructionSet; }
  bool has(sherry_abi_cpu_feature feature) const {
    return features >> feature & 1;
  }
  /// As LLVM spells them: "+avx2", ...
  llvm::SmallVector<llvm::StringRef> getFeatureNames() const;
  std::string getFeatureString() const;
  /// Whether it rounds a product and its addition once, by an instruction.
  bool hasFusedMultiplyAdd() const {
    return (features & instructionSet->fusedMultiplyAdd) != 0;
  }
  unsigned getVectorBits() const { return getFamily().vectorBits; }
  /// What suits it.
  const Schedule &getSchedule() const { return getFamily().schedule; }

private:
  const CpuFamily &getFamily() const;

  const InstructionSet *instructionSet = &getX86();
};

} // namespace sherry

#endif // SHERRY_TARGET_TARGETMODEL_H
