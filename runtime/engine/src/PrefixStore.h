//===- PrefixStore.h - Prefixes of prompts in files -------------*- C++ -*-===//
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

/// Sequences of a model in a folder: for each a file of sherry_sequence_save()
/// and a file of its tokens. If the folder would have too many bytes, the least
/// recently used ones are removed.
class PrefixStore {
public:
  struct Entry {
    std::string name;  ///< of the files, without extension
    std::string owner; ///< a word of letters, digits and -
    std::vector<int32_t> tokens;
    uint64_t bytes;
  };

  /// Uses, or creates, the folder of the model with the checksum `model` within
  /// `folder`. Throws std::runtime_error.
  PrefixStore(const std::string &folder, uint64_t model, uint64_t maxBytes);

  /// The entry of an owner with the longest common beginning with these tokens;
  /// null if there is none.
  const Entry *find(const std::string &owner,
                    const std::vector<int32_t> &tokens) const;
  /// Whether an entry begins with these tokens.
  bool covers(const std::string &owner,
              const std::vector<int32_t> &tokens) const;

  /// Writes a sequence, which has these tokens. Throws std::runtime_error.
  void save(sherry_context *context, uint32_t sequence,
            const std::string &owner, const std::vector<int32_t> &tokens);
  /// Creates a sequence from an entry and returns its number. If the file
  /// cannot be used, removes it and the entry, and throws std::runtime_error.
  uint32_t load(sherry_context *context, const Entry &entry);

private:
  std::string pathOf(const std::string &name, const char *suffix) const;
  void remove(const std::string &name);
  void scan();
  void trim();

  std::string folder;
  uint64_t maxBytes, bytes = 0;
  std::list<Entry> entries; ///< the last used one in front
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_PREFIXSTORE_H
