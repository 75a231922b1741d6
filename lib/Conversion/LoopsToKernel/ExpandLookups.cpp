//===- ExpandLookups.cpp - Lookups of packed codes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CodesBuilder.h"

using namespace mlir;
using namespace sherry;

/// Table `number` of the step, for the token whose tables begin at `index`.
static Value tableIndex(CodesBuilder &b, Value index, int64_t number) {
  return b.createOrFold<arith::AddIOp>(
      index, arith::ConstantIndexOp::create(b, number));
}

/// A mask of the words whose bit 15 - `group` is set.
static Value isSet(CodesBuilder &b, Value words, int64_t group) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                               b.shiftLeft(words, group), b.splat(words, 0));
}

static SmallVector<Value> lookUpWords(CodesBuilder &b, LookupCodesOp op) {
  auto type = b.vec(format::kTileRows, 16);
  SmallVector<Value> sums(op.getAccumulators());
  Value signs;
  if (b.codebook.hasSignApart())
    signs = b.bitcast(type, b.part(b.end, format::kSignBytes));
  auto addGroup = [&](int64_t group, Value codes) {
    Value isNegative = signs ? isSet(b, signs, group) : Value();
    for (auto [sum, index] : llvm::zip_equal(sums, op.getIndices())) {
      Value found = LookupOp::create(b, type, op.getTables(),
                                     tableIndex(b, index, group), codes);
      if (signs) {
        Value negative = arith::SubIOp::create(b, b.splat(found, 0), found);
        found = arith::SelectOp::create(b, isNegative, negative, found);
      }
      sum = b.add(sum, found);
    }
  };
  int64_t words = format::stepWords(b.groups);
  Value collected;
  for (int64_t word = 0; word < words; ++word) {
    Value codes = b.bitcast(type, b.part(64 * word, 64));
    for (int64_t i = 0; i < 3 && 3 * word + i < b.groups; ++i)
      addGroup(3 * word + i, b.shiftRight(codes, 5 * i));
    if (word < format::stepTopBits(b.groups))
      collected = b.collect(collected, b.shiftRight(codes, 15));
  }
  if (format::hasStepByte(b.groups)) {
    Value byte = arith::ExtUIOp::create(b, type, b.part(64 * words, 32));
    addGroup(3 * words, byte);
    if (collected)
      collected = b.join(b.shiftLeft(collected, 3), b.shiftRight(byte, 5));
  }
  if (collected)
    addGroup(b.groups - 1, collected);
  return sums;
}

static SmallVector<Value> lookUpNibbles(CodesBuilder &b, LookupCodesOp op) {
  auto words = b.vec(16, 16);
  int64_t size = b.bytes.getType().getDimSize(0);
  // Bit 15 of a sign word is the sign of the current group. The lowest bit is
  // set, because a sign of zero would erase the sum; the sixteenth sign, which
  // has this bit, is kept separately.
  Value signs[2], last[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value word = b.bitcast(words, b.part(size - 64 + 32 * half, 32));
    Value one = b.splat(word, 1);
    signs[half] = b.join(word, one);
    last[half] = b.join(b.shiftLeft(word, 15), one);
  }
  SmallVector<std::array<Value, 2>> sums; // halves, for each token
  for (Value sum : op.getAccumulators()) {
    std::array<Value, 2> halves;
    for (int64_t half = 0; half < 2; ++half)
      halves[half] = vector::ExtractStridedSliceOp::create(
          b, sum, ArrayRef<int64_t>{16 * half}, ArrayRef<int64_t>{16},
          ArrayRef<int64_t>{1});
    sums.push_back(halves);
  }
  // Separate signs are the last words; bit 4 of an entry selects one of two
  // tables.
  std::array<Value, 2> upper;
  for (int64_t half = 0; half < 2 && b.codebook.hasSignApart(); ++half)
    upper[half] =
        b.bitcast(words, b.part(b.end - format::kSignBytes + 32 * half, 32));
  auto lookUp = [&](Value first, int64_t group,
                    Value codes) -> std::array<Value, 2> {
    int64_t tables = upper[0] ? 2 : 1;
    std::array<Value, 2> found;
    for (int64_t table = 0; table < tables; ++table) {
      Value index = tableIndex(b, first, tables * group + table);
      auto halves =
          LookupHalvesOp::create(b, words, words, op.getTables(), index, codes);
      for (int64_t half = 0; half < 2; ++half)
        found[half] = table == 0 ? halves->getResult(half)
                                 : Value(arith::SelectOp::create(
                                       b, isSet(b, upper[half], group),
                                       halves->getResult(half), found[half]));
    }
    return found;
  };
  Value codes;
  for (int64_t group = 0; group < b.groups; ++group) {
    if (group == 2 * format::stepNibbles(b.groups))
      codes =
          b.lowBytes(b.part(b.end - format::kSignBytes, format::kSignBytes));
    else
      codes =
          group % 2 == 0 ? b.part(group / 2 * 32, 32) : b.shiftRight(codes, 4);
    for (auto [halves, index] : llvm::zip_equal(sums, op.getIndices())) {
      std::array<Value, 2> found = lookUp(index, group, codes);
      for (int64_t half = 0; half < 2; ++half) {
        Value sign = group == 15 ? last[half] : signs[half];
        halves[half] =
            b.add(halves[half], ApplySignOp::create(b, found[half], sign));
      }
    }
    for (Value &sign : signs)
      if (group < 14)
        sign = b.add(sign, sign);
  }
  auto order = llvm::to_vector(llvm::seq<int64_t>(format::kTileRows));
  return llvm::map_to_vector(sums, [&](const auto &halves) -> Value {
    return vector::ShuffleOp::create(b, halves[0], halves[1], order);
  });
}

void sherry::expandLookup(LookupCodesOp op) {
  CodesBuilder b(op, op);
  auto lookUp = op.getOrder() == CodeOrder::Words ? lookUpWords : lookUpNibbles;
  op.replaceAllUsesWith(lookUp(b, op));
  op.erase();
}
