//===- ExportModel.cpp - Models in other formats --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/ExportModel.h"
#include "Importance.h"
#include "TensorEncoder.h"
#include "sherry/Export/Metadata.h"
#include "sherry/Export/SafetensorsHeader.h"
#include "sherry/Import/ProjectionSample.h"
#include "sherry/Support/InputFile.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Support/Problem.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;
using format::Storage;

namespace {

/// A tensor of the model and what becomes of it.
struct Job {
  std::string name; ///< in Hugging Face folders
  TensorView view;
  Encoding encoding;
  bool isLinear = false;
  /// The weights of the model are what its training projects these to.
  bool isTrained = false;

  uint64_t bytes() const {
    return view.getRows() *
           format::infoOf(encoding.storage).rowBytes(view.getCols());
  }
};

class Exporter {
public:
  Exporter(const ExportOptions &options, ModelFiles &files, raw_ostream &log,
           function_ref<void(const TensorReport &, size_t)> progress)
      : options(options), files(files), config(files.config), log(log),
        progress(progress) {}

  Error run();

private:
  Error addJob(const std::string &name, ArrayRef<int64_t> shape,
               function_ref<Encoding(const TensorView &)> choose);
  Error addJobs();
  Error addLinear(const std::string &prefix, const LinearLayer &linear);
  Error chooseProjection();
  Error checkProjection();
  void chooseReordering();
  Encoding chooseLinear(const TensorView &view, bool isExcluded);
  Encoding chooseHead(const TensorView &view);
  Encoding chooseVector(const TensorView &view) const;
  bool isPlain() const {
    return options.linear && format::infoOf(*options.linear).blockInputs == 1;
  }
  Error writeTensor(const Job &job, raw_ostream &out);
  Error writeGguf();
  Error writeFolder();

  const ExportOptions &options;
  ModelFiles &files;
  const ModelConfig &config;
  raw_ostream &log;
  function_ref<void(const TensorReport &, size_t)> progress;
  std::vector<Job> jobs;
  QuantizationConfig projection; ///< of a folder of trits
  Reordering reordering = Reordering::None;
  std::optional<ImportanceFile> importance;
  std::set<std::string> notes;
};

} // namespace

static bool isFloat(Storage storage) {
  return format::infoOf(storage).blockInputs == 1;
}

/// A type that holds the numbers of another as they are, if there is one.
static Storage chooseFloat(Storage storage) {
  return isFloat(storage) ? storage : Storage::F16;
}

//===----------------------------------------------------------------------===//
// What becomes of the tensors
//===----------------------------------------------------------------------===//

Error Exporter::chooseProjection() {
  projection = config.quantization.value_or(
      QuantizationConfig{format::Granularity::PerGroup,
                         /*groupSize=*/128,
                         {"lm_head", "model.embed_tokens"}});
  LinearLayer first = listLinearLayers(config).front();
  auto storage = files.checkpoint->getStorage(nameWeight(first, 0));
  if (storage && format::isTernary(*storage))
    projection.groupSize = format::infoOf(*storage).blockInputs;
  projection.granularity = options.granularity.value_or(projection.granularity);
  if (options.groupSize &&
      projection.granularity != format::Granularity::PerGroup)
    return makeError(Problem::UnusedGroupSize,
                     "a group size needs the granularity per_group");
  projection.groupSize = options.groupSize.value_or(projection.groupSize);
  if (importance && !options.linear &&
      projection.granularity == format::Granularity::PerTensor)
    return makeError("importances need the granularity per_channel or "
                     "per_group");
  return Error::success();
}

void Exporter::chooseReordering() {
  bool isStrided = true, isContiguous = config.quantization.has_value();
  for (const LinearLayer &linear : listLinearLayers(config))
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      auto storage = files.checkpoint->getStorage(nameWeight(linear, layer));
      isStrided &= storage && format::isStrided(*storage);
      isContiguous &= storage && isFloat(*storage);
    }
  // What is reordered is a multiple of 64 in each of the model's sizes; the
  // order of the features of a head is that of the values alone.
  bool isPossible = config.hiddenSize % format::kStridedInputs == 0 &&
                    config.intermediateSize % format::kStridedInputs == 0 &&
                    config.headDim % format::kStridedInputs == 0;
  if (isPossible && isContiguous && options.linear == Storage::STQ1_0)
    reordering = Reordering::ToStrided;
  if (isPossible && isStrided && !options.linear)
    reordering = Reordering::ToContiguous;
  if (reordering != Reordering::None)
    notes.insert(
        "the features of the model are reordered, so that its groups of four "
        "become groups of the type that is written; it computes the same");
}

Encoding Exporter::chooseLinear(const TensorView &view, bool isExcluded) {
  if (isExcluded)
    return {chooseFloat(view.getStorage()), std::nullopt};
  if (!options.linear)
    return {Storage::F16, projection};
  const format::StorageInfo &info = format::infoOf(*options.linear);
  if (view.getCols() % info.blockInputs == 0)
    return {*options.linear, std::nullopt};
  notes.insert(("rows of " + Twine(view.getCols()) +
                " are no whole blocks of " + info.name +
                "; they are written as F16")
                   .str());
  return {Storage::F16, std::nullopt};
}

Encoding Exporter::chooseHead(const TensorView &view) {
  auto fits = [&](Storage storage) {
    return view.getCols() % format::infoOf(storage).blockInputs == 0;
  };
  if (options.head) {
    if (fits(*options.head))
      return {*options.head, std::nullopt};
    notes.insert(("rows of " + Twine(view.getCols()) +
                  " are no whole blocks of " +
                  format::infoOf(*options.head).name +
                  "; head and embedding are written as F16")
                     .str());
    return {Storage::F16, std::nullopt};
  }
  if (isPlain())
    return {*options.linear, std::nullopt};
  if (options.toFolder)
    return {chooseFloat(view.getStorage()), std::nullopt};
  bool stays =
      reordering == Reordering::None || format::canWrite(view.getStorage());
  if (!isFloat(view.getStorage()) && stays)
    return {view.getStorage(), std::nullopt};
  for (Storage storage : {Storage::Q6_K, Storage::Q8_0})
    if (fits(storage))
      return {storage, std::nullopt};
  return {Storage::F16, std::nullopt};
}

Encoding Exporter::chooseVector(const TensorView &view) const {
  bool keeps = options.toFolder && isFloat(view.getStorage());
  return {keeps ? view.getStorage() : Storage::F32, std::nullopt};
}

Error Exporter::addJob(const std::string &name, ArrayRef<int64_t> shape,
                       function_ref<Encoding(const TensorView &)> choose) {
  auto view = files.checkpoint->getTensor(name, shape);
  if (!view)
    return view.takeError();
  jobs.push_back({name, *view, choose(*view)});
  // Queries and keys keep their order, which rope knows.
  Encoding &encoding = jobs.back().encoding;
  auto isOf = [&](std::initializer_list<StringRef> modules) {
    return any_of(modules, [&](StringRef module) {
      return StringRef(name).contains("." + module.str() + ".");
    });
  };
  bool isNormOfHeads = shape.size() == 1 && name.find("self_attn") != name.npos;
  if (!isOf({"q_proj", "k_proj", "embed_tokens"}) && name != "lm_head.weight" &&
      shape.size() == 2)
    encoding.rows = reordering;
  if (!(isNormOfHeads && !isOf({"v_proj"})))
    encoding.cols = reordering;
  return Error::success();
}

Error Exporter::addLinear(const std::string &prefix,
                          const LinearLayer &linear) {
  bool excluded = config.quantization && config.quantization->isDense(linear);
  if (Error error = addJob(
          prefix + linear.module + ".weight", {linear.outputs, linear.inputs},
          [&](const TensorView &view) { return chooseLinear(view, excluded); }))
    return error;
  Job &job = jobs.back();
  job.isLinear = true;
  job.isTrained = config.quantization && !excluded && !options.latent &&
                  isFloat(job.view.getStorage());
  return Error::success();
}

/// Warns, or fails if that is wished, of weights that do not look as if they
/// were trained to become trits and nobody says so.
Error Exporter::checkProjection() {
  if (options.latent)
    return Error::success();
  TritProjection trits;
  trits.granularity = projection.granularity;
  trits.groupSize = projection.groupSize;
  if (!config.quantization && options.linear) {
    trits.hasPattern = *options.linear == Storage::STQ1_0;
    trits.groupSize = format::infoOf(*options.linear).blockInputs;
  }
  SmallVector<LinearLayer> layers = listLinearLayers(config);
  erase_if(layers, [&](const LinearLayer &linear) {
    auto job = find_if(jobs, [&](const Job &job) {
      return job.name == nameWeight(linear, /*layer=*/0);
    });
    return !job->isTrained && !job->encoding.projection &&
           !format::isTernary(job->encoding.storage);
  });
  auto sample = sampleProjection(*files.checkpoint, config, layers, trits);
  if (!sample)
    return sample.takeError();
  if (sample->kinds.empty())
    return Error::success();
  if (!config.quantization && !options.quantize && !sample->looksTrained()) {
    std::string problem = options.model + ": " + sample->describeProblem();
    if (options.strict)
      return makeError(Problem::UntrainedWeights, problem);
    log << "warning: " << problem
        << findRemedy(options.remedies, Problem::UntrainedWeights) << "\n";
  }
  notes.insert(sample->describeErrors());
  return Error::success();
}

Error Exporter::addJobs() {
  Error error = Error::success();
  auto addVector = [&](const std::string &name, int64_t size) {
    if (!error)
      error = addJob(name, {size}, [&](const TensorView &view) {
        return chooseVector(view);
      });
  };
  auto addDense = [&](const std::string &name) {
    if (!error)
      error = addJob(name, {config.vocabSize, config.hiddenSize},
                     [&](const TensorView &view) { return chooseHead(view); });
  };
  addDense("model.embed_tokens.weight");
  auto linears = listLinearLayers(config);
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    std::string prefix = "model.layers." + std::to_string(layer) + ".";
    addVector(prefix + "input_layernorm.weight", config.hiddenSize);
    if (config.architecture->qkNorm != Architecture::QkNorm::None)
      for (const char *norm :
           {config.architecture->queryNorm, config.architecture->keyNorm})
        addVector(prefix + "self_attn." + norm + ".weight", config.headDim);
    addVector(prefix + "post_attention_layernorm.weight", config.hiddenSize);
    for (const LinearLayer &linear : linears)
      if (!error)
        error = addLinear(prefix, linear);
    if (config.architecture->hasQkvBias)
      for (const LinearLayer &linear : ArrayRef(linears).take_front(3))
        addVector(prefix + linear.module + ".bias", linear.outputs);
  }
  addVector("model.norm.weight", config.hiddenSize);
  if (!config.tieWordEmbeddings)
    addDense("lm_head.weight");
  return error ? std::move(error)
               : files.checkpoint->checkUnusedTensors(config.numLayers);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

Error Exporter::writeTensor(const Job &job, raw_ostream &out) {
  std::vector<float> weightsOfInputs;
  if (importance && job.isLinear) {
    auto found = importance->get(makeGgufName(*config.architecture, job.name),
                                 job.view.getCols());
    if (!found)
      return found.takeError();
    if (found->empty())
      notes.insert("the importance file says nothing of " + job.name);
    weightsOfInputs = std::move(*found);
  }
  TensorEncoder encoder(job.view, job.encoding,
                        job.isTrained ? &*config.quantization : nullptr,
                        std::move(weightsOfInputs));
  if (Error error = encoder.prepare())
    return error;

  TensorReport report;
  report.name = job.name;
  report.type = job.encoding.projection
                    ? "3:4 in F16"
                    : format::infoOf(job.encoding.storage).name;
  report.weights = job.view.getRows() * job.view.getCols();
  report.bytes = job.bytes();
  int64_t rows = job.view.getRows(), rowBytes = encoder.getRowBytes();
  int64_t headRows =
      options.toFolder ? 0 : getInterleavedRows(config, job.name);
  constexpr int64_t rowsAtOnce = 256;
  int64_t unit =
      headRows == 0 ? rowsAtOnce : format::roundUp(rowsAtOnce, headRows);
  std::vector<uint8_t> buffer(unit * rowBytes);
  for (int64_t row = 0; row < rows; row += unit) {
    int64_t count = std::min(unit, rows - row);
    if (Error error = encoder.encode(row, count, buffer.data(), report))
      return error;
    for (int64_t i = 0; i < count; ++i) {
      int64_t place = i;
      if (headRows != 0)
        place =
            i / headRows * headRows + i % 2 * (headRows / 2) + i % headRows / 2;
      out.write(reinterpret_cast<const char *>(&buffer[place * rowBytes]),
                rowBytes);
    }
  }
  progress(report, jobs.size());
  return Error::success();
}

/// general.file_type of llama.cpp (enum llama_ftype); nothing for types that
/// have no agreed number.
static std::optional<uint32_t> getFileType(Storage storage) {
  switch (storage) {
  case Storage::F32:
    return 0;
  case Storage::F16:
    return 1;
  case Storage::Q4_0:
    return 2;
  case Storage::Q8_0:
    return 7;
  case Storage::Q6_K:
    return 18;
  case Storage::BF16:
    return 32;
  case Storage::TQ1_0:
    return 36;
  case Storage::TQ2_0:
    return 37;
  default:
    return std::nullopt;
  }
}

Error Exporter::writeGguf() {
  if (Error error = checkNotRead(options.output))
    return error;
  GgufWriter writer;
  if (Error error = describeInGguf(files, options.preTokenizer, writer, notes))
    return error;
  if (auto type = getFileType(*options.linear))
    writer.addInteger("general.file_type", *type);
  if (!isPlain())
    writer.addInteger("general.quantization_version", 2);
  if (isPlain() && config.quantization) {
    if (options.latent)
      writer.addBool("sherry.latent", true);
    const QuantizationConfig &quantization = *config.quantization;
    writer.addString("sherry.granularity",
                     getGranularityName(quantization.granularity));
    if (quantization.granularity == format::Granularity::PerGroup)
      writer.addInteger("sherry.group_size",
                        static_cast<uint32_t>(quantization.groupSize));
    writer.addStrings("sherry.modules_to_not_convert",
                      quantization.modulesToNotConvert);
  }
  auto rope = describeRope(config, writer);
  if (!rope)
    return rope.takeError();
  const std::vector<float> &divisors = *rope;
  auto size = static_cast<int64_t>(divisors.size());
  if (size > 0)
    writer.addTensor("rope_freqs.weight", {size}, Storage::F32);
  for (const Job &job : jobs)
    writer.addTensor(makeGgufName(*config.architecture, job.name),
                     job.view.getShape(), job.encoding.storage);
  return writeFileAtomically(
      options.output, [&](raw_pwrite_stream &out) -> Error {
        writer.writeHeader(out);
        uint64_t divisorBytes = divisors.size() * sizeof(float);
        out.write(reinterpret_cast<const char *>(divisors.data()),
                  divisorBytes);
        GgufWriter::padTensor(out, divisorBytes);
        for (const Job &job : jobs) {
          if (Error error = writeTensor(job, out))
            return error;
          GgufWriter::padTensor(out, job.bytes());
        }
        return checkUnchanged();
      });
}

Error Exporter::writeFolder() {
  bool isSame = false;
  if (std::error_code code = sys::fs::create_directories(options.output))
    return makeError(options.output + ": " + code.message());
  if (!sys::fs::equivalent(options.model, options.output, isSame) && isSame)
    return makeError(options.output + ": is the folder that is read; give "
                                      "another");
  if (Error error = checkFolder(files, options.model, options.output))
    return error;
  std::optional<QuantizationConfig> quantization = projection;
  if (isPlain())
    quantization = config.quantization;
  StringRef dtype = options.linear == Storage::BF16  ? "bfloat16"
                    : options.linear == Storage::F32 ? "float32"
                                                     : "float16";
  // The weights come first: they take long, and what fails there leaves another
  // model's folder as it was.
  if (Error error = writeFileAtomically(
          joinPath(options.output, "model.safetensors"),
          [&](raw_pwrite_stream &out) -> Error {
            SafetensorsHeader header;
            for (const Job &job : jobs)
              header.addTensor(job.name, job.view.getShape(),
                               job.encoding.storage);
            header.write(out);
            for (const Job &job : jobs)
              if (Error error = writeTensor(job, out))
                return error;
            return checkUnchanged();
          }))
    return error;
  return describeInFolder(files, options.model, quantization, dtype,
                          options.output);
}

Error Exporter::run() {
  notes.insert(files.notes.begin(), files.notes.end());
  if (!options.importance.empty()) {
    auto file = ImportanceFile::open(options.importance);
    if (!file)
      return file.takeError();
    importance.emplace(std::move(*file));
  }
  if (Error error = chooseProjection())
    return error;
  chooseReordering();
  if (Error error = addJobs())
    return error;
  if (options.latent && (!isPlain() || !config.quantization))
    return makeError("latent weights need a model that was trained as trits, "
                     "and the type F16, BF16 or F32");
  if (Error error = checkProjection())
    return error;
  if (options.latent)
    log << "note: " << options.output
        << " will have the latent weights: programs that do not project them, "
           "as Sherry does, run another model\n";
  if (Error error = options.toFolder ? writeFolder() : writeGguf())
    return error;
  for (StringRef name : files.checkpoint->getUnusedTensors())
    notes.insert(
        ("tensor " + name + " is not part of the model; left out").str());
  for (StringRef name : files.checkpoint->getLackingTensors())
    notes.insert(("tensor " + name +
                  ", which the index lists, is in no file; "
                  "the model does not need it")
                     .str());
  for (const std::string &note : notes)
    log << "note: " << note << "\n";
  return Error::success();
}

Error sherry::exportModel(
    const ExportOptions &options, raw_ostream &log,
    function_ref<void(const TensorReport &, size_t)> progress) {
  OpenOptions openOptions;
  openOptions.stqScale = options.stqScale;
  openOptions.remedies = options.remedies;
  auto files = ModelFiles::open(options.model, openOptions);
  if (!files)
    return files.takeError();
  return Exporter(options, *files, log, progress).run();
}
