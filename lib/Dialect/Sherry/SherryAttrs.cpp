//===- SherryAttrs.cpp - Attributes of the sherry dialect -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

#include "sherry/Dialect/Sherry/SherryEnums.cpp.inc"

static ParseResult parsePerToken(AsmParser &parser, bool &perToken) {
  perToken = succeeded(parser.parseOptionalKeyword("per_token"));
  return success();
}

static void printPerToken(AsmPrinter &printer, bool perToken) {
  if (perToken)
    printer << "per_token ";
}

static ParseResult parseTables(AsmParser &parser,
                               std::optional<CodeOrder> &tables,
                               CodebookAttr &codebook) {
  FailureOr<CodeOrder> order = FieldParser<CodeOrder>::parse(parser);
  if (failed(order))
    return failure();
  tables = *order;
  codebook = CodebookAttr::get(parser.getContext());
  if (failed(parser.parseOptionalLess()))
    return success();
  std::string name;
  if (parser.parseString(&name) || parser.parseGreater())
    return failure();
  codebook = parser.getChecked<CodebookAttr>(parser.getContext(), name);
  return success(!!codebook);
}

static void printTables(AsmPrinter &printer, std::optional<CodeOrder> tables,
                        CodebookAttr codebook) {
  printer << stringifyCodeOrder(*tables);
  if (codebook != CodebookAttr::get(codebook.getContext()))
    printer << " <\"" << codebook.getName() << "\">";
}

#define GET_ATTRDEF_CLASSES
#include "sherry/Dialect/Sherry/SherryAttrs.cpp.inc"

void SherryDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "sherry/Dialect/Sherry/SherryAttrs.cpp.inc"
      >();
}

CodebookAttr CodebookAttr::get(MLIRContext *context,
                               const format::Codebook &codebook) {
  return get(context, StringRef(codebook.name));
}

LogicalResult CodebookAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   StringRef name) {
  if (format::findCodebook(name))
    return success();
  InFlightDiagnostic error = emitError();
  error << "there is no codebook '" << name << "'; there are";
  for (const format::Codebook *codebook : format::kCodebooks)
    error << " '" << StringRef(codebook->name) << "'";
  return error;
}

const format::Codebook &CodebookAttr::getCodebook() const {
  return *format::findCodebook(getName());
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 CodeOrder, int64_t interleave) {
  if (interleave < 1 || interleave > format::kMaxInterleave)
    return emitError() << "interleave must be 1 to " << format::kMaxInterleave
                       << ", not " << interleave;
  return success();
}

LogicalResult TernaryAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  CodebookAttr codebook, Grouping grouping,
                                  Granularity granularity, int64_t groupSize,
                                  FloatType scale, LayoutAttr) {
  if (grouping == Grouping::Strided &&
      codebook.getCodebook().inputs != format::kDotInputs)
    return emitError() << "strided groups have four inputs, those of '"
                       << codebook.getName() << "' "
                       << codebook.getCodebook().inputs;
  if (!scale.isF16() && !scale.isF32())
    return emitError() << "scales are f16 or f32, not " << scale;
  if (granularity != Granularity::PerGroup) {
    if (groupSize != 0)
      return emitError() << "group_size belongs to per_group scales only";
    return success();
  }
  if (groupSize <= 0 || groupSize % format::kDotInputs != 0)
    return emitError() << "group_size must be a positive multiple of 4, not "
                       << groupSize;
  return success();
}

LogicalResult TernaryAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  // The parser asks for a type that it has reported as missing, too.
  if (!elementType)
    return failure();
  if (!isa<TritType>(elementType))
    return emitError() << "#sherry.ternary encodes !sherry.trit, not "
                       << elementType;
  if (shape.size() != 2 || ShapedType::isDynamicShape(shape) ||
      llvm::any_of(shape, [](int64_t n) { return n <= 0; }))
    return emitError() << "a ternary weight is a static [outputs x inputs] "
                          "matrix";
  // A strided group takes its four weights from 64 consecutive inputs.
  int64_t unit = getGrouping() == Grouping::Contiguous ? format::kDotInputs
                                                       : format::kStridedInputs;
  if (getGroupSize() % unit != 0)
    return emitError() << "group_size must be a multiple of " << unit
                       << " for strided groups, not " << getGroupSize();
  if (shape[1] % unit != 0)
    return emitError() << "inputs must be a multiple of " << unit << " for "
                       << stringifyGrouping(getGrouping()) << " groups, not "
                       << shape[1];
  return success();
}

format::TernaryLayout TernaryAttr::getFormat() const {
  assert(getLayout() && "select-layout has not run");
  format::TernaryLayout layout;
  layout.order = fromCodeOrder(getLayout().getOrder());
  layout.scaleType =
      getScale().isF16() ? format::ScaleType::F16 : format::ScaleType::F32;
  layout.granularity = static_cast<format::Granularity>(getGranularity());
  layout.groupSize = getGroupSize();
  layout.interleave = getLayout().getInterleave();
  layout.codebook = &getCodebook().getCodebook();
  return layout;
}
static_assert(static_cast<int>(Granularity::PerGroup) ==
                      static_cast<int>(format::Granularity::PerGroup) &&
                  static_cast<int>(Granularity::PerChannel) ==
                      static_cast<int>(format::Granularity::PerChannel),
              "the two enumerations are the same");

TernaryAttr TernaryAttr::withLayout(LayoutAttr layout) const {
  return get(getContext(), getCodebook(), getGrouping(), getGranularity(),
             getGroupSize(), getScale(), layout);
}

QuantizedAttr sherry::getQuantized(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_or_null<QuantizedAttr>(tensor.getEncoding())
                : QuantizedAttr();
}

LogicalResult
QuantizedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      Grouping grouping, bool perToken,
                      ArrayRef<int64_t> blocks, int64_t bias,
                      std::optional<CodeOrder> tables, CodebookAttr codebook) {
  if (tables.has_value() != !!codebook)
    return emitError() << "tables need a codebook";
  if (bias < 1 || bias > 128)
    return emitError() << "bias must be 1 to 128, not " << bias;
  if (bias != 1 && (tables || perToken || grouping != Grouping::Contiguous))
    return emitError() << "tables, scales of tokens and strided groups are for "
                          "trits, whose bias is 1, not "
                       << bias;
  int64_t unit = grouping == Grouping::Contiguous ? format::kDotInputs
                                                  : format::kStridedInputs;
  for (int64_t block : blocks)
    if (block <= 0 || block > format::kMaxChunkInputs || block % unit != 0)
      return emitError() << "blocks of " << stringifyGrouping(grouping)
                         << " activations must be multiples of " << unit
                         << " up to " << format::kMaxChunkInputs << ", not "
                         << block;
  return success();
}

QuantizedAttr QuantizedAttr::withTables(CodeOrder order,
                                        CodebookAttr codebook) const {
  return get(getContext(), getGrouping(), getPerToken(), getBlocks(), getBias(),
             order, codebook);
}

QuantizedAttr QuantizedAttr::withoutTables() const {
  return get(getContext(), getGrouping(), getPerToken(), getBlocks(), getBias(),
             std::nullopt, CodebookAttr());
}

QuantizedAttr QuantizedAttr::withScalesPerToken() const {
  return get(getContext(), getGrouping(), /*per_token=*/true, getBlocks(),
             getBias(), getTables(), getCodebook());
}

LogicalResult QuantizedAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  // The parser asks for a type that it has reported as missing, too.
  if (!elementType)
    return failure();
  if (!elementType.isInteger(8) || shape.size() != 2)
    return emitError() << "#sherry.quantized encodes [tokens x inputs x i8]";
  int64_t sum = 0;
  for (int64_t block : getBlocks())
    sum += block;
  if (shape[1] != sum)
    return emitError() << "blocks sum to " << sum << ", rows have " << shape[1];
  return success();
}

LogicalResult
RopeScalingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        FloatAttr factor, FloatAttr lowFreqFactor,
                        FloatAttr highFreqFactor, int64_t originalContext) {
  auto positive = [](FloatAttr attr) {
    double value = attr.getValueAsDouble();
    return std::isfinite(value) && value > 0;
  };
  if (!positive(factor) || !positive(lowFreqFactor) ||
      !positive(highFreqFactor) || originalContext <= 0)
    return emitError() << "rope scaling parameters must be positive";
  if (highFreqFactor.getValueAsDouble() <= lowFreqFactor.getValueAsDouble())
    return emitError() << "high_freq_factor must exceed low_freq_factor";
  return success();
}

ScheduleAttr ScheduleAttr::get(MLIRContext *context, const Schedule &schedule) {
  return get(context, schedule.maxBlock, schedule.prefetch, schedule.prefetchL2,
             schedule.prefetchPlain, schedule.interleave,
             toCodeOrder(schedule.order), schedule.lookupTokens,
             schedule.lookupBlock, schedule.sumTokens, schedule.pairSums,
             schedule.fuseUnpack, schedule.multiplyPanels);
}

Schedule ScheduleAttr::getSchedule() const {
  return {getMaxBlock(),      getPrefetch(),    getPrefetchL2(),
          getPrefetchPlain(), getInterleave(),  fromCodeOrder(getOrder()),
          getLookupTokens(),  getLookupBlock(), getSumTokens(),
          getPairSums(),      getFuseUnpack(),  getMultiplyPanels()};
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t maxBlock, int64_t prefetch,
                                   int64_t prefetchL2, bool, int64_t interleave,
                                   CodeOrder, int64_t lookupTokens,
                                   int64_t lookupBlock, int64_t sumTokens, bool,
                                   bool, bool) {
  Schedule schedule;
  schedule.maxBlock = maxBlock;
  schedule.prefetch = prefetch;
  schedule.prefetchL2 = prefetchL2;
  schedule.interleave = interleave;
  if (const ScheduleField *bad = findBadField(schedule))
    return emitError() << bad->name << " must be " << bad->range() << ", not "
                       << schedule.*bad->value;
  auto check = [&](StringRef name, int64_t tokens) -> LogicalResult {
    if (llvm::isPowerOf2_64(tokens) && tokens <= kMostLookupTokens)
      return success();
    return emitError() << name << " must be a power of two of at most "
                       << kMostLookupTokens << ", not " << tokens;
  };
  if (failed(check("lookup_tokens", lookupTokens)))
    return failure();
  if (lookupBlock < 0 || lookupBlock > SHERRY_ABI_MAX_BLOCK)
    return emitError() << "lookup_block must be in 0.." << SHERRY_ABI_MAX_BLOCK
                       << ", not " << lookupBlock;
  return check("sum_tokens", sumTokens);
}

LogicalResult NumericsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Type activations, bool perToken, bool) {
  if (perToken && !activations.isInteger(8))
    return emitError() << "only activations in i8 have scales";
  if (!activations.isInteger(8) && !activations.isF32())
    return emitError() << "activations are i8 or f32, not " << activations;
  return success();
}
