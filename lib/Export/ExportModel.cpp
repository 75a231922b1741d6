//===- ExportModel.cpp - Models in other formats --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/ExportModel.h"
#include "ExportPlan.h"
#include "Importance.h"
#include "TensorEncoder.h"
#include "sherry/Export/ModelDescription.h"
#include "sherry/Export/SafetensorsHeader.h"
#include "sherry/Support/InputFile.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/OutputFile.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sherry;
using format::TensorType;

namespace {

class Exporter {
public:
  Exporter(const ExportOptions &options, ModelFiles &files, raw_ostream &log,
           function_ref<void(const TensorReport &, size_t)> progress)
      : options(options), files(files), config(files.config), log(log),
        progress(progress) {}

  Error run();

private:
  Error writeTensor(const ExportJob &job, raw_ostream &out);
  Error writeGguf();
  Error writeFolder();

  const ExportOptions &options;
  ModelFiles &files;
  const ModelConfig &config;
  raw_ostream &log;
  function_ref<void(const TensorReport &, size_t)> progress;
  ExportPlan plan;
  std::optional<ImportanceFile> importance;
  std::set<std::string> notes;
};

} // namespace

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

Error Exporter::writeTensor(const ExportJob &job, raw_ostream &out) {
  std::vector<float> weightsOfInputs;
  if (importance && job.isLinear) {
    auto found = importance->get(makeGgufName(*config.architecture, job.name),
                                 job.view.getCols());
    if (!found)
      return found.takeError();
    if (found->empty())
      notes.insert("the importance file has no numbers for " + job.name);
    weightsOfInputs = std::move(*found);
  }
  TensorEncoder encoder(job.view, job.encoding,
                        job.isTrained ? &*config.quantization : nullptr,
                        std::move(weightsOfInputs));
  if (Error error = encoder.prepare())
    return error;

  TensorReport report;
  report.name = job.name;
  report.type =
      job.encoding.projection
          ? std::string(job.encoding.projection->codebook->name) + " in F16"
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
  progress(report, plan.jobs.size());
  return Error::success();
}

/// general.file_type of llama.cpp (enum llama_ftype); nothing for types without
/// an agreed number.
static std::optional<uint32_t> getFileType(TensorType storage) {
  switch (storage) {
  case TensorType::F32:
    return 0;
  case TensorType::F16:
    return 1;
  case TensorType::Q4_0:
    return 2;
  case TensorType::Q8_0:
    return 7;
  case TensorType::Q6_K:
    return 18;
  case TensorType::BF16:
    return 32;
  case TensorType::TQ1_0:
    return 36;
  case TensorType::TQ2_0:
    return 37;
  case TensorType::Q2_0:
    return 41;
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
  if (!writesNumbers(options))
    writer.addInteger("general.quantization_version", 2);
  if (writesNumbers(options) && config.quantization) {
    if (options.latent)
      writer.addBool("sherry.latent", true);
    const QuantizationConfig &quantization = *config.quantization;
    writer.addString("sherry.codebook", StringRef(quantization.codebook->name));
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
    writer.addTensor("rope_freqs.weight", {size}, TensorType::F32);
  for (const ExportJob &job : plan.jobs)
    writer.addTensor(makeGgufName(*config.architecture, job.name),
                     job.view.getShape(), job.encoding.storage);
  return writeFileAtomically(
      options.output, [&](raw_pwrite_stream &out) -> Error {
        writer.writeHeader(out);
        uint64_t divisorBytes = divisors.size() * sizeof(float);
        out.write(reinterpret_cast<const char *>(divisors.data()),
                  divisorBytes);
        GgufWriter::padTensor(out, divisorBytes);
        for (const ExportJob &job : plan.jobs) {
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
  std::optional<QuantizationConfig> quantization = plan.projection;
  if (writesNumbers(options))
    quantization = config.quantization;
  StringRef dtype = options.linear == TensorType::BF16  ? "bfloat16"
                    : options.linear == TensorType::F32 ? "float32"
                                                        : "float16";
  // The weights come first: they take long, and a failure leaves another
  // model's folder unchanged.
  if (Error error = writeFileAtomically(
          joinPath(options.output, "model.safetensors"),
          [&](raw_pwrite_stream &out) -> Error {
            SafetensorsHeader header;
            for (const ExportJob &job : plan.jobs)
              header.addTensor(job.name, job.view.getShape(),
                               job.encoding.storage);
            header.write(out);
            for (const ExportJob &job : plan.jobs)
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
  auto planned = planExport(options, files, importance.has_value(), log, notes);
  if (!planned)
    return planned.takeError();
  plan = std::move(*planned);
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
                  ", which the index lists, is missing; "
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
