//===- AbiTable.cpp - The table that a compiled model exports -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Driver/AbiTable.h"
#include "sherry/Target/ObjectEmitter.h"

#include "llvm/IR/IRBuilder.h"

using namespace llvm;
using namespace sherry;

Error sherry::addAbiTable(Module &module, const TargetModel &target,
                          const AbiFields &fields) {
  if (fields.entries.empty())
    return createStringError("the table of the model needs an entry point; "
                             "none is given");
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::getUnqual(context);
  auto *i64 = Type::getInt64Ty(context);
  auto *forwardType = FunctionType::get(Type::getVoidTy(context),
                                        {pointer, pointer, pointer, pointer,
                                         pointer, pointer, pointer, pointer,
                                         pointer, i64, i64, i64, i64, pointer},
                                        /*isVarArg=*/false);
  for (Function &function : module)
    if (!function.isDeclaration())
      function.setLinkage(GlobalValue::InternalLinkage);

  auto word = [&](uint32_t value) -> Constant * {
    return ConstantInt::get(Type::getInt32Ty(context), value);
  };
  auto quad = [&](uint64_t value) -> Constant * {
    return ConstantInt::get(i64, value);
  };
  auto text = [&](StringRef value, StringRef name) -> Constant * {
    auto *data = ConstantDataArray::getString(context, value);
    auto *global =
        new GlobalVariable(module, data->getType(), /*isConstant=*/true,
                           GlobalValue::PrivateLinkage, data, name);
    global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return global;
  };
  auto constant = [&](Constant *init, StringRef name) {
    return new GlobalVariable(module, init->getType(), /*isConstant=*/true,
                              GlobalValue::InternalLinkage, init, name);
  };
  // The order and the sizes of sherry_abi_entry.
  SmallVector<Constant *> entries;
  for (const AbiEntry &entry : fields.entries) {
    Function *function = module.getFunction(entry.name);
    if (!function || function->getFunctionType() != forwardType)
      return createStringError("the module does not define @" + entry.name +
                               " with the type of an entry point");
    entries.push_back(ConstantStruct::getAnon(
        {text(entry.name, "entry_name"), word(entry.kind),
         word(entry.maxTokens), function}));
  }
  auto *entriesType =
      ArrayType::get(entries.front()->getType(), entries.size());
  // The order and the sizes of sherry_abi_model.
  Constant *values[] = {
      word(SHERRY_ABI_VERSION),
      word(sizeof(sherry_abi_model)),
      quad(target.features),
      text(target.cpu, "target_cpu"),
      word(target.getInstructionSet().elfMachine),
      word(sizeof(sherry_abi_environment)),
      text(fields.metadata, "metadata"),
      quad(fields.metadata.size()),
      quad(fields.weightsSize),
      quad(fields.tokenizerOffset),
      quad(fields.tokenizerSize),
      quad(fields.workspaceSize),
      quad(fields.threadWorkspaceSize),
      quad(fields.kvBytesPerPosition),
      word(fields.vocabSize),
      word(fields.logitsStride),
      word(fields.hiddenSize),
      word(fields.hiddenStride),
      word(fields.maxContext),
      word(entries.size()),
      constant(ConstantArray::get(entriesType, entries), "entries")};
  auto *init = ConstantStruct::getAnon(values);
  auto *table = constant(init, "model");

  auto *query = Function::Create(FunctionType::get(pointer, false),
                                 GlobalValue::ExternalLinkage,
                                 SHERRY_ABI_QUERY_SYMBOL, module);
  query->addFnAttr(kBaselineAttribute);
  IRBuilder<> builder(BasicBlock::Create(context, "", query));
  builder.CreateRet(table);
  return Error::success();
}
