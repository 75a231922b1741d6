//===- SpecializeTokens.cpp - Copies of the model for few and many tokens -===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

namespace sherry {
#define GEN_PASS_DEF_SPECIALIZETOKENS
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct SpecializeTokensPass
    : sherry::impl::SpecializeTokensBase<SpecializeTokensPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    auto forward = symbols.lookup<func::FuncOp>("forward");
    if (!forward || !forward.isPublic()) {
      module.emitError("there is no public function @forward to specialize");
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> originals(module.getOps<func::FuncOp>());
    for (const EntryPoint &entry :
         getEntryPoints(getSchedule(module).getSchedule())) {
      auto rename = [&](StringRef name) {
        return StringAttr::get(
            &getContext(),
            name == "forward" ? entry.name : (entry.name + "_" + name).str());
      };
      for (func::FuncOp original : originals) {
        func::FuncOp copy = original.clone();
        copy.setSymNameAttr(rename(original.getName()));
        SherryDialect::MaxTokensAttrHelper(&getContext())
            .setAttr(copy,
                     Builder(&getContext()).getI64IntegerAttr(entry.maxTokens));
        copy.walk([&](func::CallOp call) {
          call.setCalleeAttr(FlatSymbolRefAttr::get(rename(call.getCallee())));
        });
        module.push_back(copy);
      }
    }
    for (func::FuncOp original : originals)
      original.erase();
  }
};
} // namespace
