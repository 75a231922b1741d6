//===- ExpandCodes.cpp - Packed codes to vectors of codes -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Extracts codes from the words of rule [T6] and the nibbles of rule [T7] of
// docs/BlockFormat.md.
//
//===----------------------------------------------------------------------===//
#include "CodesBuilder.h"
#include "sherry/Conversion/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace sherry {
#define GEN_PASS_DEF_EXPANDCODES
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
/// Returns the codes of half of the outputs; bits from 5 on are undefined.
using CodesOf = function_ref<Value(int64_t half)>;
using UseCodes = function_ref<void(int64_t group, CodesOf codes)>;
/// Is called before the codes of a group are computed.
using BeforeGroup = function_ref<void(int64_t group)>;
/// Uses the trits of four inputs, for both halves of the outputs.
using UseTrits = function_ref<void(int64_t four, ArrayRef<Value> halves)>;

/// Decodes groups and makes fours of inputs of them. Decoded trits are lanes of
/// four bytes, one or two lanes per group; bytes that are not trits are 0. Byte
/// p of a four is its input p.
class FoursBuilder {
public:
  FoursBuilder(CodesBuilder &b, UnpackCodesOp op, UseTrits useFour)
      : b(b), op(op), inputs(b.codebook.inputs), fours(op.getFours()),
        groups(op.getGroups()), useFour(useFour) {}

  /// The first four that has inputs of `group`.
  int64_t fourOf(int64_t group) const {
    return group * inputs / format::kDotInputs;
  }

  void addGroup(int64_t group, CodesOf codes) {
    for (int64_t half = 0; half < 2; ++half) {
      Value code = addSign(group, half, codes(half));
      for (int64_t first = 0; first < inputs; first += format::kDotInputs)
        groups[group][half].push_back(DecodeBlockOp::create(
            b, b.vec(64, 8), code, op.getCodebook(), first, op.getBias()));
    }
    useGroup(group);
  }

  /// Adds a group whose nibbles and signs are bytes.
  void addNibbles(int64_t group, Value codes, Value signs) {
    auto bytes = b.vec(64, 8);
    auto trits = DecodeNibblesOp::create(b, bytes, bytes, codes, signs,
                                         op.getCodebook(), op.getBias());
    groups[group][0].push_back(trits.getLow());
    groups[group][1].push_back(trits.getHigh());
    useGroup(group);
  }

private:
  /// Makes the fours whose last missing group is `group`.
  void useGroup(int64_t group) {
    std::array<SmallVector<Value, 2>, 2> &halves = groups[group];
    if (inputs == format::kDotInputs)
      return useFour(group, {halves[0].front(), halves[1].front()});
    for (auto &half : halves)
      for (Value &trits : half)
        trits = b.bitcast(b.vec(16, 32), trits);
    for (int64_t four = fourOf(group);
         four < fours && four * format::kDotInputs < (group + 1) * inputs;
         ++four)
      if (std::array<Value, 2> made; make(four, made))
        useFour(four, made);
  }

  /// Adds the sign as bit 5 of a code, if it is stored separately.
  Value addSign(int64_t group, int64_t half, Value code) {
    if (!b.codebook.hasSignApart())
      return code;
    if (!signs[half])
      signs[half] = arith::ExtUIOp::create(
          b, b.vec(16, 32),
          b.bitcast(b.vec(16, 16), b.part(b.end + 32 * half, 32)));
    int64_t right = 15 - group - 5;
    Value sign = right < 0 ? b.shiftLeft(signs[half], -right)
                           : b.shiftRight(signs[half], right);
    return b.join(b.mask(code, 31), b.mask(sign, 32));
  }

  /// Returns false while a group is missing.
  bool make(int64_t four, std::array<Value, 2> &halves) {
    int64_t begin = four * format::kDotInputs;
    int64_t last = (begin + format::kDotInputs - 1) / inputs;
    for (int64_t group = begin / inputs; group <= last; ++group)
      if (groups[group][0].empty())
        return false;
    for (int64_t half = 0; half < 2; ++half) {
      Value result;
      auto join = [&](Value trits, int64_t bytes) {
        trits = bytes < 0 ? b.shiftRight(trits, -8 * bytes)
                          : b.shiftLeft(trits, 8 * bytes);
        result = result ? b.join(result, trits) : trits;
      };
      for (int64_t group = begin / inputs; group <= last; ++group)
        for (auto [i, trits] : llvm::enumerate(groups[group][half])) {
          int64_t place = group * inputs +
                          static_cast<int64_t>(i) * format::kDotInputs - begin;
          if (std::abs(place) < format::kDotInputs)
            join(trits, place);
        }
      halves[half] = b.bitcast(b.vec(64, 8), result);
    }
    return true;
  }

  CodesBuilder &b;
  UnpackCodesOp op;
  int64_t inputs, fours;
  SmallVector<std::array<SmallVector<Value, 2>, 2>> groups;
  std::array<Value, 2> signs; ///< words of separate signs, as lanes
  UseTrits useFour;
};

void unpackWords(CodesBuilder &b, BeforeGroup before, UseCodes use) {
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
      use(3 * word + i,
          [&](int64_t half) { return b.shiftRight(codes[half], 5 * i); });
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
    use(3 * words, [&](int64_t half) { return codes[half]; });
    for (int64_t half = 0; half < 2 && collected[0]; ++half)
      collected[half] =
          b.join(b.shiftLeft(collected[half], 3), b.shiftRight(codes[half], 5));
  }
  if (collected[0])
    use(b.groups - 1, [&](int64_t half) { return collected[half]; });
}

void unpackNibbles(CodesBuilder &b, BeforeGroup before, UseCodes use) {
  auto lanes = b.vec(16, 32);
  int64_t signsAt = b.end - format::kSignBytes;
  std::array<Value, 2> signs, pairs;
  before(0);
  for (int64_t half = 0; half < 2; ++half)
    signs[half] = arith::ExtUIOp::create(
        b, lanes, b.bitcast(b.vec(16, 16), b.part(signsAt + 32 * half, 32)));
  auto codesOf = [&](int64_t group, int64_t half) {
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
    return b.join(code, sign);
  };
  for (int64_t group = 0; group < b.groups; ++group) {
    before(group);
    if (group % 2 == 0 && group < 2 * format::stepNibbles(b.groups)) {
      Value both = b.part(group / 2 * 32, 32);
      for (int64_t half = 0; half < 2; ++half) {
        SmallVector<int64_t> order;
        for (int64_t i = 0; i < 16; ++i)
          order.push_back(format::nibbleRow(16 * half + i));
        pairs[half] = arith::ExtUIOp::create(
            b, lanes, Value(vector::ShuffleOp::create(b, both, both, order)));
      }
    }
    use(group, [&](int64_t half) { return codesOf(group, half); });
  }
}

/// Signs and nibbles as bytes, for codes of 5 bits.
void decodeNibbles(CodesBuilder &b, BeforeGroup before, FoursBuilder &fours) {
  before(0);
  Value words = b.part(b.end - format::kSignBytes, format::kSignBytes), codes;
  Value signs = b.bitcast(b.vec(format::kTileRows, 16), words);
  for (int64_t group = 0; group < b.groups; ++group) {
    before(group);
    if (group == 2 * format::stepNibbles(b.groups))
      codes = b.lowBytes(words);
    else
      codes =
          group % 2 == 0 ? b.part(group / 2 * 32, 32) : b.shiftRight(codes, 4);
    Value isNegative = arith::ShRSIOp::create(b, b.shiftLeft(signs, group),
                                              b.splat(signs, 15));
    fours.addNibbles(group, codes, b.lowBytes(isNegative));
  }
}

/// Computes the trits of four inputs at their first use, because registers
/// cannot hold all trits at once.
void expandUnpack(UnpackCodesOp op) {
  // Extractions of the trits of one four and half in this block, and writes of
  // all trits, which are split by fours.
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
  // The point where the indices of writes are known.
  Operation *at = op;
  for (vector::TransferWriteOp write : writes)
    at = at->isBeforeInBlock(write) ? write : at;
  CodesBuilder b(op, at);
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
  // Never moves back, because computed values stay in use.
  auto before = [&](int64_t group) {
    Operation *first = isWhole ? at : firstUse[fours.fourOf(group)];
    if (first && at->isBeforeInBlock(first)) {
      at = first;
      b.setInsertionPoint(at);
    }
  };
  auto addGroup = [&](int64_t group, CodesOf codes) {
    fours.addGroup(group, codes);
  };
  if (op.getOrder() == CodeOrder::Words)
    unpackWords(b, before, addGroup);
  else if (b.codebook.hasSignApart())
    unpackNibbles(b, before, addGroup);
  else
    decodeNibbles(b, before, fours);
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
    auto expandAll = [&](auto &ops, auto expand) {
      for (auto op : ops) {
        if (auto load = op.getBytes().template getDefiningOp<vector::LoadOp>())
          loads.insert(load);
        expand(op);
      }
    };
    expandAll(unpacks, expandUnpack);
    expandAll(lookups, expandLookup);
    // The loads of whole steps, of which only parts are loaded now.
    for (Operation *load : loads)
      if (load->use_empty())
        load->erase();
  }
};
} // namespace
