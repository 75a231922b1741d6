//===- KernelBuilder.h - Building blocks of kernels -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vocabulary in which the graph ops are written out as loops: constants,
// index arithmetic, counted loops, vector loads and stores, trees of additions.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOKERNEL_KERNELBUILDER_H
#define LIB_CONVERSION_SHERRYTOKERNEL_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

/// The buffer of a tensor of activations.
struct Rows {
  /// memref<max_tokens x (at least cols) x T>, or the slice of one.
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
  OnDemand ///< the last ones to whichever thread is free; for long iterations
};

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// What all kernels of the function under construction share.
  mlir::func::FuncOp function;
  mlir::Value weights;   ///< memref<weights_size x i8>
  mlir::Value team;      ///< !sherry.team
  int64_t maxTokens = 1; ///< most rows of any activations
  ScheduleAttr schedule;
  NumericsAttr numerics;
  /// What the parallel loops to come belong to, for profiles.
  mlir::DictionaryAttr step;

  //===--------------------------------------------------------------------===//
  // Scalars
  //===--------------------------------------------------------------------===//

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, value);
  }
  mlir::Value i32(int64_t value) {
    return mlir::arith::ConstantIntOp::create(*this, value, 32);
  }
  mlir::Value f32(double value);
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value add(mlir::Value a, int64_t b) { return add(a, index(b)); }
  mlir::Value mul(mlir::Value a, int64_t b) {
    return createOrFold<mlir::arith::MulIOp>(a, index(b));
  }

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
                   mlir::ValueRange at) {
    return mlir::vector::LoadOp::create(*this, type, memref, at);
  }
  mlir::Value loadScalar(mlir::Value memref, mlir::ValueRange at) {
    return mlir::memref::LoadOp::create(*this, memref, at);
  }
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
  /// Combines all lanes with `combine` in a balanced tree, whose shape depends
  /// on the number of lanes only: the same result on every target.
  mlir::Value
  reduce(mlir::Value vector,
         llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  mlir::Value reduceAdd(mlir::Value vector);
  mlir::Value reduceMax(mlir::Value vector);

  //===--------------------------------------------------------------------===//
  // Buffers
  //===--------------------------------------------------------------------===//

  /// memref<max_tokens x (at least cols) x element>.
  mlir::MemRefType rowsType(int64_t cols, mlir::Type element) const;
  /// Rows of `cols` numbers, padded to whole tiles of outputs, so that kernels
  /// may write whole tiles and elementwise ops may run over the padding.
  Rows allocRows(int64_t cols, mlir::Type element, mlir::Value count);
  /// Memory on the stack of the executing thread, for what no model makes
  /// larger: stacks may be small. What an op got, the ops after it share.
  mlir::Value allocLocal(mlir::MemRefType type);
  /// Ends the lifetime of all such memory.
  void releaseLocals();
  /// Memory in the workspace for an iteration of the parallel loop under
  /// construction, of any size. Parallel loops take turns with it.
  mlir::Value allocScratch(mlir::MemRefType type);
  /// Constants that are too many for a vector.
  mlir::Value constantMemory(llvm::StringRef name,
                             mlir::DenseElementsAttr values);
  /// The bytes of `bytes` (memref<n x i8>) from `offset` on as `type`.
  mlir::Value view(mlir::Value bytes, mlir::Value offset,
                   llvm::ArrayRef<int64_t> shape, mlir::Type element);

  /// Asks for the cache lines that follow those of [offset, offset + size) of
  /// the weights at the prefetch distance.
  void prefetchWeights(mlir::Value offset, int64_t size);
  /// The same for those at `distance`, which will be read from the second-level
  /// cache.
  void prefetchWeightsFar(mlir::Value offset, int64_t size,
                          mlir::Value distance);

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
  /// `for (i = begin; i < end; i += step)`.
  void forRange(mlir::Value begin, mlir::Value end, int64_t step,
                llvm::function_ref<void(mlir::Value)> body);
  /// Independent iterations 0 .. end-1, divided among the team; `end` is a
  /// constant or a number of rows.
  void parallel(mlir::Value end, llvm::function_ref<void(mlir::Value)> body,
                Division division = Division::Equal);
  /// A range of the numbers 0 .. size-1 for each thread, which may be empty.
  void parallelRanges(
      int64_t size,
      llvm::function_ref<void(mlir::Value begin, mlir::Value end)> body);
  /// Runs `body(row, column)` for all vectors of `lanes` columns of `rows`:
  /// divides rows among the team if there may be several, else columns.
  void parallelVectors(const Rows &rows, int64_t lanes,
                       llvm::function_ref<void(mlir::Value, mlir::Value)> body);
  /// Runs `body(row, unit)` for `units` pieces of every row, divided as above.
  void parallelUnits(mlir::Value count, int64_t units,
                     llvm::function_ref<void(mlir::Value, mlir::Value)> body,
                     Division division = Division::Equal);

private:
  void forColumns(int64_t columns, int64_t mostLanes,
                  llvm::function_ref<void(mlir::Value, int64_t)> body);
  /// `most` is what `end` cannot exceed.
  void parallel(mlir::Value end, int64_t most,
                llvm::function_ref<void(mlir::Value)> body, Division division);

  struct Local {
    mlir::Value memory;
    bool isFree;
  };
  llvm::SmallVector<Local> locals;
  /// The parallel loop under construction.
  struct {
    mlir::scf::ParallelOp op;
    int64_t mostIterations;
    int64_t scratchBytes = 0; ///< of all iterations
  } loop;
  mlir::memref::AllocOp scratch; ///< of the parallel loops
};

//===----------------------------------------------------------------------===//
// The graph ops, written out
//===----------------------------------------------------------------------===//

/// A weight of the layer that an op names.
struct WeightRef {
  WeightOp op;
  mlir::Value offset; ///< byte in the weights section
};

Rows emitEmbedding(KernelBuilder &b, const Rows &tokens, WeightRef weight);
Rows emitRmsNorm(KernelBuilder &b, const Rows &input, WeightRef weight,
                 double epsilon);
Rows emitAddBias(KernelBuilder &b, const Rows &input, WeightRef weight);
Rows emitAdd(KernelBuilder &b, const Rows &lhs, const Rows &rhs);
Rows emitSwiGLU(KernelBuilder &b, const Rows &gate, const Rows &up);
Rows emitRopeTable(KernelBuilder &b, RopeTableOp op, const Rows &positions);
Rows emitRope(KernelBuilder &b, const Rows &input, const Rows &table);

/// Tokens that share one pass over the weights. Eight tokens times two halves
/// fill half of the 32 registers of AVX-512.
inline constexpr int64_t kTokenBlock = 8;
/// Tokens that a sherry.multiply_panel takes, if there are as many.
inline constexpr int64_t kPanelRows = 2 * MultiplyPanelOp::kUnit;

struct QuantizedRows {
  /// An integer n of less than 2^22, added to these bits, reads as the f32
  /// number kFloatOffset + n: sums that start with them need no conversion.
  /// Then n * scale = (kFloatOffset + n) * scale - kFloatOffset * scale is one
  /// fused operation, rounded once too: the second product is exact, because
  /// scales have 22 binary digits.
  static constexpr int64_t kFloatBits = 0x4b400000;
  static constexpr double kFloatOffset = 3 << 22;

  Rows values;
  /// The blocks' scales: memref<blocks x max_tokens x f32>, so that a kernel
  /// that works on a block of all rows reads them from few lines. With
  /// `fuse_mul_add`, as many entries follow that hold -kFloatOffset * scale.
  Rows scales;
  /// In the same order, minus the sums of the blocks' values; with
  /// `fuse_mul_add`, plus kFloatBits.
  Rows starts;
  /// Of one token: the tables of its groups for each order of codes that its
  /// products look up in, memref<groups x 32 x i16> or, split into bytes,
  /// memref<groups x 2 x 16 x i8>.
  mlir::Value wordTables, nibbleTables;

  /// The values in their order in memory: memref<blocks of tokens x groups x
  /// tokens x 4 x i8>, where a block has kTokenBlock tokens, or the only one.
  /// So a product of a block of tokens reads one ascending stream. With
  /// `multiply_panels` blocks have one token: a row is one in memory, and
  /// products with panels may read kPanelRows rows, and a row's next groups.
  mlir::Value inBlocks(KernelBuilder &b) const;
  /// Where a group of four inputs of a row lies in it.
  static llvm::SmallVector<mlir::Value>
  placeOf(KernelBuilder &b, mlir::Value row, mlir::Value group);
};
/// `orders` are those of the ternary weights that multiply the result.
QuantizedRows emitQuantize(KernelBuilder &b, const Rows &input,
                           QuantizedAttr encoding,
                           llvm::ArrayRef<format::CodeOrder> orders);

/// The places of rows of activations in the cache of a layer.
struct CacheRef {
  KVCacheType type;
  mlir::Value bytes;   ///< memref<max bytes x i8>
  mlir::Value context; ///< capacity in positions
  mlir::Value layer;
  const Rows &positions, &sequences;
};
void emitUpdateCache(KernelBuilder &b, const Rows &keys, const Rows &values,
                     const CacheRef &cache);
Rows emitAttention(KernelBuilder &b, const Rows &query, const CacheRef &cache);

/// `residual`, if there is one, is added to the results.
Rows emitLinear(KernelBuilder &b, const Rows &input, WeightRef weight,
                const std::optional<Rows> &residual);
Rows emitLinear(KernelBuilder &b, const QuantizedRows &input, WeightRef weight,
                const std::optional<Rows> &residual);
QuantizedRows emitGatedLinear(KernelBuilder &b, const QuantizedRows &input,
                              WeightRef weight, QuantizedAttr encoding);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOKERNEL_KERNELBUILDER_H
