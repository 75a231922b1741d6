//===- TargetModel.cpp - The CPU a model is compiled for ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/TargetModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace sherry;

Expected<TargetModel> TargetModel::get(StringRef name) {
  InitializeAllTargetInfos();
  InitializeAllTargetMCs();
  bool isNative = name == "native";
  TargetModel model;
  const InstructionSet &isa = *model.instructionSet;
  model.cpu = isNative ? sys::getHostCPUName().str() : name.str();

  Triple triple(isa.triple);
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError("LLVM cannot generate " + isa.name +
                             " code: " + error);
  std::unique_ptr<MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, isa.baseCpu, ""));
  if (!isNative && !subtarget->isCPUStringValid(name))
    return createStringError("'" + name + "' is not a CPU of " + isa.name +
                             " known to LLVM; use native, " + isa.cpuNames +
                             " or a name that `llc -march=" +
                             target->getName() + " -mcpu=help` lists");
  if (isNative) {
    model.features = isa.getHostFeatures();
  } else {
    subtarget.reset(target->createMCSubtargetInfo(triple, name, ""));
    for (auto [bit, feature] : enumerate(isa.features))
      if (subtarget->checkFeatures(feature))
        model.features |= uint64_t(1) << bit;
  }
  if ((model.features & isa.required) != isa.required)
    return createStringError("'" + StringRef(model.cpu) + "' is " +
                             isa.whatIsRequired);
  model.features = isa.dropUseless(model.features);
  return model;
}

Expected<TargetModel> TargetModel::get(StringRef name,
                                       ArrayRef<StringRef> features) {
  Expected<TargetModel> model = get(name);
  if (!model)
    return model;
  const InstructionSet &isa = *model->instructionSet;
  model->features = 0;
  for (StringRef feature : features) {
    const auto *known = find(isa.features, feature);
    if (known == isa.features.end())
      return createStringError("the feature '" + feature +
                               "' is not a feature that models may use");
    model->features |= uint64_t(1) << (known - isa.features.begin());
  }
  if ((model->features & isa.required) != isa.required)
    return createStringError("its features are " + isa.whatIsRequired);
  if (isa.dropUseless(model->features) != model->features)
    return createStringError("the features '" + model->getFeatureString() +
                             "' are useless without other features");
  return model;
}

SmallVector<StringRef> TargetModel::getFeatureNames() const {
  SmallVector<StringRef> names;
  for (auto [bit, feature] : enumerate(instructionSet->features))
    if (features >> bit & 1)
      names.push_back(feature);
  return names;
}

std::string TargetModel::getFeatureString() const {
  return join(getFeatureNames(), ",");
}

const CpuFamily &TargetModel::getFamily() const {
  return *find_if(instructionSet->families, [&](const CpuFamily &family) {
    return StringRef(cpu).starts_with(family.prefix) &&
           (features & family.features) == family.features;
  });
}
