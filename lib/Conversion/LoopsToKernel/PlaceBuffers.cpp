//===- PlaceBuffers.cpp - Offsets of buffers in the workspace -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FindTeam.h"
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"
#include "sherry/Format/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace sherry {
#define GEN_PASS_DEF_PLACEBUFFERS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// The workspace: the argument of dynamic size.
static BlockArgument findWorkspace(func::FuncOp function) {
  for (BlockArgument arg : function.getArguments())
    if (auto type = dyn_cast<MemRefType>(arg.getType()))
      if (type.getRank() == 1 && type.isDynamicDim(0) &&
          type.getElementType().isInteger(8))
        return arg;
  return nullptr;
}

namespace {
/// Bytes of memory that the team shares, and of the memory of each thread.
struct Bytes {
  int64_t shared = 0, perThread = 0;

  int64_t &of(bool isPerThread) { return isPerThread ? perThread : shared; }
  void atLeast(const Bytes &other) {
    shared = std::max(shared, other.shared);
    perThread = std::max(perThread, other.perThread);
  }
};

/// The offsets of a buffer in its function's part of the workspace, or of the
/// workspace of a thread.
struct Place {
  memref::AllocOp alloc;
  bool isPerThread;
  int64_t size;                  ///< bytes
  unsigned first = ~0u;          ///< phase in which it is used first
  unsigned last = 0;             ///< and last
  SmallVector<unsigned> outside; ///< phases that use it outside of their step
  int64_t begin = 0, end = 0;    ///< bytes
};

/// All buffers of a function.
struct Places {
  /// Fails if a buffer cannot be placed.
  static FailureOr<Places> find(func::FuncOp function);

  SmallVector<Place> places;
  Bytes size; ///< of all buffers

private:
  void keepSources();
  void placeAll();
};

struct PlaceBuffersPass : sherry::impl::PlaceBuffersBase<PlaceBuffersPass> {
  void runOnOperation() override;

private:
  LogicalResult visit(func::FuncOp function, SetVector<func::FuncOp> &path,
                      Bytes at);
  LogicalResult place(func::FuncOp function);

  DenseMap<func::FuncOp, Places> places;
  DenseMap<func::FuncOp, Bytes> begin; ///< offsets of the parts of functions
  Bytes end;                           ///< end of all parts
};
} // namespace

/// Numbers the ops of the outermost block by the number of steps before them: a
/// step ends before any thread goes on after it. Between steps, late threads
/// may still read memory that others use for something else by then. What they
/// read goes to their own buffers, and no step uses these then (keepSources).
static DenseMap<Operation *, unsigned> numberPhases(func::FuncOp function) {
  DenseMap<Operation *, unsigned> phases;
  unsigned phase = 0;
  for (Operation &op : function.getFunctionBody().front()) {
    phases[&op] = phase;
    if (isa<StepOp>(op))
      ++phase;
  }
  return phases;
}

/// Whether each thread has its own buffer.
static bool isPerThread(memref::AllocOp alloc) {
  return alloc->getParentOfType<StepOp>() ||
         SherryDialect::PerThreadAttrHelper(alloc.getContext())
             .isAttrPresent(alloc);
}

FailureOr<Places> Places::find(func::FuncOp function) {
  Places result;
  if (function.isDeclaration())
    return result;
  BufferViewFlowAnalysis aliases(function);
  DenseMap<Operation *, unsigned> phases = numberPhases(function);
  Block &body = function.getFunctionBody().front();
  SmallVector<memref::AllocOp> allocs;
  function.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
  for (memref::AllocOp alloc : allocs) {
    MemRefType type = alloc.getType();
    if (!type.hasStaticShape() || !type.getLayout().isIdentity())
      return alloc.emitOpError("only buffers of fixed size can be placed");
    DataLayout layout = DataLayout::closest(alloc);
    int64_t size = format::roundUp(
        type.getNumElements() *
            static_cast<int64_t>(layout.getTypeSize(type.getElementType())),
        SHERRY_ABI_BUFFER_ALIGNMENT);
    Place place{alloc, isPerThread(alloc), size};
    unsigned lastPhase = phases.lookup(body.getTerminator());
    for (Value alias : aliases.resolve(alloc.getResult()))
      for (Operation *user : alias.getUsers()) {
        if (!place.isPerThread && !user->getParentOfType<StepOp>() &&
            hasEffect<MemoryEffects::Write>(user, alias))
          return user->emitOpError("writes memory that threads share, outside "
                                   "of a step");
        Operation *op = body.findAncestorOpInBlock(*user);
        // Uses without an order relative to the steps, or unknown uses. In the
        // last phase, other threads may already be in the next call.
        if (!op || phases.lookup(op) == lastPhase ||
            isa<memref::ExtractAlignedPointerAsIndexOp>(user)) {
          place.first = 0;
          place.last = ~0u;
          continue;
        }
        place.first = std::min(place.first, phases.lookup(op));
        place.last = std::max(place.last, phases.lookup(op));
        if (!isa<StepOp>(op))
          place.outside.push_back(phases.lookup(op));
      }
    result.places.push_back(place);
  }
  result.keepSources();
  result.placeAll();
  return result;
}

/// What a thread writes to its own buffers between steps is right only while
/// the buffers that it reads there are. So these stay as long as its own: then
/// a thread that has come too late finds all steps ended that use its own.
void Places::keepSources() {
  for (bool hasChanged = true; hasChanged;) {
    hasChanged = false;
    DenseMap<unsigned, unsigned> until; // phases to last uses of own buffers
    for (const Place &place : places)
      for (unsigned phase : place.outside)
        if (place.isPerThread)
          until[phase] = std::max(until[phase], place.last);
    for (Place &place : places)
      for (unsigned phase : place.outside)
        if (unsigned last = until.lookup(phase); last > place.last) {
          place.last = last;
          hasChanged = true;
        }
  }
}

/// Gives each buffer the lowest offset at which no earlier one is in use in the
/// same phases.
void Places::placeAll() {
  for (auto [i, place] : llvm::enumerate(places)) {
    SmallVector<const Place *> others;
    for (const Place &other : ArrayRef(places).take_front(i))
      if (place.isPerThread == other.isPerThread && place.first <= other.last &&
          other.first <= place.last)
        others.push_back(&other);
    llvm::sort(others, [](const Place *a, const Place *b) {
      return a->begin < b->begin;
    });
    for (const Place *other : others)
      if (place.begin < other->end && other->begin < place.begin + place.size)
        place.begin = other->end;
    place.end = place.begin + place.size;
    int64_t &all = size.of(place.isPerThread);
    all = std::max(all, place.end);
  }
}

/// Gives `function` a part that begins at `at` or later, and each of its
/// callees a part after it.
LogicalResult PlaceBuffersPass::visit(func::FuncOp function,
                                      SetVector<func::FuncOp> &path, Bytes at) {
  if (!path.insert(function))
    return function.emitError("recursion has no bounded workspace");
  Bytes &mine = begin[function];
  mine.atLeast(at);
  const Bytes &size = places[function].size;
  Bytes next{mine.shared + size.shared, mine.perThread + size.perThread};
  end.atLeast(next);
  SymbolTable symbols(getOperation());
  SmallVector<func::FuncOp> callees;
  function.walk([&](func::CallOp call) {
    if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
      callees.push_back(callee);
  });
  for (func::FuncOp callee : callees)
    if (failed(visit(callee, path, next)))
      return failure();
  path.pop_back();
  return success();
}

LogicalResult PlaceBuffersPass::place(func::FuncOp function) {
  BlockArgument workspace = findWorkspace(function);
  const Places &mine = places[function];
  if (!workspace) {
    if (mine.places.empty())
      return success();
    memref::AllocOp alloc = mine.places.front().alloc;
    return alloc.emitOpError("the function has no workspace");
  }
  // The parts of threads follow the memory that they share.
  auto type =
      MemRefType::get({end.shared + SHERRY_ABI_MAX_THREADS * end.perThread},
                      IntegerType::get(&getContext(), 8));
  workspace.setType(type);
  SmallVector<Type> inputs(function.getArgumentTypes());
  inputs[workspace.getArgNumber()] = type;
  function.setType(
      FunctionType::get(&getContext(), inputs, function.getResultTypes()));
  Value team = findTeam(function);
  for (Place place : mine.places) {
    ImplicitLocOpBuilder b(place.alloc.getLoc(), place.alloc);
    int64_t at = begin.lookup(function).of(place.isPerThread) + place.begin;
    Value offset;
    if (place.isPerThread) {
      if (!team)
        return place.alloc.emitOpError(
            "the function has no !sherry.team whose threads need it");
      // Once for all steps and iterations.
      b.setInsertionPointToStart(&function.getFunctionBody().front());
      Value thread = ThreadOp::create(b, team);
      Value bytes = arith::ConstantIndexOp::create(b, end.perThread);
      Value ofThread = arith::MulIOp::create(b, thread, bytes);
      offset = arith::ConstantIndexOp::create(b, end.shared + at);
      offset = arith::AddIOp::create(b, ofThread, offset);
    } else {
      offset = arith::ConstantIndexOp::create(b, at);
    }
    place.alloc.replaceAllUsesWith(Value(memref::ViewOp::create(
        b, place.alloc.getType(), workspace, offset, ValueRange())));
    place.alloc.erase();
    ++numPlaced;
  }
  return success();
}

void PlaceBuffersPass::runOnOperation() {
  ModuleOp module = getOperation();
  places.clear();
  begin.clear();
  end = {};
  for (auto function : module.getOps<func::FuncOp>()) {
    FailureOr<Places> found = Places::find(function);
    if (failed(found))
      return signalPassFailure();
    places[function] = *found;
  }
  for (auto function : module.getOps<func::FuncOp>()) {
    SetVector<func::FuncOp> path;
    if (function.isPublic() && failed(visit(function, path, {})))
      return signalPassFailure();
  }
  // An empty workspace would be a type of no bytes.
  end.shared = std::max<int64_t>(end.shared, SHERRY_ABI_BUFFER_ALIGNMENT);
  constexpr auto most = static_cast<int64_t>(SHERRY_ABI_MAX_WORKSPACE);
  if (end.shared > most || end.perThread > most) {
    module.emitError("the buffers of a call need more than ")
        << most << " bytes";
    return signalPassFailure();
  }
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isDeclaration() && failed(place(function)))
      return signalPassFailure();
  Builder builder(&getContext());
  SherryDialect::WorkspaceSizeAttrHelper(&getContext())
      .setAttr(module, builder.getI64IntegerAttr(end.shared));
  SherryDialect::ThreadWorkspaceSizeAttrHelper(&getContext())
      .setAttr(module, builder.getI64IntegerAttr(end.perThread));
}
