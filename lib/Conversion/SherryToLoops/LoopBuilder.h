//===- LoopBuilder.h - Building blocks of loops ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers for the loops of graph ops: constants, index arithmetic, counted
// loops, vector loads and stores, trees of additions.
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

/// A tensor of activations, or of one number per row.
struct Rows {
  Rows() = default;
  Rows(mlir::Value buffer, mlir::Value count, int64_t cols)
      : buffer(buffer), count(count), cols(cols) {}
  /// Wraps the values to which `tensor` was converted.
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
  /// Columns in use; the buffer's rows may be longer.
  int64_t cols;
};

/// How the iterations of a parallel loop are divided among the threads of a
/// team.
enum class Division {
  Equal,   ///< the same number for each thread
  OnDemand ///< free threads take remaining iterations; for long iterations
};

/// `sherry.max_tokens` of `op` or of the function around it; 0 if it has none.
int64_t getMaxTokens(mlir::Operation *op);
/// Rows of buffers for up to `maxTokens` tokens: whole blocks of tokens, unless
/// `maxTokens` is 1.
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

  const LoopsConfig &getConfig() const { return config; }
  ScheduleAttr getSchedule() const { return config.getSchedule(); }
  NumericsAttr getNumerics() const { return config.getNumerics(); }
  /// Most rows of all activations.
  int64_t getMaxTokens() const { return maxTokens; }
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
  // Subscripts: affine if their operands are affine
  //===--------------------------------------------------------------------===//

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int64_t b) { return add(a, index(b)); }
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t b);
  /// For numbers that are not negative.
  mlir::Value div(mlir::Value a, int64_t b);
  mlir::Value rem(mlir::Value a, int64_t b);
  /// Runs `body` where `least` is not negative, else `otherwise`. The operands
  /// are the dimensions of `least`, then its symbols.
  void ifHolds(mlir::AffineExpr least, llvm::ArrayRef<mlir::Value> operands,
               llvm::function_ref<void()> body,
               llvm::function_ref<void()> otherwise = nullptr);
  /// The result of a map with one result.
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
  /// The number of a row, from memref<max_tokens x i32>.
  mlir::Value numberOf(const Rows &numbers, mlir::Value row) {
    return createOrFold<mlir::arith::IndexCastUIOp>(
        getIndexType(), loadScalar(numbers.buffer, row));
  }
  /// `count` lanes from lane `begin` on.
  mlir::Value slice(mlir::Value vector, int64_t begin, int64_t count);
  /// a * b + c, rounded once with `fuse_mul_add`, else twice.
  mlir::Value mulAdd(mlir::Value a, mlir::Value b, mlir::Value c);
  /// Rounds f32 numbers of magnitude below 2^22 to the nearest integers, ties
  /// to even, in the same way on every target. The i32 results are kRoundedBits
  /// larger than these integers; their low bytes are those of the integers.
  mlir::Value roundToBits(mlir::Value vector);
  static constexpr int64_t kRoundedBits = 0x4B400000;
  /// The same, with the integers themselves.
  mlir::Value roundToInt(mlir::Value vector);
  /// limit / largest, or 0 if largest is 0; for scalars.
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
  /// construction. Its size must not depend on the model, because stacks may be
  /// small.
  mlir::Value allocLocal(mlir::MemRefType type);
  /// The same in the workspace, for any size. Outside parallel loops each
  /// thread has its own.
  mlir::Value allocScratch(mlir::MemRefType type);
  /// Constants in memory, for more numbers than a vector can hold.
  mlir::Value constantMemory(llvm::StringRef name,
                             mlir::DenseElementsAttr values);
  /// A view of `bytes` (memref<n x i8>) from `offset` on as `type`.
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
  /// The same for a known number of rounds: no code, one body or a loop.
  llvm::SmallVector<mlir::Value> repeat(int64_t rounds, mlir::ValueRange init,
                                        LoopBody body);
  /// Runs `body` for each of `count` rows, one for each token.
  void forRows(mlir::Value count, llvm::function_ref<void(mlir::Value)> body);
  /// Independent iterations 0 .. count-1 that one thread runs.
  void forEach(int64_t count, llvm::function_ref<void(mlir::Value)> body);
  /// Most lanes of a vector that is a whole head. Larger heads are rare, and
  /// the time to compile a vector grows with the square of its lanes.
  static constexpr int64_t kMostHeadLanes = 256;
  /// Runs `body(column, lanes)` over the columns of a head: in one vector up to
  /// kMostHeadLanes, else in a loop.
  void forHeadColumns(int64_t columns,
                      llvm::function_ref<void(mlir::Value, int64_t)> body) {
    forColumns(columns, kMostHeadLanes, body);
  }
  /// The same for half of a head, which is one vector if the head is.
  void forHalfHeadColumns(int64_t columns,
                          llvm::function_ref<void(mlir::Value, int64_t)> body) {
    forColumns(columns, kMostHeadLanes / 2, body);
  }
  /// Independent iterations 0 .. end-1, divided among the team; `end` must be
  /// known at the beginning of the function.
  void parallel(mlir::Value end, llvm::function_ref<void(mlir::Value)> body,
                Division division = Division::Equal);
  /// Runs `body(row, column)` for all vectors of `lanes` columns of `rows`:
  /// divides rows among the team if there may be many, else columns.
  void parallelVectors(const Rows &rows, int64_t lanes,
                       llvm::function_ref<void(mlir::Value, mlir::Value)> body);
  /// Runs `body(row, unit)` for `units` parts of every row, divided as above.
  void parallelUnits(mlir::Value count, int64_t units,
                     llvm::function_ref<void(mlir::Value, mlir::Value)> body,
                     Division division = Division::Equal);

private:
  void forColumns(int64_t columns, int64_t mostLanes,
                  llvm::function_ref<void(mlir::Value, int64_t)> body);
  template <typename AllocOp> mlir::Value allocInLoop(mlir::MemRefType type);

  mlir::func::FuncOp getFunction() const;

  const LoopsConfig config;
  const int64_t maxTokens;
  /// The description of the parallel loops, for profiles.
  mlir::DictionaryAttr step;
  mlir::Block *loop = nullptr;     ///< body of the loop under construction
  mlir::Operation *lastAlloc = {}; ///< last allocation in `loop`
};

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_LOOPBUILDER_H
