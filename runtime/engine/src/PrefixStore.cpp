//===- PrefixStore.cpp - Prefixes of prompts in files ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PrefixStore.h"
#include "Answer.h"
#include "sherry/support/Files.h"

#include <cstring>

using namespace sherry;
using namespace sherry::engine;
namespace fs = std::filesystem;

static constexpr char kPages[] = ".kv", kTokens[] = ".tokens";
/// The most tokens of a file; no context has more.
static constexpr uintmax_t kMostTokens = uintmax_t{1} << 24;

std::string PrefixStore::pathOf(const std::string &name,
                                const char *suffix) const {
  return (fs::path(folder) / (name + suffix)).string();
}

static std::string nameOf(uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(number));
  return text;
}

/// FNV-1a.
static uint64_t hashOf(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

static std::string_view bytesOf(const std::vector<int32_t> &tokens) {
  return {reinterpret_cast<const char *>(tokens.data()),
          tokens.size() * sizeof(int32_t)};
}

PrefixStore::PrefixStore(const std::string &where, uint64_t model,
                         uint64_t maxBytes)
    : folder((fs::path(where) / nameOf(model)).string()), maxBytes(maxBytes) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder, error))
    throw std::runtime_error(folder + ": is not a folder for prefixes");
  // Texts of users must not be readable by others.
  fs::permissions(folder, fs::perms::owner_all, error);
  scan();
  trim();
}

/// Finds the files of earlier processes.
void PrefixStore::scan() {
  std::vector<std::pair<fs::file_time_type, Entry>> found;
  for (const fs::directory_entry &file : fs::directory_iterator(folder)) {
    const fs::path path = file.path();
    std::error_code error;
    // A temporary file of a process that was killed.
    if (path.extension() == kPages &&
        !fs::exists(pathOf(path.stem().string(), kTokens), error))
      remove(path.stem().string());
    if (path.extension() != kTokens || !file.is_regular_file(error))
      continue;
    Entry entry;
    entry.name = path.stem().string();
    entry.owner = entry.name.substr(0, entry.name.rfind('-'));
    const std::string pages = pathOf(entry.name, kPages);
    const uintmax_t size = fs::file_size(pages, error);
    const auto time = fs::last_write_time(pages, error);
    const uintmax_t tokens = file.file_size(error);
    if (error || tokens == 0 || tokens % sizeof(int32_t) != 0 ||
        tokens / sizeof(int32_t) > kMostTokens) {
      remove(entry.name);
      continue;
    }
    entry.bytes = size + tokens;
    const std::string text = readText(path.string());
    entry.tokens.resize(text.size() / sizeof(int32_t));
    std::memcpy(entry.tokens.data(), text.data(),
                entry.tokens.size() * sizeof(int32_t));
    bytes += entry.bytes;
    found.emplace_back(time, std::move(entry));
  }
  std::sort(found.begin(), found.end(),
            [](const auto &a, const auto &b) { return a.first > b.first; });
  for (auto &[time, entry] : found)
    entries.push_back(std::move(entry));
}

void PrefixStore::remove(const std::string &name) {
  std::error_code ignored;
  fs::remove(pathOf(name, kPages), ignored);
  fs::remove(pathOf(name, kTokens), ignored);
}

const PrefixStore::Entry *
PrefixStore::find(const std::string &owner,
                  const std::vector<int32_t> &tokens) const {
  const Entry *best = nullptr;
  size_t most = 0;
  for (const Entry &entry : entries) {
    const size_t common =
        entry.owner == owner ? countCommon(entry.tokens, tokens) : 0;
    if (common > most) {
      most = common;
      best = &entry;
    }
  }
  return best;
}

bool PrefixStore::covers(const std::string &owner,
                         const std::vector<int32_t> &tokens) const {
  const Entry *entry = find(owner, tokens);
  return entry && countCommon(entry->tokens, tokens) == tokens.size();
}

void PrefixStore::save(sherry_context *context, uint32_t sequence,
                       const std::string &owner,
                       const std::vector<int32_t> &tokens) {
  const std::string name = owner + "-" + nameOf(hashOf(bytesOf(tokens)));
  check(sherry_sequence_save(context, sequence, pathOf(name, kPages).c_str()));
  OutputFile file(pathOf(name, kTokens));
  file.write(bytesOf(tokens));
  file.commit();
  const uint64_t size =
      fs::file_size(pathOf(name, kPages)) + bytesOf(tokens).size();
  entries.push_front({name, owner, tokens, size});
  bytes += size;
  trim();
}

/// Removes the least recently used entries.
void PrefixStore::trim() {
  while (bytes > maxBytes) {
    remove(entries.back().name);
    bytes -= entries.back().bytes;
    entries.pop_back();
  }
}

uint32_t PrefixStore::load(sherry_context *context, const Entry &entry) {
  const auto it =
      std::find_if(entries.begin(), entries.end(),
                   [&](const Entry &other) { return &other == &entry; });
  const std::string path = pathOf(entry.name, kPages);
  const int64_t sequence = sherry_sequence_load(context, path.c_str());
  std::vector<int32_t> tokens(entry.tokens.size());
  const bool isRight =
      sequence >= 0 &&
      sherry_sequence_tokens(context, static_cast<uint32_t>(sequence),
                             tokens.data(),
                             static_cast<int64_t>(tokens.size())) ==
          static_cast<int64_t>(tokens.size()) &&
      tokens == entry.tokens;
  if (!isRight) {
    const std::string problem =
        sequence < 0 ? sherry_error_message() : path + ": has other tokens";
    if (sequence >= 0)
      sherry_sequence_drop(context, static_cast<uint32_t>(sequence));
    remove(entry.name);
    bytes -= entry.bytes;
    entries.erase(it);
    throw std::runtime_error(problem);
  }
  std::error_code ignored;
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  entries.splice(entries.begin(), entries, it);
  return static_cast<uint32_t>(sequence);
}
