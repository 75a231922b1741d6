//===- PrefixStore.h - What was read, in files ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_PREFIXSTORE_H
#define SHERRY_ENGINE_PREFIXSTORE_H

#include "sherry/sherry.h"

#include <cstdint>
#include <filesystem>
#include <list>
#include <string>
#include <vector>

namespace sherry::engine {

/// Sequences of a model in a folder, each a file that sherry_sequence_save
/// wrote and one of its tokens. Those that were used least recently go where
/// the folder would have too many bytes.
class PrefixStore {
public:
  struct Entry {
    std::string name;  ///< of the files, without what follows the point
    std::string owner; ///< a word of letters, digits and -
    std::vector<int32_t> tokens;
    uint64_t bytes;
  };

  /// Uses a folder within `folder` for the model with this checksum, and makes
  /// it if it is not there. Throws std::runtime_error.
  PrefixStore(const std::string &folder, uint64_t model, uint64_t maxBytes);

  /// The entry of an owner that has most in common with these tokens at the
  /// beginning; null: none has anything.
  const Entry *find(const std::string &owner,
                    const std::vector<int32_t> &tokens) const;
  /// Whether an entry begins with these tokens.
  bool covers(const std::string &owner,
              const std::vector<int32_t> &tokens) const;

  /// Writes a sequence that has these tokens. Throws std::runtime_error.
  void save(sherry_context *context, uint32_t sequence,
            const std::string &owner, const std::vector<int32_t> &tokens);
  /// A new sequence from an entry. Throws std::runtime_error; a file that
  /// cannot be used is gone then, and so is the entry.
  uint32_t load(sherry_context *context, const Entry &entry);

private:
  std::string pathOf(const std::string &name, const char *suffix) const;
  void remove(const std::string &name);
  void scan();
  void trim();

  std::string folder;
  uint64_t maxBytes, bytes = 0;
  std::list<Entry> entries; ///< used last in front
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_PREFIXSTORE_H
