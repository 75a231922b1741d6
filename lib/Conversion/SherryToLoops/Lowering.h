//===- Lowering.h - Base of the patterns for graph ops ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_LOWERING_H
#define LIB_CONVERSION_SHERRYTOLOOPS_LOWERING_H

#include "LoopBuilder.h"

namespace sherry {

/// A weight of the layer that an op names.
struct WeightRef {
  WeightOp op;
  mlir::Value offset; ///< bytes from the start of the weights section
};
/// The weight of `user`, by its attribute `weight`. `layer` is its operand
/// `layer`, or empty.
WeightRef getWeight(LoopBuilder &b, mlir::Operation *user,
                    mlir::ValueRange layer);

/// The types to which a cache is converted. Fails if it exceeds 2^63 bytes.
mlir::LogicalResult convertCache(KVCacheType type,
                                 llvm::SmallVectorImpl<mlir::Type> &types);

/// A pattern that lowers a graph op. Tensors of activations become values of
/// the types of ActivationTypeConverter.
template <typename Op>
class GraphOpPattern : public mlir::OpConversionPattern<Op> {
public:
  explicit GraphOpPattern(const ActivationTypeConverter &typeConverter)
      : mlir::OpConversionPattern<Op>(typeConverter,
                                      typeConverter.getConfig().getContext()),
        config(typeConverter.getConfig()) {}

  using Adaptor = typename mlir::OpConversionPattern<Op>::OneToNOpAdaptor;
  using Values = llvm::SmallVector<mlir::Value>;

  mlir::LogicalResult
  matchAndRewrite(Op op, Adaptor adaptor,
                  mlir::ConversionPatternRewriter &rewriter) const final {
    LoopBuilder b(op, rewriter, config);
    mlir::FailureOr<Values> values = lower(b, op, adaptor);
    if (failed(values))
      return mlir::failure();
    if (op->getNumResults() == 0)
      rewriter.eraseOp(op);
    else
      rewriter.replaceOpWithMultiple(op, llvm::SmallVector<Values>{*values});
    return mlir::success();
  }

protected:
  /// Returns the values that replace the result.
  virtual mlir::FailureOr<Values> lower(LoopBuilder &b, Op op,
                                        Adaptor adaptor) const = 0;

  LoopsConfig config;
};

//===----------------------------------------------------------------------===//
// The patterns, by file
//===----------------------------------------------------------------------===//

void populateAttentionPatterns(const ActivationTypeConverter &typeConverter,
                               mlir::RewritePatternSet &patterns);
void populateElementwisePatterns(const ActivationTypeConverter &typeConverter,
                                 mlir::RewritePatternSet &patterns);
void populateEmbeddingPatterns(const ActivationTypeConverter &typeConverter,
                               mlir::RewritePatternSet &patterns);
void populateFunctionPatterns(const ActivationTypeConverter &typeConverter,
                              mlir::RewritePatternSet &patterns);
void populateKVCachePatterns(const ActivationTypeConverter &typeConverter,
                             mlir::RewritePatternSet &patterns);
void populateLinearPatterns(const ActivationTypeConverter &typeConverter,
                            mlir::RewritePatternSet &patterns);
void populateQuantizePatterns(const ActivationTypeConverter &typeConverter,
                              mlir::RewritePatternSet &patterns);
void populateRankPatterns(const ActivationTypeConverter &typeConverter,
                          mlir::RewritePatternSet &patterns);
void populateRmsNormPatterns(const ActivationTypeConverter &typeConverter,
                             mlir::RewritePatternSet &patterns);
void populateRopePatterns(const ActivationTypeConverter &typeConverter,
                          mlir::RewritePatternSet &patterns);
void populateSlicePatterns(const ActivationTypeConverter &typeConverter,
                           mlir::RewritePatternSet &patterns);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_LOWERING_H
