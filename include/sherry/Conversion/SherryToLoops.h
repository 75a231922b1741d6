//===- SherryToLoops.h - Graph ops to loops over buffers --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a project needs that lowers ops of its own into the same loops: see
// examples/new-op.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_CONVERSION_SHERRYTOLOOPS_H
#define SHERRY_CONVERSION_SHERRYTOLOOPS_H

#include "mlir/IR/DialectInterface.h"
#include "mlir/Transforms/DialectConversion.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

/// An integer n of less than 2^22, added to these bits, reads as the f32 number
/// 3 * 2^22 + n. With `fuse_mul_add`, exact sums of quantized activations start
/// with them, so they need no conversion.
inline constexpr int64_t kFloatBits = 0x4b400000;
/// Tokens that share one read of the weights: times two halves of 16 lanes,
/// their sums fill half of the 32 registers of AVX-512.
inline constexpr int64_t kTokenBlock = 8;
/// Tokens that a sherry.multiply_panel takes, if there are as many.
inline constexpr int64_t kPanelTokens = 2 * MultiplyPanelOp::kUnit;

/// Query heads that go through keys and values together, which are loaded and
/// widened once for them: a divisor of those that share the keys, as registers
/// are few.
inline int64_t getHeadsTogether(int64_t sharing) {
  int64_t together = 4;
  while (sharing % together != 0)
    --together;
  return together;
}

/// What lowering reads of a module.
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
///    part of another tensor's columns or rows has a part of its buffer.
///  * quantized activations: the buffers of values, of scales, of what sums of
///    products start with, of tables if there are any, and the number of rows
///  * caches: memref<bytes x i8>, and the capacity in positions, an index
///
/// The types of activations follow from where they stand, so ask for those of
/// values, not of types.
class ActivationTypeConverter : public mlir::TypeConverter {
public:
  explicit ActivationTypeConverter(const LoopsConfig &config);

  const LoopsConfig &getConfig() const { return config; }

private:
  LoopsConfig config;
};

/// A pattern for each graph op, and for what graphs have of other dialects:
/// functions, calls, the loop over layers, slices.
void populateSherryToLoopsPatterns(const ActivationTypeConverter &typeConverter,
                                   mlir::RewritePatternSet &patterns);

/// The interface of a dialect whose ops may stand in graphs: they take and give
/// tensors of activations, and lower to loops over their buffers.
/// `sherry-convert-to-loops` asks all loaded dialects.
class ConvertToLoopsPatternInterface
    : public mlir::DialectInterface::Base<ConvertToLoopsPatternInterface> {
public:
  ConvertToLoopsPatternInterface(mlir::Dialect *dialect) : Base(dialect) {}

  /// Adds patterns for the dialect's ops. What they make need not be legal in
  /// LLVM's dialect: `affine`, `arith`, `math`, `memref`, `scf` and `vector`
  /// are lowered later.
  virtual void
  populateConvertToLoopsPatterns(const ActivationTypeConverter &typeConverter,
                                 mlir::RewritePatternSet &patterns) const = 0;
};

} // namespace sherry

#endif // SHERRY_CONVERSION_SHERRYTOLOOPS_H
