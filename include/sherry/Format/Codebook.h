//===- Codebook.h - Groups of trits and their codes -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule [C1] of docs/BlockFormat.md. All users of codes (packer, tables,
// folders, constants of kernels) ask the codebook.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_CODEBOOK_H
#define SHERRY_FORMAT_CODEBOOK_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sherry::format {

/// [C1] Most entries of a codebook; also the number of 5-bit codes [T6].
inline constexpr int kMaxEntries = 32;
/// The result of Codebook::encode() for trits without a code.
inline constexpr uint8_t kNoCode = 255;

inline constexpr int64_t kMaxGroupInputs = 6;
/// Trits of a group, followed by zeros.
using Trits = std::array<int8_t, kMaxGroupInputs>;

/// Which trits a group of weights may have, and their codes.
struct Codebook {
  std::string_view name;
  int64_t inputs = 0;  ///< inputs of a group, at most kMaxGroupInputs
  int64_t kept = 0;    ///< trits that are not 0; 0: any number
  int64_t entries = 0; ///< codes whose sign bit is clear, at most kMaxEntries
  std::array<Trits, kMaxEntries> trits{}; ///< trits of each entry

  /// [C1] Whether codes have 6 bits, whose sign is stored separately in the
  /// packed bytes. Other codes have 5 bits, an entry and a sign.
  constexpr bool hasSignApart() const { return entries > kMaxEntries / 2; }
  /// Flipping this bit of a code negates the group.
  constexpr uint8_t signBit() const {
    return hasSignApart() ? kMaxEntries : kMaxEntries / 2;
  }
  /// Number of codes with these bits; some may be unused.
  constexpr int numCodes() const { return 2 * signBit(); }

  /// The trits of a code below numCodes(); zeros if the code is unused.
  constexpr Trits decode(uint8_t code) const {
    Trits result = trits[code % signBit()];
    if (code & signBit())
      for (int8_t &trit : result)
        trit = static_cast<int8_t>(-trit);
    return result;
  }
  /// The code of `count` numbers out of {-1, 0, 1}, or kNoCode. Missing inputs
  /// of the group count as 0.
  constexpr uint8_t encode(const int8_t *group, int64_t count) const {
    return codes[keyOf(group, count)];
  }

  /// Adds the next entry.
  constexpr void add(const Trits &entry) { trits[entries++] = entry; }
  /// Fills the table of encode(). Call it last, because the number of entries
  /// decides which bit is the sign.
  constexpr void finish() {
    // Entries come last, because a group of zeros is its own negation.
    for (int64_t sign : {1, 0})
      for (int64_t entry = 0; entry < entries; ++entry) {
        auto code = static_cast<uint8_t>(entry + sign * signBit());
        codes[keyOf(decode(code).data(), inputs)] = code;
      }
  }

  constexpr Codebook(std::string_view name, int64_t inputs, int64_t kept)
      : name(name), inputs(inputs), kept(kept) {
    for (uint8_t &code : codes)
      code = kNoCode;
  }

private:
  static constexpr int kNumKeys = 729; // 3^kMaxGroupInputs
  std::array<uint8_t, kNumKeys> codes{};

  static constexpr int keyOf(const int8_t *group, int64_t count) {
    int key = 0;
    for (int64_t i = kMaxGroupInputs; i-- > 0;)
      key = 3 * key + (i < count ? group[i] : 0) + 1;
    return key;
  }
};

/// [C1] Exactly `kept` of the inputs of a group are not 0.
constexpr Codebook makePattern(std::string_view name, int kept, int inputs) {
  Codebook result(name, inputs, kept);
  // Groups whose first inputs are kept come last.
  for (int mask = (1 << inputs) - 1; mask > 0; --mask) {
    int ones = 0;
    for (int lane = 0; lane < inputs; ++lane)
      ones += mask >> lane & 1;
    if (ones != kept)
      continue;
    // Bits: whether the second, third, ... kept sign differs from the first.
    for (int signs = 0; signs < 1 << (kept - 1); ++signs) {
      Trits trits{};
      int rest = signs << 1;
      for (int lane = 0; lane < inputs; ++lane)
        if (mask >> lane & 1) {
          trits[lane] = rest & 1 ? -1 : 1;
          rest >>= 1;
        }
      result.add(trits);
    }
  }
  result.finish();
  return result;
}

/// [C1] Any trits: an entry is the number whose digits in base 3 are the trits,
/// lowest digit first.
constexpr Codebook makeDense(std::string_view name, int inputs) {
  Codebook result(name, inputs, /*kept=*/0);
  int end = 1;
  for (int i = 0; i < inputs; ++i)
    end *= 3;
  for (int number = 0; 2 * number < end; ++number) {
    Trits trits{};
    int rest = number;
    for (int i = 0; i < inputs; ++i) {
      int digit = (rest + 1) % 3 - 1;
      trits[i] = static_cast<int8_t>(digit);
      rest = (rest - digit) / 3;
    }
    result.add(trits);
  }
  result.finish();
  return result;
}

/// Four inputs, one of them 0: 32 codes.
inline constexpr Codebook k3of4 = makePattern("3:4", 3, 4);
/// Six inputs, two of them not 0: 60 codes.
inline constexpr Codebook k2of6 = makePattern("2:6", 2, 6);
/// Three inputs: 27 codes.
inline constexpr Codebook kDense = makeDense("dense", 3);

inline constexpr const Codebook *kCodebooks[] = {&k3of4, &k2of6, &kDense};

/// The codebook of this name, or null.
constexpr const Codebook *findCodebook(std::string_view name) {
  for (const Codebook *codebook : kCodebooks)
    if (codebook->name == name)
      return codebook;
  return nullptr;
}

/// The names of all codebooks, for messages.
inline std::string listCodebooks() {
  std::string result;
  for (const Codebook *codebook : kCodebooks)
    result += (result.empty() ? "" : ", ") + std::string(codebook->name);
  return result;
}

} // namespace sherry::format

#endif // SHERRY_FORMAT_CODEBOOK_H
