//===- RunFolder.cpp - The folder of a training run -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/RunFolder.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::ordered_json;

static constexpr StringLiteral kPrefix = "step-", kTemporary = ".tmp-",
                               kLatest = "latest";

static Error fail(const Twine &path, std::error_code code) {
  return makeError(path + ": " + code.message());
}

static std::error_code lastError() {
  return std::error_code(errno, std::generic_category());
}

/// Makes sure that a file or a folder is on the disk before another file refers
/// to it.
static Error synchronize(const std::string &path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(path, lastError());
  bool isDone = ::fsync(file) == 0;
  std::error_code code = lastError();
  ::close(file);
  return isDone ? Error::success() : fail(path, code);
}

/// Removes a folder or a link, if it is there.
static Error removeEntry(const std::string &path) {
  sys::fs::file_status status;
  if (sys::fs::status(path, status, /*follow=*/false) ||
      status.type() == sys::fs::file_type::file_not_found)
    return Error::success();
  std::error_code code =
      status.type() == sys::fs::file_type::directory_file
          ? sys::fs::remove_directories(path, /*IgnoreErrors=*/false)
          : sys::fs::remove(path);
  return code ? fail(path, code) : Error::success();
}

static Expected<std::vector<std::string>> listFolder(const std::string &path) {
  std::vector<std::string> names;
  std::error_code code;
  for (sys::fs::directory_iterator it(path, code), end; it != end && !code;
       it.increment(code))
    names.push_back(sys::path::filename(it->path()).str());
  if (code)
    return fail(path, code);
  std::sort(names.begin(), names.end());
  return names;
}

static bool isCheckpoint(StringRef name) {
  return name.consume_front(kPrefix) && !name.empty() && all_of(name, isDigit);
}

/// Whether an interrupted process left an entry of this name. Other entries are
/// not touched.
static bool isLeftover(StringRef name) {
  return name.consume_front(kTemporary) &&
         (name == kLatest || isCheckpoint(name));
}

/// The checkpoint to go on from among the sorted names in a folder; empty if
/// there is none.
static Expected<std::string> findLatest(StringRef path,
                                        ArrayRef<std::string> names) {
  if (!is_contained(names, kLatest)) {
    // A process may end before it has linked its first checkpoint.
    auto newest = find_if(reverse(names), isCheckpoint);
    return newest == names.rend() ? "" : joinPath(path, *newest);
  }
  std::string link = joinPath(path, kLatest);
  const char *remedy = "; let it name the checkpoint to go on from, or remove "
                       "it to go on from the newest";
  SmallString<128> target;
  if (std::error_code code = sys::fs::real_path(link, target))
    return makeError(link + ": " + code.message() + remedy);
  StringRef name = sys::path::filename(target);
  if (!isCheckpoint(name) || !is_contained(names, name))
    return makeError(link + ": names " + target.str() +
                     ", which is not a checkpoint of this run" + remedy);
  return joinPath(path, name);
}

Expected<RunFolder> RunFolder::open(StringRef path) {
  RunFolder folder;
  folder.path = path.str();
  if (std::error_code code = sys::fs::create_directories(path))
    return fail(path, code);
  std::string lockPath = joinPath(path, "lock");
  folder.lock = ::open(lockPath.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (folder.lock < 0)
    return fail(lockPath, lastError());
  if (::flock(folder.lock, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK
               ? makeError(path + ": another process trains in this folder; "
                                  "wait for it, or give another folder")
               : fail(lockPath, lastError());
  auto names = listFolder(folder.path);
  if (!names)
    return names.takeError();
  for (const std::string &name : *names)
    if (isLeftover(name))
      if (Error error = removeEntry(joinPath(path, name)))
        return error;
  auto latest = findLatest(path, *names);
  if (!latest)
    return latest.takeError();
  folder.latest = std::move(*latest);
  return folder;
}

RunFolder::RunFolder(RunFolder &&other) noexcept
    : path(std::move(other.path)), latest(std::move(other.latest)),
      lock(std::exchange(other.lock, -1)) {}

RunFolder::~RunFolder() {
  if (lock >= 0)
    ::close(lock);
}

std::string RunFolder::getMetricsPath() const {
  return joinPath(path, "metrics.jsonl");
}

Error RunFolder::save(int64_t step, int64_t keep,
                      function_ref<Error(StringRef)> write) {
  std::string name = kPrefix.str();
  raw_string_ostream(name) << llvm::format("%08lld",
                                           static_cast<long long>(step));
  std::string temporary = joinPath(path, kTemporary.str() + name);
  std::string final = joinPath(path, name);
  if (std::error_code code = sys::fs::create_directory(temporary))
    return fail(temporary, code);
  if (Error error = write(temporary))
    return error;
  auto files = listFolder(temporary);
  if (!files)
    return files.takeError();
  for (const std::string &file : *files)
    if (Error error = synchronize(joinPath(temporary, file)))
      return error;
  if (Error error = synchronize(temporary))
    return error;
  // The records of its steps are on the disk before the checkpoint.
  if (sys::fs::exists(getMetricsPath()))
    if (Error error = synchronize(getMetricsPath()))
      return error;
  // The folder exists already if `latest` was set back by hand.
  if (final != latest)
    if (Error error = removeEntry(final))
      return error;
  if (std::error_code code = sys::fs::rename(temporary, final))
    return fail(final, code);
  if (Error error = synchronize(path))
    return error;
  std::string link = joinPath(path, kLatest);
  std::string newLink = joinPath(path, (kTemporary + kLatest).str());
  if (std::error_code code = sys::fs::create_link(name, newLink))
    return fail(newLink, code);
  if (std::error_code code = sys::fs::rename(newLink, link))
    return fail(link, code);
  if (Error error = synchronize(path))
    return error;
  latest = final;
  return prune(keep);
}

Error RunFolder::prune(int64_t keep) {
  auto names = listFolder(path);
  if (!names)
    return names.takeError();
  std::vector<std::string> steps;
  for (const std::string &name : *names)
    if (isCheckpoint(name))
      steps.push_back(joinPath(path, name));
  for (size_t i = 0; i + static_cast<size_t>(keep) < steps.size(); ++i)
    if (steps[i] != latest)
      if (Error error = removeEntry(steps[i]))
        return error;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Metrics
//===----------------------------------------------------------------------===//

Expected<std::vector<ordered_json>> Metrics::read() const {
  std::vector<ordered_json> records;
  if (!sys::fs::exists(path))
    return records;
  auto text = readFile(path, /*maxBytes=*/INT64_MAX);
  if (!text)
    return text.takeError();
  for (StringRef rest = (*text)->getBuffer(); rest.contains('\n');) {
    StringRef line;
    std::tie(line, rest) = rest.split('\n');
    auto record = ordered_json::parse(line.begin(), line.end(), nullptr,
                                      /*allow_exceptions=*/false);
    if (record.is_object())
      records.push_back(std::move(record));
  }
  return records;
}

Error Metrics::rewrite(ArrayRef<ordered_json> records) {
  return writeFileAtomically(path, [&](raw_pwrite_stream &out) {
    for (const ordered_json &record : records)
      out << record.dump() << "\n";
    return Error::success();
  });
}

Error Metrics::append(const ordered_json &record) {
  std::error_code code;
  raw_fd_ostream out(path, code, sys::fs::OF_Append);
  if (!code) {
    out << record.dump() << "\n";
    out.close();
    code = out.error();
    out.clear_error();
  }
  return code ? fail(path, code) : Error::success();
}
