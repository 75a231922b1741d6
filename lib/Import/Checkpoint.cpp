//===- Checkpoint.cpp - The weights of a model ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Checkpoint.h"
#include "sherry/Import/Safetensors.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;
using format::TensorType;

static constexpr uint64_t kMaxIndexBytes = 100'000'000;

/// Shards must be in the folder itself, so that a checkpoint cannot make the
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
  std::string file = joinPath(path, "model.safetensors");
  std::string index = joinPath(path, "model.safetensors.index.json");
  Error error = Error::success();
  if (sys::fs::exists(file))
    error = openSingleFile(file);
  else if (sys::fs::exists(index))
    error = openShards(index);
  else
    error = makeError(path + ": holds neither model.safetensors nor "
                             "model.safetensors.index.json; give the folder "
                             "of a Hugging Face checkpoint");
  if (!error)
    addPrefix();
  return error;
}

/// Adds the prefix "model.", which base models without a head lack.
void Checkpoint::addPrefix() {
  const char *embedding = "embed_tokens.weight";
  if (hasTensor((Twine("model.") + embedding).str()) || !hasTensor(embedding))
    return;
  auto rename = [](auto &map) {
    std::decay_t<decltype(map)> renamed;
    for (auto &[name, value] : map)
      renamed.try_emplace(
          StringRef(name).starts_with("lm_head.") ? name : "model." + name,
          std::move(value));
    map = std::move(renamed);
  };
  rename(tensors);
  rename(lacking);
}

Error Checkpoint::openSingleFile(StringRef filePath) {
  auto file = SafetensorsFile::open(filePath);
  if (!file)
    return file.takeError();
  files.push_back(std::make_unique<SafetensorsFile>(std::move(*file)));
  for (StringRef name : files.back()->getTensorNames())
    tensors.try_emplace(name.str(), Entry{files.back().get(), name.str()});
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

  std::map<std::string, const TensorFile *> shards;
  std::vector<std::string> missing;
  for (const auto &[name, value] : weightMap->items()) {
    const auto *shard = value.get_ptr<const std::string *>();
    if (!shard || !isPlainFileName(*shard))
      return makeError(indexPath + ": weight_map gives tensor " + quote(name) +
                       " the file " +
                       (shard ? quote(*shard) : "that is not a string") +
                       "; it must be the name of a .safetensors file in the "
                       "same folder");
    auto [it, isNew] = shards.try_emplace(*shard, nullptr);
    if (!isNew)
      continue;
    std::string shardPath = joinPath(path, *shard);
    if (!sys::fs::exists(shardPath)) {
      missing.push_back(quote(*shard));
      continue;
    }
    auto file = SafetensorsFile::open(shardPath);
    if (!file)
      return file.takeError();
    files.push_back(std::make_unique<SafetensorsFile>(std::move(*file)));
    it->second = files.back().get();
  }
  if (!missing.empty())
    return makeError(path + ": these files of " +
                     "model.safetensors.index.json are missing: " +
                     join(missing, ", ") + "; download them");

  for (const auto &[name, value] : weightMap->items()) {
    const TensorFile *file = shards[value.get<std::string>()];
    if (file->hasTensor(name))
      tensors.try_emplace(name, Entry{file, name});
    else
      lacking.try_emplace(name, file->getPath());
  }
  return Error::success();
}

bool Checkpoint::hasTensor(StringRef name) const {
  return tensors.find(name) != tensors.end();
}

/// The error for a tensor that only the index has.
static Error describeLacking(StringRef name, StringRef file) {
  return makeError(file + ": has no tensor " + quote(name) +
                   ", which model.safetensors.index.json says it has");
}

Expected<TensorView> Checkpoint::view(StringRef name,
                                      const Entry &entry) const {
  auto view = entry.file->getTensor(entry.nameInFile);
  if (!view)
    return view;
  if (!entry.trits) {
    if (view->getTensorType() == TensorType::Trits)
      return makeError(view->getFile() + ": tensor " + quote(name) +
                       " has the dtype \"U8\"; weights are read from BF16, F16 "
                       "or F32, or from U8 where quantization_config has the "
                       "quant_method \"bitnet\"");
    view->setFactor(entry.factor);
    return view;
  }
  TensorView result(view->getFile(), view->getName(), view->getTensorType(),
                    entry.shape, view->getBytes());
  result.setTrits(*entry.trits);
  return result;
}

Expected<TensorView> Checkpoint::getTensor(StringRef name,
                                           ArrayRef<int64_t> shape) {
  if (auto it = lacking.find(name); it != lacking.end())
    return describeLacking(name, it->second);
  auto it = tensors.find(name);
  if (it == tensors.end())
    return makeError(path + ": the checkpoint has no tensor " + quote(name) +
                     ", which its configuration calls for");
  auto view = this->view(name, it->second);
  if (view && view->getShape() != shape)
    return makeError(view->getFile() + ": tensor " + quote(name) +
                     " has the shape " + printShape(view->getShape()) +
                     "; the configuration calls for " + printShape(shape));
  if (view && it->second.headRows != 0)
    view->setInterleavedHeads(it->second.headRows);
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

SmallVector<StringRef> Checkpoint::getLackingTensors() const {
  return to_vector(map_range(
      lacking, [](const auto &entry) { return StringRef(entry.first); }));
}

/// Whether a model of `numLayers` layers would have other results without this
/// tensor.
static bool changesModel(StringRef name, int64_t numLayers) {
  StringRef rest = name;
  int64_t layer = 0;
  bool isOfLayer =
      rest.consume_front("model.layers.") || rest.consume_front("blk.");
  if (isOfLayer && (rest.consumeInteger(10, layer) || layer >= numLayers))
    return false;
  return name.ends_with(".bias") || name.ends_with(".scale") ||
         name.ends_with("_scale") || name.contains("norm");
}

Error Checkpoint::checkUnusedTensors(int64_t numLayers) const {
  for (StringRef name : getUnusedTensors())
    if (changesModel(name, numLayers))
      return makeError(path + ": tensor " + quote(name) +
                       " is not supported for this architecture; without it "
                       "the model would have other results");
  // A tensor that the files lack cannot be in use.
  for (const auto &[name, file] : lacking)
    if (changesModel(name, numLayers))
      return describeLacking(name, file);
  return Error::success();
}

std::optional<TensorType> Checkpoint::getTensorType(StringRef name) const {
  auto it = tensors.find(name);
  if (it == tensors.end())
    return std::nullopt;
  auto view = this->view(name, it->second);
  if (view)
    return view->getTensorType();
  consumeError(view.takeError());
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Names in GGUF files
//===----------------------------------------------------------------------===//

/// Pairs of names in GGUF files and in Hugging Face folders, without the prefix
/// of the layer and without ".weight" or ".bias".
static SmallVector<std::pair<std::string, std::string>>
listLayerNames(const Architecture &architecture) {
  SmallVector<std::pair<std::string, std::string>> names = {
      {"attn_norm", "input_layernorm"},
      {"attn_q", "self_attn.q_proj"},
      {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"},
      {"attn_output", "self_attn.o_proj"},
      {"ffn_norm", "post_attention_layernorm"},
      {"ffn_gate", "mlp.gate_proj"},
      {"ffn_up", "mlp.up_proj"},
      {"ffn_down", "mlp.down_proj"}};
  if (architecture.hasSubNorms) {
    names.emplace_back("attn_sub_norm", "self_attn.attn_sub_norm");
    names.emplace_back("ffn_sub_norm", "mlp.ffn_sub_norm");
  }
  if (architecture.qkNorm != Architecture::QkNorm::None) {
    names.emplace_back("attn_q_norm",
                       std::string("self_attn.") + architecture.queryNorm);
    names.emplace_back("attn_k_norm",
                       std::string("self_attn.") + architecture.keyNorm);
  }
  return names;
}

static constexpr std::pair<StringLiteral, StringLiteral> kOtherNames[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"}};

std::string sherry::translateGgufName(const Architecture &architecture,
                                      StringRef name) {
  for (auto [gguf, other] : kOtherNames)
    if (name == gguf)
      return other.str();
  // blk.LAYER.MODULE.KIND
  if (!name.consume_front("blk."))
    return "";
  auto [layer, rest] = name.split('.');
  auto [module, kind] = rest.rsplit('.');
  if (layer.empty() || !all_of(layer, isDigit) || kind.empty())
    return "";
  for (const auto &[gguf, other] : listLayerNames(architecture))
    if (module == gguf)
      return ("model.layers." + layer + "." + other + "." + kind).str();
  return "";
}

int64_t sherry::getInterleavedRows(const ModelConfig &config, StringRef name) {
  bool isRotated = name.contains(".q_proj.") || name.contains(".k_proj.");
  return config.architecture->ggufInterleavesHeads && isRotated ? config.headDim
                                                                : 0;
}

std::string sherry::makeGgufName(const Architecture &architecture,
                                 StringRef name) {
  for (auto [gguf, other] : kOtherNames)
    if (name == other)
      return gguf.str();
  // model.layers.LAYER.MODULE.KIND
  name.consume_front("model.layers.");
  auto [layer, rest] = name.split('.');
  auto [module, kind] = rest.rsplit('.');
  for (const auto &[gguf, other] : listLayerNames(architecture))
    if (module == other)
      return ("blk." + layer + "." + gguf + "." + kind).str();
  llvm_unreachable("a tensor that no architecture has");
}

/// Reads the numbers that some files have beside the weights of linear layers;
/// they multiply the products.
Error Checkpoint::readFactors(const ModelConfig &config) {
  for (const LinearLayer &linear : listLinearLayers(config))
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      std::string name = nameWeight(linear, layer);
      std::string scale =
          StringRef(name).drop_back(strlen("weight")).str() + "scale";
      auto it = tensors.find(name);
      if (it == tensors.end() || !hasTensor(scale))
        continue;
      auto view = this->view(name, it->second);
      if (!view)
        return view.takeError();
      TensorType storage = view->getTensorType();
      const format::TensorTypeInfo &info = format::infoOf(storage);
      if (info.blockInputs != 1 && !format::isTernary(storage))
        return makeError(view->getFile() + ": tensor " + quote(name) +
                         " is of the type " + info.name + " and has a scale, " +
                         quote(scale) +
                         ", of its own; scales are read with types of trits "
                         "and with F32, F16 and BF16, convert the tensor to "
                         "one of them");
      auto factor = readTritScale(scale);
      if (!factor)
        return factor.takeError();
      it->second.factor = *factor;
    }
  return Error::success();
}

Expected<Checkpoint> Checkpoint::create(GgufModel model,
                                        const ModelConfig &config) {
  Checkpoint checkpoint(model.first().getPath());
  const Architecture &architecture = *config.architecture;
  for (std::unique_ptr<GgufFile> &file : model.files) {
    for (StringRef name : file->getTensorNames()) {
      // The configuration has these divisors already.
      if (name == "rope_freqs.weight")
        continue;
      std::string translated = translateGgufName(architecture, name);
      Entry entry{file.get(), name.str()};
      StringRef target(translated);
      entry.headRows = getInterleavedRows(config, target);
      if (!checkpoint.tensors
               .try_emplace(translated.empty() ? name.str() : translated, entry)
               .second)
        return makeError(file->getPath() + ": tensor " + quote(name) +
                         " is also in another file of the model");
    }
    checkpoint.files.push_back(std::move(file));
  }
  if (Error error = checkpoint.readFactors(config))
    return error;
  return checkpoint;
}
