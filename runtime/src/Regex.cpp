//===- Regex.cpp - Regular expressions on UTF-8 ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#define PCRE2_CODE_UNIT_WIDTH 8
#include "Regex.h"
#include "Support.h"

#include <algorithm>
#include <new>
#include <pcre2.h>

using namespace sherry::runtime;

static constexpr size_t maxPatternBytes = 1 << 16;
static constexpr uint32_t minMatchLimit = 10'000'000;
static constexpr uint32_t maxHeapKibibytes = 1 << 18;
static constexpr size_t firstJitStack = 1 << 15, maxJitStack = 1 << 20;

static std::string pcreError(int number) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(number, text, sizeof(text));
  return reinterpret_cast<const char *>(text);
}

template <auto function> struct Free {
  template <typename T> void operator()(T *pointer) const { function(pointer); }
};

namespace {

/// What matching writes to; one per thread, as a text has many pieces.
struct Scratch {
  std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>> data{
      pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>> context{
      pcre2_match_context_create(nullptr)};
  /// May be null: machine code then has a small stack of its own.
  std::unique_ptr<pcre2_jit_stack, Free<pcre2_jit_stack_free>> stack{
      pcre2_jit_stack_create(firstJitStack, maxJitStack, nullptr)};

  Scratch() {
    if (!data || !context)
      throw std::bad_alloc();
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
    pcre2_set_heap_limit(context.get(), maxHeapKibibytes);
  }
};

} // namespace

void Regex::FreeCode::operator()(pcre2_real_code_8 *code) const {
  pcre2_code_free(code);
}

Regex::Regex(const std::string &pattern, bool literal) {
  if (pattern.empty() || pattern.size() > maxPatternBytes)
    throw Error("an expression has " + std::to_string(pattern.size()) +
                " bytes; 1 to " + std::to_string(maxPatternBytes) +
                " are supported");
  // The expressions are written for Oniguruma, where && in a class means the
  // intersection.
  if (!literal && pattern.find("&&") != std::string::npos)
    throw Error("the expression " + quote(pattern) +
                " intersects classes by &&, which is not supported");
  int error = 0;
  PCRE2_SIZE offset = 0;
  // \C could stop inside a character.
  uint32_t options =
      PCRE2_UTF |
      (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C);
  code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                           pattern.size(), options, &error, &offset, nullptr));
  if (!code)
    throw Error("the expression " + quote(pattern) + " is wrong at byte " +
                std::to_string(offset) + ": " + pcreError(error));
  // Where machine code cannot be made, the interpreter does the same.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
}

void Regex::split(std::string_view text,
                  const std::function<void(std::string_view)> &onPiece) const {
  static thread_local Scratch scratch;
  // A run of spaces may be gone through once per alternative.
  const size_t matchLimit =
      std::clamp<size_t>(8 * text.size(), minMatchLimit, UINT32_MAX);

  auto match = [&](size_t from, uint32_t options) {
    pcre2_set_match_limit(scratch.context.get(),
                          static_cast<uint32_t>(matchLimit));
    return pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                       text.size(), from,
                       PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY | options,
                       scratch.data.get(), scratch.context.get());
  };
  size_t done = 0;
  auto passUntil = [&](size_t end) {
    if (end > done)
      onPiece(text.substr(done, end - done));
    done = end;
  };
  while (done < text.size()) {
    int result = match(done, 0);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
      result = match(done, PCRE2_NO_JIT);
    if (result == PCRE2_ERROR_NOMATCH)
      break;
    if (result < 0)
      throw Error("the tokenizer's expression fails on this text: " +
                  pcreError(result));
    // Copied: what takes the pieces may match other expressions.
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(scratch.data.get());
    const size_t begin = ends[0], end = ends[1];
    if (begin < done || end <= begin)
      throw Error("the tokenizer's expression uses \\K, which is not "
                  "supported");
    passUntil(begin);
    passUntil(end);
  }
  passUntil(text.size());
}
