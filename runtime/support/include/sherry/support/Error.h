//===- Error.h - Errors and checked sizes -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors and checks of the libraries that do not need the compiler.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_ERROR_H
#define SHERRY_RUNTIME_SUPPORT_ERROR_H

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sherry::runtime {

/// A failure, with a message for the user, which the C interface passes on.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Whether `size` bytes at `offset` lie within `limit` bytes.
constexpr bool fits(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

/// a * b bytes. Throws Error, with `what` in the message, if the product does
/// not fit in 64 bits.
inline uint64_t checkedMultiply(uint64_t a, uint64_t b, const char *what) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    throw Error(std::string(what) + ": " + std::to_string(a) + " * " +
                std::to_string(b) + " bytes do not fit in 64 bits");
  return product;
}

/// Throws Error unless `value`, which comes from a C program, is from 0 to
/// `last`. `value` is read as a number, because it may be no value of the
/// enumeration.
template <typename Enum>
void checkEnumerator(const Enum &value, Enum last, const char *type) {
  uint32_t number;
  static_assert(sizeof(Enum) == sizeof(number));
  std::memcpy(&number, &value, sizeof(number));
  if (number > static_cast<uint32_t>(last))
    throw Error(std::to_string(number) + " is not a value of " + type);
}

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_ERROR_H
