//===- TrainingState.cpp - The state of a run in a checkpoint -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TrainingState.h"
#include "TensorFiles.h"
#include "sherry/Import/Safetensors.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

#include <ATen/ATen.h>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::json;

static constexpr const char *kTensors = "training_state.safetensors";
static constexpr const char *kDescription = "training_state.json";

namespace {
struct StateTensor {
  std::string name;
  at::Tensor numbers; ///< f32
  at::Tensor origin;  ///< of another type; `numbers` is a copy of it
};
} // namespace

template <typename Number>
static uint64_t hashNumbers(const Number *numbers, int64_t count) {
  return xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(numbers),
                              count * sizeof(Number)));
}

std::string sherry::training::hashTokens(ArrayRef<int32_t> tokens) {
  return utohexstr(hashNumbers(tokens.data(), tokens.size()));
}

std::string sherry::training::hashModel(const ModelDescription &description,
                                        const Transformer &model) {
  std::vector<uint64_t> hashes = {xxh3_64bits(description.json.dump())};
  for (const Parameter &parameter : model.getParameters())
    hashes.push_back(hashNumbers(parameter.value.data_ptr<float>(),
                                 parameter.value.numel()));
  return utohexstr(hashNumbers(hashes.data(), hashes.size()));
}

static std::vector<StateTensor> listTensors(const TrainingState &state) {
  std::vector<StateTensor> tensors;
  const std::vector<Parameter> &parameters = state.model.getParameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string &name = parameters[i].name;
    tensors.push_back({name, parameters[i].value, {}});
    tensors.push_back({name + ".mean", state.optimizer.means[i], {}});
    tensors.push_back({name + ".square", state.optimizer.squares[i], {}});
    if (state.trapped && state.trapped->trits[i].defined()) {
      const at::Tensor &trits = state.trapped->trits[i];
      tensors.push_back({name + ".trits", trits.to(at::kFloat), trits});
      tensors.push_back({name + ".changed", state.trapped->changed[i], {}});
    }
  }
  return tensors;
}

Error TrainingState::save(StringRef folder,
                          const TrainingConfig &config) const {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const StateTensor &tensor : listTensors(*this))
    tensors.emplace_back(tensor.name, tensor.numbers);
  if (Error error = writeTensors(joinPath(folder, kTensors), tensors,
                                 format::TensorType::F32))
    return error;
  nlohmann::ordered_json description = {{"step", step},
                                        {"seconds", seconds},
                                        {"text_hash", textHash},
                                        {"model_hash", modelHash},
                                        {"teacher_hash", teacherHash},
                                        {"config", config.toJson()}};
  return writeFileAtomically(joinPath(folder, kDescription),
                             [&](raw_pwrite_stream &out) {
                               out << description.dump(1) << "\n";
                               return Error::success();
                             });
}

static Error checkSameRun(const json &saved, const TrainingConfig &config,
                          StringRef folder) {
  const TrainingConfig defaults;
  for (const ConfigKey &key : listConfigKeys()) {
    auto it = saved.find(key.name);
    // A key that did not exist yet had its default value.
    json before = it != saved.end() ? *it : getValue(defaults, key);
    json value = getValue(config, key);
    if (key.isFixed && before != value)
      return makeError(folder + ": the run here has " + key.name + " " +
                       before.dump() + ", not " + value.dump() +
                       "; continue with it, or give another output folder");
  }
  return Error::success();
}

Error TrainingState::load(StringRef folder, const TrainingConfig &config) {
  std::string path = joinPath(folder, kDescription);
  auto object = readJsonObject(path);
  if (!object)
    return object.takeError();
  std::string error;
  FieldReader reader(path, *object, error);
  step = reader.getInteger("step", 0, config.steps);
  seconds = reader.getNumber("seconds", 0, 1e12);
  struct {
    const char *what;
    std::string saved;
    const std::string &now;
  } hashes[] = {
      {"text or tokenizer", reader.getString("text_hash"), textHash},
      {"model to start from, or none", reader.getString("model_hash"),
       modelHash},
      {"teacher, or none", reader.getString("teacher_hash"), teacherHash}};
  const json *saved = reader.find("config");
  if (!saved || !saved->is_object())
    reader.refuse("config", "an object");
  // A difference in the length of the run is reported by its key.
  if (saved && saved->is_object())
    if (Error problem = checkSameRun(*saved, config, folder))
      return problem;
  if (!error.empty())
    return makeError(error);
  for (const auto &hash : hashes)
    if (hash.saved != hash.now)
      return makeError(folder + ": the run here has another " + hash.what +
                       "; continue with it, or give another output folder");
  auto file = SafetensorsFile::open(joinPath(folder, kTensors));
  if (!file)
    return file.takeError();
  for (StateTensor &tensor : listTensors(*this)) {
    auto view = file->getTensor(tensor.name);
    if (!view)
      return view.takeError();
    if (view->getShape() !=
        ArrayRef(tensor.numbers.sizes().data(), tensor.numbers.dim()))
      return makeError(view->getFile() + ": tensor " + quote(tensor.name) +
                       " does not have the shape of the model's; give the "
                       "model that the run began with, or another output "
                       "folder");
    if (Error problem = readTensor(*view, tensor.numbers))
      return problem;
    if (tensor.origin.defined())
      tensor.origin.copy_(tensor.numbers);
  }
  return Error::success();
}
