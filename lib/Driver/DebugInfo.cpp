//===- DebugInfo.cpp - From an instruction to its step --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DebugInfo.h"
#include "sherry-abi/metadata.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/BinaryFormat/Dwarf.h"

using namespace mlir;
using namespace sherry;

/// The number of the step of which `op` takes a range; see
/// sherry_abi_environment.
static std::optional<int64_t> getTakenStep(Operation &op) {
  auto call = dyn_cast<LLVM::CallOp>(op);
  IntegerAttr number;
  if (!call || call.getCallee() || call.getNumOperands() != 5 ||
      !matchPattern(call.getOperand(2), m_Constant(&number)) ||
      !number.getType().isInteger(32))
    return std::nullopt;
  return number.getInt();
}

namespace {
class DebugInfo {
public:
  explicit DebugInfo(ModuleOp module);

  void add(LLVM::LLVMFuncOp function);

private:
  LLVM::DISubprogramAttr makeSubprogram(StringRef name, unsigned line);
  Location at(LLVM::DISubprogramAttr scope, unsigned line) const {
    return FusedLoc::get({FileLineColLoc::get(fileName, line, /*column=*/0)},
                         scope, context);
  }

  MLIRContext *context;
  StringAttr fileName;
  LLVM::DIFileAttr file;
  LLVM::DICompileUnitAttr unit;
  LLVM::DISubroutineTypeAttr type;
  SmallVector<LLVM::DISubprogramAttr> steps;
};
} // namespace

DebugInfo::DebugInfo(ModuleOp module)
    : context(module.getContext()), fileName(StringAttr::get(context, "steps")),
      file(LLVM::DIFileAttr::get(context, fileName, "")),
      unit(LLVM::DICompileUnitAttr::get(
          DistinctAttr::create(UnitAttr::get(context)), llvm::dwarf::DW_LANG_C,
          file, StringAttr::get(context, "sherry-compile"),
          /*isOptimized=*/true, LLVM::DIEmissionKind::LineTablesOnly)),
      type(LLVM::DISubroutineTypeAttr::get(context, /*types=*/{})) {
  namespace step = metadata::step;
  ArrayAttr described = SherryDialect::StepsAttrHelper(context).getAttr(module);
  for (auto entries : described.getAsRange<DictionaryAttr>()) {
    std::string name = entries.getAs<StringAttr>(step::kOp).str();
    if (auto weight = entries.getAs<FlatSymbolRefAttr>(step::kWeight))
      name += " " + weight.getValue().str();
    steps.push_back(
        makeSubprogram(name, static_cast<unsigned>(steps.size()) + 1));
  }
}

LLVM::DISubprogramAttr DebugInfo::makeSubprogram(StringRef name,
                                                 unsigned line) {
  return LLVM::DISubprogramAttr::get(
      context, DistinctAttr::create(UnitAttr::get(context)), unit, file,
      StringAttr::get(context, name), /*linkageName=*/StringAttr(), file, line,
      /*scopeLine=*/line,
      LLVM::DISubprogramFlags::Definition | LLVM::DISubprogramFlags::Optimized,
      type, /*retainedNodes=*/{}, /*annotations=*/{});
}

void DebugInfo::add(LLVM::LLVMFuncOp function) {
  if (function.isExternal())
    return;
  LLVM::DISubprogramAttr own = makeSubprogram(function.getName(), 0);
  const Location outside = at(own, 0);
  function->setLoc(outside);
  // A step begins where the thread takes its first range, and has no end: the
  // code before the next step is its code, too.
  DenseMap<Block *, Location> ends;
  Region &body = function.getBody();
  for (Block *block : llvm::ReversePostOrderTraversal<Region *>(&body)) {
    SmallPtrSet<Attribute, 2> incoming;
    for (Block *before : block->getPredecessors())
      if (auto end = ends.find(before); end != ends.end())
        incoming.insert(LocationAttr(end->second));
    Location location = incoming.size() == 1
                            ? Location(cast<LocationAttr>(*incoming.begin()))
                            : outside;
    for (Operation &op : *block) {
      if (std::optional<int64_t> step = getTakenStep(op))
        location = *step < 0 || *step >= static_cast<int64_t>(steps.size())
                       ? outside
                       : Location(CallSiteLoc::get(
                             at(steps[*step], static_cast<unsigned>(*step) + 1),
                             outside));
      // A call of a layer does not belong to the step before it.
      auto call = dyn_cast<LLVM::CallOp>(op);
      op.setLoc(call && call.getCallee() ? outside : location);
    }
    ends.insert({block, location});
  }
}

void sherry::addDebugInfo(ModuleOp module) {
  DebugInfo info(module);
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    info.add(function);
}
