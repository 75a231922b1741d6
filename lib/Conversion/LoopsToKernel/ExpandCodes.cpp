//===- ExpandCodes.cpp - Packed codes to vectors of codes -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the words of rule [T6] and the nibbles of rule [T7] of
// docs/BlockFormat.md apart.
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace sherry {
#define GEN_PASS_DEF_EXPANDCODES
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
/// Vector code on the packed bytes of a step.
class CodesBuilder : public ImplicitLocOpBuilder {
public:
  CodesBuilder(Operation *op, TypedValue<VectorType> bytes, int64_t groups)
      : ImplicitLocOpBuilder(op->getLoc(), op), bytes(bytes), groups(groups) {}

  VectorType vec(int64_t lanes, unsigned bits) {
    return VectorType::get(lanes, getIntegerType(bits));
  }
  Value splat(Value like, int64_t value) {
    auto type = cast<VectorType>(like.getType());
    return arith::ConstantOp::create(
        *this, DenseElementsAttr::get(
                   type, APInt(type.getElementTypeBitWidth(), value,
                               /*isSigned=*/true, /*implicitTrunc=*/true)));
  }
  Value shiftRight(Value value, int64_t bits) {
    if (bits == 0)
      return value;
    return arith::ShRUIOp::create(*this, value, splat(value, bits));
  }
  Value shiftLeft(Value value, int64_t bits) {
    if (bits == 0)
      return value;
    return arith::ShLIOp::create(*this, value, splat(value, bits));
  }
  Value mask(Value value, int64_t bits) {
    return arith::AndIOp::create(*this, value, splat(value, bits));
  }
  Value join(Value a, Value b) { return arith::OrIOp::create(*this, a, b); }
  /// The next lower bit of what is collected.
  Value collect(Value collected, Value bit) {
    return collected ? join(shiftLeft(collected, 1), bit) : bit;
  }
  Value add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
  Value bitcast(VectorType type, Value value) {
    return vector::BitCastOp::create(*this, type, value);
  }

  /// `count` bytes from `begin` on: a load of its own if the bytes are loaded.
  Value part(int64_t begin, int64_t count) {
    auto load = bytes.getDefiningOp<vector::LoadOp>();
    if (!load)
      return vector::ExtractStridedSliceOp::create(
          *this, bytes, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{count},
          ArrayRef<int64_t>{1});
    SmallVector<Value> at(load.getIndices());
    at.back() = createOrFold<arith::AddIOp>(
        at.back(), arith::ConstantIndexOp::create(*this, begin));
    return vector::LoadOp::create(*this, vec(count, 8), load.getBase(), at);
  }

  TypedValue<VectorType> bytes;
  int64_t groups;
};

//===----------------------------------------------------------------------===//
// Lookups
//===----------------------------------------------------------------------===//

/// Words.
Value lookUpWords(CodesBuilder &b, LookupCodesOp op, Value sum) {
  auto type = b.vec(format::kTileRows, 16);
  auto addGroup = [&](int64_t group, Value codes) {
    Value index = b.createOrFold<arith::AddIOp>(
        op.getIndex(), arith::ConstantIndexOp::create(b, group));
    sum = b.add(sum, LookupOp::create(b, type, op.getTables(), index, codes));
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
  return sum;
}

/// The lower bytes of the 32 words of rows, in the order of nibbles [T7].
Value lowBytes(CodesBuilder &b, Value words) {
  SmallVector<int64_t> order;
  for (int64_t byte = 0; byte < format::kTileRows; ++byte) {
    bool isMoved = byte >= 8 && byte < 24;
    order.push_back(2 * (!isMoved ? byte : byte < 16 ? byte + 8 : byte - 8));
  }
  return vector::ShuffleOp::create(b, words, words, order);
}

/// Nibbles.
Value lookUpNibbles(CodesBuilder &b, LookupCodesOp op, Value sum) {
  auto words = b.vec(16, 16);
  int64_t size = b.bytes.getType().getDimSize(0);
  // Bit 15 of a sign word is the sign of the current group. The lowest bit is
  // set, because a sign of zero would erase the sum; the sixteenth sign, which
  // lives there, is kept aside.
  Value signs[2], last[2], sums[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value word = b.bitcast(words, b.part(size - 64 + 32 * half, 32));
    Value one = b.splat(word, 1);
    signs[half] = b.join(word, one);
    last[half] = b.join(b.shiftLeft(word, 15), one);
    sums[half] = vector::ExtractStridedSliceOp::create(
        b, sum, ArrayRef<int64_t>{16 * half}, ArrayRef<int64_t>{16},
        ArrayRef<int64_t>{1});
  }
  Value codes;
  for (int64_t group = 0; group < b.groups; ++group) {
    if (group == 2 * format::stepNibbles(b.groups))
      codes = lowBytes(b, b.part(size - 64, 64));
    else
      codes =
          group % 2 == 0 ? b.part(group / 2 * 32, 32) : b.shiftRight(codes, 4);
    Value index = b.createOrFold<arith::AddIOp>(
        op.getIndex(), arith::ConstantIndexOp::create(b, group));
    auto found =
        LookupHalvesOp::create(b, words, words, op.getTables(), index, codes);
    for (int64_t half = 0; half < 2; ++half) {
      Value sign = group == 15 ? last[half] : signs[half];
      sums[half] = b.add(sums[half],
                         ApplySignOp::create(b, found->getResult(half), sign));
      if (group < 14)
        signs[half] = b.add(signs[half], signs[half]);
    }
  }
  auto order = llvm::to_vector(llvm::seq<int64_t>(format::kTileRows));
  return vector::ShuffleOp::create(b, sums[0], sums[1], order);
}

void expand(LookupCodesOp op) {
  CodesBuilder b(op, op.getBytes(), op.getGroups());
  auto lookUp = op.getOrder() == CodeOrder::Words ? lookUpWords : lookUpNibbles;
  op.replaceAllUsesWith(lookUp(b, op, op.getAccumulator()));
  op.erase();
}

//===----------------------------------------------------------------------===//
// Trits
//===----------------------------------------------------------------------===//

/// Takes the trits of a group, or of four inputs: both halves of the outputs.
using UseTrits = function_ref<void(int64_t number, ArrayRef<Value> halves)>;
/// Is called before the trits of a group are computed.
using BeforeGroup = function_ref<void(int64_t group)>;

Value decode(CodesBuilder &b, UnpackCodesOp op, Value codes) {
  return DecodeBlockOp::create(b, b.vec(64, 8), codes, op.getCodebook(),
                               op.getBias());
}

/// Makes fours of inputs of groups of three: byte p of a lane is the trit of
/// input p of the group or four, and the groups' fourth bytes are 0.
class FoursBuilder {
public:
  FoursBuilder(CodesBuilder &b, UnpackCodesOp op, UseTrits useFour)
      : b(b), inputs(op.getCodebook().getCodebook().inputs),
        fours(op.getFours()), groups(op.getGroups()), useFour(useFour) {}

  /// The first four that has inputs of a group.
  int64_t fourOf(int64_t group) const {
    return group * inputs / format::kDotInputs;
  }

  void addGroup(int64_t group, ArrayRef<Value> halves) {
    if (inputs == format::kDotInputs)
      return useFour(group, halves);
    auto lanes = b.vec(16, 32);
    groups[group] = {b.bitcast(lanes, halves[0]), b.bitcast(lanes, halves[1])};
    for (int64_t four = fourOf(group);
         four < fours && four * format::kDotInputs < (group + 1) * inputs;
         ++four)
      if (std::array<Value, 2> made; make(four, made))
        useFour(four, made);
  }

private:
  /// Returns false while a group is missing.
  bool make(int64_t four, std::array<Value, 2> &halves) {
    int64_t begin = four * format::kDotInputs;
    int64_t last = (begin + format::kDotInputs - 1) / inputs;
    for (int64_t group = begin / inputs; group <= last; ++group)
      if (!groups[group][0])
        return false;
    for (int64_t half = 0; half < 2; ++half) {
      Value result;
      for (int64_t group = begin / inputs; group <= last; ++group) {
        int64_t bytes = group * inputs - begin;
        Value trits = groups[group][half];
        trits = bytes < 0 ? b.shiftRight(trits, -8 * bytes)
                          : b.shiftLeft(trits, 8 * bytes);
        result = result ? b.join(result, trits) : trits;
      }
      halves[half] = b.bitcast(b.vec(64, 8), result);
    }
    return true;
  }

  CodesBuilder &b;
  int64_t inputs, fours;
  SmallVector<std::array<Value, 2>> groups;
  UseTrits useFour;
};

void unpackWords(CodesBuilder &b, UnpackCodesOp op, BeforeGroup before,
                 UseTrits use) {
  auto lanes = b.vec(16, 32);
  int64_t words = format::stepWords(b.groups);
  std::array<Value, 2> codes, collected;
  for (int64_t word = 0; word < words; ++word) {
    before(3 * word);
    for (int64_t half = 0; half < 2; ++half)
      codes[half] = arith::ExtUIOp::create(
          b, lanes,
          b.bitcast(b.vec(16, 16), b.part(64 * word + 32 * half, 32)));
    for (int64_t i = 0; i < 3 && 3 * word + i < b.groups; ++i) {
      before(3 * word + i);
      use(3 * word + i, {decode(b, op, b.shiftRight(codes[0], 5 * i)),
                         decode(b, op, b.shiftRight(codes[1], 5 * i))});
    }
    if (word >= format::stepTopBits(b.groups))
      continue;
    for (int64_t half = 0; half < 2; ++half)
      collected[half] =
          b.collect(collected[half], b.shiftRight(codes[half], 15));
  }
  if (format::hasStepByte(b.groups)) {
    before(3 * words);
    for (int64_t half = 0; half < 2; ++half)
      codes[half] =
          arith::ExtUIOp::create(b, lanes, b.part(64 * words + 16 * half, 16));
    use(3 * words, {decode(b, op, codes[0]), decode(b, op, codes[1])});
    for (int64_t half = 0; half < 2 && collected[0]; ++half)
      collected[half] =
          b.join(b.shiftLeft(collected[half], 3), b.shiftRight(codes[half], 5));
  }
  if (collected[0])
    use(b.groups - 1,
        {decode(b, op, collected[0]), decode(b, op, collected[1])});
}

void unpackNibbles(CodesBuilder &b, UnpackCodesOp op, BeforeGroup before,
                   UseTrits use) {
  auto lanes = b.vec(16, 32);
  int64_t size = b.bytes.getType().getDimSize(0);
  std::array<Value, 2> signs, pairs;
  before(0);
  for (int64_t half = 0; half < 2; ++half)
    signs[half] = arith::ExtUIOp::create(
        b, lanes, b.bitcast(b.vec(16, 16), b.part(size - 64 + 32 * half, 32)));
  auto decodeHalf = [&](int64_t group, int64_t half) {
    bool isBeside = group == 2 * format::stepNibbles(b.groups);
    Value code =
        isBeside
            ? b.mask(signs[half], 15)
            : b.mask(arith::ShRUIOp::create(
                         b, pairs[half], b.splat(pairs[half], 4 * (group % 2))),
                     15);
    Value sign = arith::ShRUIOp::create(b, signs[half],
                                        b.splat(signs[half], 15 - group));
    sign = b.mask(b.shiftLeft(sign, 4), 16);
    return decode(b, op, b.join(code, sign));
  };
  for (int64_t group = 0; group < b.groups; ++group) {
    before(group);
    if (group % 2 == 0 && group < 2 * format::stepNibbles(b.groups)) {
      Value both = b.part(group / 2 * 32, 32);
      for (int64_t half = 0; half < 2; ++half) {
        SmallVector<int64_t> order;
        for (int64_t i = 0; i < 16; ++i)
          order.push_back((i < 8 ? i : i + 8) + 8 * half);
        pairs[half] = arith::ExtUIOp::create(
            b, lanes, Value(vector::ShuffleOp::create(b, both, both, order)));
      }
    }
    use(group, {decodeHalf(group, 0), decodeHalf(group, 1)});
  }
}

/// The trits of four inputs are computed where they are used first, because all
/// of them at once would not fit into registers.
void expand(UnpackCodesOp op) {
  // Extractions of the trits of one group and half, in this block, and writes
  // of all of them, which go with the groups.
  SmallVector<vector::ExtractOp> extracts;
  SmallVector<vector::TransferWriteOp> writes;
  bool isWhole = false;
  for (Operation *user : op->getUsers()) {
    auto extract = dyn_cast<vector::ExtractOp>(user);
    auto write = dyn_cast<vector::TransferWriteOp>(user);
    if (write && write.getPermutationMap().isMinorIdentity() &&
        !write.getMask() && !write.hasOutOfBoundsDim() &&
        write->getBlock() == op->getBlock())
      writes.push_back(write);
    else if (extract && !extract.hasDynamicPosition() &&
             extract.getStaticPosition().size() == 2 &&
             extract->getBlock() == op->getBlock())
      extracts.push_back(extract);
    else
      isWhole = true;
  }
  SmallVector<Operation *> firstUse(op.getFours());
  for (vector::ExtractOp extract : extracts) {
    Operation *&first = firstUse[extract.getStaticPosition()[0]];
    if (!first || extract->isBeforeInBlock(first))
      first = extract;
  }
  // Where the indices of writes are known.
  Operation *at = op;
  for (vector::TransferWriteOp write : writes)
    at = at->isBeforeInBlock(write) ? write : at;
  CodesBuilder b(at, op.getBytes(), op.getGroups());
  Value whole;
  SmallVector<std::array<Value, 2>> trits(op.getFours());
  auto use = [&](int64_t four, ArrayRef<Value> halves) {
    trits[four] = {halves[0], halves[1]};
    for (vector::TransferWriteOp write : writes)
      for (int64_t half = 0; half < 2; ++half) {
        SmallVector<Value> at(write.getIndices());
        auto advance = [&](Value &index, int64_t by) {
          index = b.createOrFold<arith::AddIOp>(
              index, arith::ConstantIndexOp::create(b, by));
        };
        advance(at[at.size() - 3], four);
        advance(at[at.size() - 2], half);
        vector::StoreOp::create(b, halves[half], write.getBase(), at);
      }
    if (!isWhole)
      return;
    if (!whole)
      whole = arith::ConstantOp::create(b, b.getZeroAttr(op.getType()));
    for (int64_t half = 0; half < 2; ++half)
      whole = vector::InsertOp::create(b, halves[half], whole,
                                       ArrayRef<int64_t>{four, half});
  };
  FoursBuilder fours(b, op, use);
  // Never back, for what is computed stays in use.
  auto before = [&](int64_t group) {
    Operation *first = isWhole ? at : firstUse[fours.fourOf(group)];
    if (first && at->isBeforeInBlock(first)) {
      at = first;
      b.setInsertionPoint(at);
    }
  };
  auto addGroup = [&](int64_t group, ArrayRef<Value> halves) {
    fours.addGroup(group, halves);
  };
  (op.getOrder() == CodeOrder::Words ? unpackWords
                                     : unpackNibbles)(b, op, before, addGroup);
  for (vector::ExtractOp extract : extracts) {
    ArrayRef<int64_t> position = extract.getStaticPosition();
    extract.replaceAllUsesWith(trits[position[0]][position[1]]);
    extract.erase();
  }
  for (vector::TransferWriteOp write : writes)
    write.erase();
  if (whole)
    op.replaceAllUsesWith(whole);
  op.erase();
}

struct ExpandCodesPass : sherry::impl::ExpandCodesBase<ExpandCodesPass> {
  void runOnOperation() override {
    SmallVector<UnpackCodesOp> unpacks;
    SmallVector<LookupCodesOp> lookups;
    getOperation()->walk([&](UnpackCodesOp op) { unpacks.push_back(op); });
    getOperation()->walk([&](LookupCodesOp op) { lookups.push_back(op); });
    numExpanded += unpacks.size() + lookups.size();
    SetVector<Operation *> loads;
    auto expandAll = [&](auto &ops) {
      for (auto op : ops) {
        if (auto load = op.getBytes().template getDefiningOp<vector::LoadOp>())
          loads.insert(load);
        expand(op);
      }
    };
    expandAll(unpacks);
    expandAll(lookups);
    // The steps of which only parts are loaded now.
    for (Operation *load : loads)
      if (load->use_empty())
        load->erase();
  }
};
} // namespace
