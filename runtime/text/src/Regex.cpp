//===- Regex.cpp - Regular expressions on UTF-8 ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sherry/text/Regex.h"
#include "Oniguruma.h"
#include "sherry/support/Error.h"
#include "sherry/support/Quote.h"
#include "sherry/text/Utf8.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <pcre2.h>

using namespace sherry::runtime;

static constexpr size_t maxPatternBytes = 1 << 16;
/// Backtracking steps at one position of the text: a small number, and the
/// most.
static constexpr uint32_t fewSteps = 256;
static constexpr size_t maxSteps = 10'000'000;
static constexpr uint32_t maxHeapKibibytes = 1 << 18;
static constexpr size_t firstJitStack = 1 << 15, maxJitStack = 1 << 20;

void MatchBudget::spend(bool isSlow) {
  constexpr uint32_t matchesPerLook = 1 << 10;
  if (++matches % matchesPerLook != 0 && !isSlow)
    return;
  timespec time;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0)
    return;
  const double now = static_cast<double>(time.tv_sec) +
                     1e-9 * static_cast<double>(time.tv_nsec);
  if (start < 0)
    start = now;
  if (now - start > seconds)
    throw Error("the tokenizer's expression takes too long for this text; give "
                "less text at a time, or correct the tokenizer");
}

static std::string pcreError(int number) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(number, text, sizeof(text));
  return reinterpret_cast<const char *>(text);
}

template <auto function> struct Free {
  template <typename T> void operator()(T *pointer) const { function(pointer); }
};

namespace {

/// Memory for matching; one per thread, because a text has many pieces.
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

Regex::Code Regex::compile(const std::string &pattern, uint32_t options) const {
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code result(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                            pattern.size(), options, &error, &offset, nullptr));
  if (!result)
    throw Error("the expression " + quote(pattern) + " is wrong at byte " +
                std::to_string(offset) + ": " + pcreError(error));
  // If no machine code can be made, the interpreter is used.
  pcre2_jit_compile(result.get(), PCRE2_JIT_COMPLETE);
  return result;
}

Regex::Regex(const std::string &pattern, bool literal) {
  if (pattern.empty() || pattern.size() > maxPatternBytes)
    throw Error("an expression has " + std::to_string(pattern.size()) +
                " bytes; 1 to " + std::to_string(maxPatternBytes) +
                " are supported");
  const uint32_t options =
      PCRE2_UTF |
      (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C);
  const std::string translated =
      literal ? pattern : translateOniguruma(pattern);
  code = compile(translated, options);
  anchored = compile(translated, options | PCRE2_ANCHORED);
}

bool Regex::findFrom(std::string_view text, size_t from, MatchBudget &budget,
                     size_t &begin, size_t &end) const {
  static thread_local Scratch scratch;
  auto match = [&](const Code &code, size_t limit) {
    pcre2_set_match_limit(scratch.context.get(), static_cast<uint32_t>(limit));
    auto run = [&](uint32_t options) {
      return pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                         text.size(), from, PCRE2_NO_UTF_CHECK | options,
                         scratch.data.get(), scratch.context.get());
    };
    int result = run(0);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
      result = run(PCRE2_NO_JIT);
    budget.spend(limit > fewSteps);
    return result;
  };
  // The limit holds for each position where a match may begin. If it is
  // reached, the positions are tried one by one, with more steps and a check of
  // the clock. A run of spaces may be scanned once per alternative.
  const size_t last = std::clamp<size_t>(8 * text.size(), maxSteps, UINT32_MAX);
  int result = match(code, fewSteps);
  while (result == PCRE2_ERROR_MATCHLIMIT) {
    for (size_t limit = fewSteps;
         result == PCRE2_ERROR_MATCHLIMIT && limit < last;) {
      limit = std::min(8 * limit, last);
      result = match(anchored, limit);
    }
    if (result != PCRE2_ERROR_NOMATCH || from == text.size())
      break;
    size_t length;
    classifyUtf8(text.substr(from), length);
    from += length;
    result = match(code, fewSteps);
  }
  if (result == PCRE2_ERROR_NOMATCH)
    return false;
  if (result < 0)
    throw Error("the tokenizer's expression fails on this text: " +
                pcreError(result));
  // Copied, because the callback may match other expressions.
  const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(scratch.data.get());
  begin = ends[0];
  end = ends[1];
  return true;
}

void Regex::findAll(std::string_view text, MatchBudget &budget,
                    const std::function<void(size_t, size_t)> &onMatch) const {
  size_t from = 0, begin, end;
  bool hasMatch = false; // a match ends at `last`
  size_t last = 0;
  while (from <= text.size() && findFrom(text, from, budget, begin, end)) {
    if (begin < from || end < begin)
      throw Error("the tokenizer's expression moves the start of its match, "
                  "which is not supported");
    from = end;
    if (begin == end && hasMatch && last == end) {
      size_t length = 1;
      if (end < text.size())
        classifyUtf8(text.substr(end), length);
      from = end + length;
      continue;
    }
    hasMatch = true;
    last = end;
    onMatch(begin, end);
  }
}
