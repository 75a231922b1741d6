//===- SherryToLoops.h - Graph ops to loops over buffers --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interface for projects that lower their own ops to these loops: see
// examples/new-op.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_CONVERSION_SHERRYTOLOOPS_H
#define SHERRY_CONVERSION_SHERRYTOLOOPS_H

#include "mlir/IR/DialectInterface.h"
#include "mlir/Transforms/DialectConversion.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

/// An integer n with |n| < 2^22, added to these bits, reads as the f32 number
/// 3 * 2^22 + n. With `fuse_mul_add`, exact sums of quantized activations start
/// with these bits, so the sums need no conversion.
inline constexpr int64_t kFloatBits = 0x4b400000;
/// Tokens that share one read of the weights. With two halves of 16 outputs,
/// their sums fill half of the 32 registers of AVX-512.
inline constexpr int64_t kTokenBlock = 8;
/// Most tokens of a sherry.multiply_panel.
inline constexpr int64_t kPanelTokens = 2 * MultiplyPanelOp::kUnit;

/// Number of query heads that share one load and widening of keys and values: a
/// divisor of the `sharing` heads that share the keys, at most as many as
/// registers allow.
inline int64_t getHeadsTogether(int64_t sharing) {
  int64_t together = 4;
  while (sharing % together != 0)
    --together;
  return together;
}

/// The properties of a module that the lowering reads.
class LoopsConfig {
public:
  explicit LoopsConfig(mlir::Operation *module);

  mlir::MLIRContext *getContext() const { return schedule.getContext(); }
  ScheduleAttr getSchedule() const { return schedule; }
  NumericsAttr getNumerics() const { return numerics; }
  /// Bytes of the weights section.
  int64_t getWeightsSize() const { return weightsSize; }

private:
  ScheduleAttr schedule;
  NumericsAttr numerics;
  int64_t weightsSize;
};

/// Types of a function for at most n tokens (`sherry.max_tokens`):
///
///  * activations `[? x cols]`, or a number for each row: the buffer
///    memref<n x (at least cols)> and the number of rows in use, an index. A
///    slice of another tensor has a part of the other tensor's buffer.
///  * quantized activations: the buffers of values, of scales, of the start
///    values of sums of products, of tables if there are any, and the number of
///    rows
///  * caches: memref<bytes x i8>, and the capacity in positions, an index
///
/// The converted type of activations depends on the function and on the
/// defining op, so convert values, not types.
class ActivationTypeConverter : public mlir::TypeConverter {
public:
  explicit ActivationTypeConverter(const LoopsConfig &config);

  const LoopsConfig &getConfig() const { return config; }

private:
  LoopsConfig config;
};

/// Patterns for each graph op, and for the ops of other dialects in graphs:
/// functions, calls, the loop over layers, slices.
void populateSherryToLoopsPatterns(const ActivationTypeConverter &typeConverter,
                                   mlir::RewritePatternSet &patterns);

/// The interface of a dialect whose ops may occur in graphs: they take and
/// return tensors of activations, and lower to loops over their buffers.
/// `sherry-convert-to-loops` asks all loaded dialects for it.
class ConvertToLoopsPatternInterface
    : public mlir::DialectInterface::Base<ConvertToLoopsPatternInterface> {
public:
  ConvertToLoopsPatternInterface(mlir::Dialect *dialect) : Base(dialect) {}

  /// Adds patterns for the dialect's ops. The patterns may create ops of
  /// `affine`, `arith`, `math`, `memref`, `scf` and `vector`, which later
  /// passes lower.
  virtual void
  populateConvertToLoopsPatterns(const ActivationTypeConverter &typeConverter,
                                 mlir::RewritePatternSet &patterns) const = 0;
};

} // namespace sherry

#endif // SHERRY_CONVERSION_SHERRYTOLOOPS_H
