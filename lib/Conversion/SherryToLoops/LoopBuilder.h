//===- LoopBuilder.h - Building blocks of loops ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vocabulary in which the graph ops are written out as loops: constants,
// index arithmetic, counted loops, vector loads and stores, trees of additions.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_LOOPBUILDER_H
#define LIB_CONVERSION_SHERRYTOLOOPS_LOOPBUILDER_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sherry/Conversion/SherryToLoops.h"

namespace sherry {

/// A tensor of activations, or of a number for each row.
struct Rows {
  Rows() = default;
  Rows(mlir::Value buffer, mlir::Value count, int64_t cols)
      : buffer(buffer), count(count), cols(cols) {}
  /// What `tensor` was converted to.
  Rows(mlir::ValueRange values, mlir::Value tensor)
      : buffer(values[0]), count(values[1]), cols(columnsOf(tensor.getType())) {
  }

  static int64_t columnsOf(mlir::Type tensor) {
    auto type = llvm::cast<mlir::RankedTensorType>(tensor);
    return type.getRank() == 1 ? 1 : type.getDimSize(1);
  }
  llvm::SmallVector<mlir::Value> getValues() const { return {buffer, count}; }

  /// memref<getBufferRows() x (at least cols) x T>, or the slice of one.
  mlir::Value buffer;
  /// Rows in use, at most max_tokens.
  mlir::Value count;
  /// Columns that mean something; the buffer's rows may be longer.
  int64_t cols;
};

/// How the iterations of a parallel loop are divided among the threads of a
/// team.
enum class Division {
  Equal,   ///< as many for each
  OnDemand ///< those that are left to whichever thread is free; for long ones
};

/// `sherry.max_tokens` of the function that `op` is or is in; 0 if it has none.
int64_t getMaxTokens(mlir::Operation *op);
/// Rows of buffers for up to `maxTokens` tokens: whole blocks of tokens, if
/// there may be several.
inline int64_t getBufferRows(int64_t maxTokens) {
  return maxTokens == 1 ? 1 : format::roundUp(maxTokens, kTokenBlock);
}
/// The buffer of activations for up to `maxTokens` tokens: memref<rows x
/// (at least cols) x element>, or memref<rows x i32> of row numbers.
mlir::MemRefType getRowsType(int64_t maxTokens, mlir::RankedTensorType tensor);

class LoopBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// Writes before `op`, in a function that has been converted.
  LoopBuilder(mlir::Operation *op, mlir::OpBuilder &rewriter,
              const LoopsConfig &config);

  const ScheduleAttr schedule;
  const NumericsAttr numerics;
  const int64_t maxTokens; ///< most rows of any activations

  const LoopsConfig &getConfig() const { return config; }
  mlir::Value getWeights() const;   ///< memref<weights_size x i8>
  mlir::Value getWorkspace() const; ///< memref<? x i8>
  mlir::Value getTeam() const;      ///< !sherry.team

  //===--------------------------------------------------------------------===//
  // Scalars
  //===--------------------------------------------------------------------===//

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, value);
  }
  mlir::Value i32(int64_t value) {
    return mlir::arith::ConstantIntOp::create(*this, value, 32);
  }
  mlir::Value f32(double value) { return splat(getF32Type(), value); }

  //===--------------------------------------------------------------------===//
  // Subscripts: affine where their operands are
  //===--------------------------------------------------------------------===//

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int64_t b) { return add(a, index(b)); }
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t b);
  /// Of numbers that are not negative.
  mlir::Value div(mlir::Value a, int64_t b);
  mlir::Value rem(mlir::Value a, int64_t b);
  /// The result of a map, which has one.
  mlir::Value apply(mlir::AffineMap map, llvm::ArrayRef<mlir::Value> operands);

  //===--------------------------------------------------------------------===//
  // Vectors
  //===--------------------------------------------------------------------===//

  mlir::VectorType vec(int64_t lanes, mlir::Type element) {
    return mlir::VectorType::get(lanes, element);
  }
  /// A constant with the same value in all lanes, or a scalar.
  mlir::Value splat(mlir::Type type, double value);
  mlir::Value splatInt(mlir::Type type, int64_t value);
  mlir::Value broadcast(int64_t lanes, mlir::Value scalar);
  mlir::Value load(mlir::VectorType type, mlir::Value memref,
                   mlir::ValueRange at);
  mlir::Value loadScalar(mlir::Value memref, mlir::ValueRange at);
  void store(mlir::Value value, mlir::Value memref, mlir::ValueRange at);
  /// The number of a row: of memref<max_tokens x i32>.
  mlir::Value numberOf(const Rows &numbers, mlir::Value row) {
    return createOrFold<mlir::arith::IndexCastUIOp>(
        getIndexType(), loadScalar(numbers.buffer, row));
  }
  /// `count` lanes from lane `begin` on.
  mlir::Value slice(mlir::Value vector, int64_t begin, int64_t count);
  /// a * b + c, rounded once with `fuse_mul_add`, else twice.
  mlir::Value mulAdd(mlir::Value a, mlir::Value b, mlir::Value c);
  /// Vectors of f32 below 2^22 to the nearest i32, ties to even: the same on
  /// every target.
  mlir::Value roundToInt(mlir::Value vector);
  /// limit / largest, or 0 if largest is 0: scalars.
  mlir::Value inverseOf(mlir::Value largest, double limit);
  mlir::Value reduce(ReduceKind kind, mlir::Value vector) {
    return ReduceOp::create(*this, mlir::getElementTypeOrSelf(vector.getType()),
                            kind, vector);
  }
  mlir::Value reduceAdd(mlir::Value vector) {
    return reduce(ReduceKind::Add, vector);
  }
  mlir::Value reduceMax(mlir::Value vector) {
    return reduce(ReduceKind::Max, vector);
  }

  //===--------------------------------------------------------------------===//
  // Buffers
  //===--------------------------------------------------------------------===//

  /// Rows of `cols` numbers, padded to whole tiles of outputs, so that kernels
  /// may write whole tiles and elementwise ops may run over the padding.
  Rows allocRows(int64_t cols, mlir::Type element, mlir::Value count);
  /// Memory on the stack for an iteration of the parallel loop under
  /// construction, for what no model makes larger: stacks may be small.
  mlir::Value allocLocal(mlir::MemRefType type);
  /// The same in the workspace, of any size.
  mlir::Value allocScratch(mlir::MemRefType type);
  /// Constants that are too many for a vector.
  mlir::Value constantMemory(llvm::StringRef name,
                             mlir::DenseElementsAttr values);
  /// The bytes of `bytes` (memref<n x i8>) from `offset` on as `type`.
  mlir::Value view(mlir::Value bytes, mlir::Value offset,
                   llvm::ArrayRef<int64_t> shape, mlir::Type element);

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value, mlir::ValueRange)>;
  /// `for (i = 0; i < end; i += step)`, carrying values.
  llvm::SmallVector<mlir::Value> forLoop(mlir::Value end, int64_t step,
                                         mlir::ValueRange init, LoopBody body);
  void forLoop(mlir::Value end, int64_t step,
               llvm::function_ref<void(mlir::Value)> body);
  /// The same for a known number of rounds: none, one or a loop.
  llvm::SmallVector<mlir::Value> repeat(int64_t rounds, mlir::ValueRange init,
                                        LoopBody body);
  /// Independent iterations 0 .. count-1 of one thread.
  void forEach(int64_t count, llvm::function_ref<void(mlir::Value)> body);
  /// Lanes of a vector that is a whole head. Larger heads are rare; the time
  /// that it takes to compile a vector grows with the square of its lanes.
  static constexpr int64_t kMostHeadLanes = 256;
  /// Runs `body(column, lanes)` over the columns of a head: in one vector up to
  /// kMostHeadLanes, else in a loop.
  void forHeadColumns(int64_t columns,
                      llvm::function_ref<void(mlir::Value, int64_t)> body) {
    forColumns(columns, kMostHeadLanes, body);
  }
  /// The same for half of a head, which is one vector where the head is.
  void forHalfHeadColumns(int64_t columns,
                          llvm::function_ref<void(mlir::Value, int64_t)> body) {
    forColumns(columns, kMostHeadLanes / 2, body);
  }
  /// Independent iterations 0 .. end-1, divided among the team; `end` is known
  /// where the function begins.
  void parallel(mlir::Value end, llvm::function_ref<void(mlir::Value)> body,
                Division division = Division::Equal);
  /// Runs `body(row, column)` for all vectors of `lanes` columns of `rows`:
  /// divides rows among the team if there may be many, else columns.
  void parallelVectors(const Rows &rows, int64_t lanes,
                       llvm::function_ref<void(mlir::Value, mlir::Value)> body);
  /// Runs `body(row, unit)` for `units` pieces of every row, divided as above.
  void parallelUnits(mlir::Value count, int64_t units,
                     llvm::function_ref<void(mlir::Value, mlir::Value)> body,
                     Division division = Division::Equal);

private:
  void forColumns(int64_t columns, int64_t mostLanes,
                  llvm::function_ref<void(mlir::Value, int64_t)> body);
  template <typename AllocOp> mlir::Value allocInLoop(mlir::MemRefType type);

  mlir::func::FuncOp getFunction() const;

  const LoopsConfig config;
  /// What the parallel loops belong to, for profiles.
  mlir::DictionaryAttr step;
  mlir::Block *loop = nullptr;     ///< body of that under construction
  mlir::Operation *lastAlloc = {}; ///< in it
};

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_LOOPBUILDER_H
