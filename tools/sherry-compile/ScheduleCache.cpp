//===- ScheduleCache.cpp - Schedules that were found before ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ScheduleCache.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace sherry;

ScheduleCache::ScheduleCache() {
  if (!sys::path::cache_directory(path))
    return;
  sys::path::append(path, "sherry", "schedules.json");
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return;
  Expected<json::Value> value = json::parse((*buffer)->getBuffer());
  if (!value)
    consumeError(value.takeError());
  else if (json::Object *object = value->getAsObject())
    entries = std::move(*object);
}

std::optional<Schedule> ScheduleCache::find(StringRef key,
                                            const Schedule &base) const {
  const json::Object *entry = entries.getObject(key);
  if (!entry)
    return std::nullopt;
  // Fields that are not stored come from the CPU's default.
  Schedule schedule = base;
  for (const ScheduleField &field : kScheduleFields) {
    auto value = entry->getInteger(field.name);
    if (!value)
      return std::nullopt;
    schedule.*field.value = *value;
  }
  if (Error error = checkSchedule(schedule)) {
    consumeError(std::move(error));
    return std::nullopt;
  }
  return schedule;
}

Error ScheduleCache::store(StringRef key, const Schedule &schedule) {
  if (path.empty())
    return createStringError("there is no cache folder (XDG_CACHE_HOME, HOME)");
  json::Object entry;
  for (const ScheduleField &field : kScheduleFields)
    entry[field.name] = schedule.*field.value;
  entries[key] = std::move(entry);
  if (std::error_code code =
          sys::fs::create_directories(sys::path::parent_path(path)))
    return createStringError(code, "cannot create the folder");
  // Renamed when it is complete, because other compilers may read the file
  // meanwhile.
  return writeToOutput(path, [&](raw_ostream &out) {
    out << formatv("{0:2}", json::Value(json::Object(entries))) << "\n";
    return Error::success();
  });
}
