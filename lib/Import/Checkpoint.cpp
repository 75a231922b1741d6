//===- Checkpoint.cpp - The weights in a Hugging Face folder --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Checkpoint.h"
#include "Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;

static constexpr uint64_t kMaxIndexBytes = 100'000'000;

/// Shards lie in the folder itself, so that a checkpoint cannot make the
/// compiler read other files.
static bool isPlainFileName(StringRef name) {
  return name.ends_with(".safetensors") &&
         name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos;
}

static std::string printShape(ArrayRef<int64_t> shape) {
  auto sizes = map_range(shape, [](int64_t size) { return itostr(size); });
  return "[" + join(sizes, ", ") + "]";
}

Expected<Checkpoint> Checkpoint::open(StringRef directory) {
  Checkpoint checkpoint(directory);
  if (Error error = checkpoint.openFiles())
    return error;
  return checkpoint;
}

Error Checkpoint::openFiles() {
  std::string file = joinPath(directory, "model.safetensors");
  if (sys::fs::exists(file))
    return openSingleFile(file);
  std::string index = joinPath(directory, "model.safetensors.index.json");
  if (sys::fs::exists(index))
    return openShards(index);
  return makeError(directory + ": holds neither model.safetensors nor "
                               "model.safetensors.index.json; give the folder "
                               "of a Hugging Face checkpoint");
}

Error Checkpoint::openSingleFile(StringRef path) {
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.takeError();
  files.push_back(std::move(*file));
  for (StringRef name : files.back().getTensorNames())
    tensors.try_emplace(name.str(), Entry{&files.back()});
  return Error::success();
}

Error Checkpoint::openShards(StringRef indexPath) {
  auto text = readFile(indexPath, kMaxIndexBytes);
  if (!text)
    return text.takeError();
  auto index = parseJsonObject((*text)->getBuffer(), indexPath);
  if (!index)
    return index.takeError();
  auto weightMap = index->find("weight_map");
  if (weightMap == index->end() || !weightMap->is_object())
    return makeError(indexPath + ": field \"weight_map\" must be an object "
                                 "that maps tensors to files");

  std::map<std::string, const SafetensorsFile *> shards;
  std::vector<std::string> missing;
  for (const auto &[name, value] : weightMap->items()) {
    const auto *shard = value.get_ptr<const std::string *>();
    if (!shard || !isPlainFileName(*shard))
      return makeError(indexPath + ": weight_map gives tensor " + quote(name) +
                       " the file " +
                       (shard ? quote(*shard) : "that is no string") +
                       "; it must be the name of a .safetensors file in the "
                       "same folder");
    auto [it, isNew] = shards.try_emplace(*shard, nullptr);
    if (!isNew)
      continue;
    std::string path = joinPath(directory, *shard);
    if (!sys::fs::exists(path)) {
      missing.push_back(quote(*shard));
      continue;
    }
    auto file = SafetensorsFile::open(path);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
    it->second = &files.back();
  }
  if (!missing.empty())
    return makeError(directory + ": these files of " +
                     "model.safetensors.index.json are missing: " +
                     join(missing, ", ") + "; download them");

  for (const auto &[name, value] : weightMap->items()) {
    const SafetensorsFile *file = shards[value.get<std::string>()];
    if (!file->hasTensor(name))
      return makeError(file->getPath() + ": has no tensor " + quote(name) +
                       ", which " + indexPath + " says it has");
    tensors.try_emplace(name, Entry{file});
  }
  return Error::success();
}

bool Checkpoint::hasTensor(StringRef name) const {
  return tensors.find(name) != tensors.end();
}

Expected<TensorView> Checkpoint::getTensor(StringRef name,
                                           ArrayRef<int64_t> shape) {
  auto it = tensors.find(name);
  if (it == tensors.end())
    return makeError(directory + ": the checkpoint has no tensor " +
                     quote(name) + ", which its config.json calls for");
  auto view = it->second.file->getTensor(name);
  if (view && view->getShape() != shape)
    return makeError(view->getFile() + ": tensor " + quote(name) +
                     " has the shape " + printShape(view->getShape()) +
                     "; config.json calls for " + printShape(shape));
  it->second.used = true;
  return view;
}

SmallVector<StringRef> Checkpoint::getUnusedTensors() const {
  SmallVector<StringRef> names;
  for (const auto &[name, entry] : tensors)
    if (!entry.used)
      names.push_back(name);
  return names;
}
