//===- SpecializeTokens.cpp - A decode and a prefill copy of the model ----===//
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
    int64_t maxBlock = getSchedule(module).getMaxBlock();
    SymbolTable symbols(module);
    auto forward = symbols.lookup<func::FuncOp>("forward");
    if (!forward || !forward.isPublic()) {
      module.emitError("there is no public function @forward to specialize");
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> originals(module.getOps<func::FuncOp>());
    for (auto [prefix, tokens] :
         {std::pair<StringRef, int64_t>("decode", 1), {"prefill", maxBlock}}) {
      auto rename = [&, prefix = prefix](StringRef name) {
        return StringAttr::get(&getContext(),
                               name == "forward" ? prefix.str()
                                                 : (prefix + "_" + name).str());
      };
      for (func::FuncOp original : originals) {
        func::FuncOp copy = original.clone();
        copy.setSymNameAttr(rename(original.getName()));
        SherryDialect::MaxTokensAttrHelper(&getContext())
            .setAttr(copy, Builder(&getContext()).getI64IntegerAttr(tokens));
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
