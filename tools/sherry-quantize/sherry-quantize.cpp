//===- sherry-quantize.cpp - Models in other formats ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../Support/CommandLine.h"
#include "sherry/Export/ExportModel.h"
#include "sherry/Support/ToolProcess.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/WithColor.h"

#include <algorithm>
#include <cmath>

using namespace sherry;
using format::Granularity;
using format::TensorType;

/// The type of linear layers; not set: trits in F16, only for folders.
using LinearType = std::optional<TensorType>;

static const std::map<std::string, LinearType> kLinearTypes = {
    {"STQ1_0", TensorType::STQ1_0}, {"TQ1_0", TensorType::TQ1_0},
    {"TQ2_0", TensorType::TQ2_0},   {"Q2_0", TensorType::Q2_0},
    {"Q4_0", TensorType::Q4_0},     {"Q6_K", TensorType::Q6_K},
    {"Q8_0", TensorType::Q8_0},     {"F16", TensorType::F16},
    {"BF16", TensorType::BF16},     {"F32", TensorType::F32},
    {"sherry", std::nullopt}};

static const std::map<std::string, TensorType> kHeadTypes = {
    {"Q4_0", TensorType::Q4_0}, {"Q6_K", TensorType::Q6_K},
    {"Q8_0", TensorType::Q8_0}, {"F16", TensorType::F16},
    {"BF16", TensorType::BF16}, {"F32", TensorType::F32}};

static const std::map<std::string, Granularity> kGranularities = {
    {"per_tensor", Granularity::PerTensor},
    {"per_channel", Granularity::PerChannel},
    {"per_group", Granularity::PerGroup}};

static const std::map<std::string, StqScale> kStqScales = {
    {"auto", StqScale::Auto}, {"f16", StqScale::F16}, {"i16", StqScale::I16}};

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

static double getRelativeError(const TensorReport &report) {
  return report.squares > 0 ? report.errorSquares / report.squares : 0;
}

static void printRow(llvm::raw_ostream &out, const TensorReport &report) {
  std::string scales(26, ' '), changed;
  if (report.scales > 0)
    scales = llvm::formatv("{0,8:f5} {1,8:f5} {2,8:f5}", report.smallestScale,
                           report.scaleSum / static_cast<double>(report.scales),
                           report.largestScale);
  if (report.changed)
    changed = std::to_string(*report.changed);
  out << llvm::formatv("{0,-46} {1,-10} {2,10:e3} {3} {4,10}\n", report.name,
                       report.type, getRelativeError(report), scales, changed);
}

static void printHistogram(llvm::raw_ostream &out, const TensorReport &total) {
  constexpr int64_t barWidth = 50;
  int64_t sum = 0, largest = 0;
  for (int64_t count : total.histogram) {
    sum += count;
    largest = std::max(largest, count);
  }
  if (sum == 0)
    return;
  out << "\nratio to the scale of the weights that became trits:\n";
  for (int64_t bin = 0; bin < TensorReport::kBins; ++bin) {
    int64_t count = total.histogram[bin];
    if (count > 0)
      out << llvm::formatv(
          "{0,6:f2} {1,6:f2} % {2}\n", TensorReport::centerOf(bin),
          100 * static_cast<double>(count) / static_cast<double>(sum),
          std::string(count * barWidth / largest, '#'));
  }
}

static void printTotal(llvm::raw_ostream &out,
                       const std::vector<TensorReport> &reports) {
  TensorReport total;
  for (const TensorReport &report : reports) {
    total.weights += report.weights;
    total.bytes += report.bytes;
    total.add(report);
  }
  out << llvm::formatv(
      "{0} tensors, {1} weights, {2} bytes, {3:f3} bits per weight, relative "
      "squared error {4:e3}",
      reports.size(), total.weights, total.bytes,
      8 * static_cast<double>(total.bytes) / static_cast<double>(total.weights),
      getRelativeError(total));
  if (total.changed)
    out << ", " << *total.changed << " trits changed";
  out << "\n";
  printHistogram(out, total);
}

//===----------------------------------------------------------------------===//
// Command line
//===----------------------------------------------------------------------===//

namespace {
/// Properties of the output.
enum Mode : unsigned {
  ToGguf = 1,
  ToFolder = 2,
  Trits = 4,    ///< --type=sherry
  Blocks = 8,   ///< trits or integers with scales, in GGUF files
  Numbers = 16, ///< --type=F16, BF16 or F32
  Ternary = 32, ///< trits of any type
  MayAsk = 64,  ///< trits, and --quantize is not given
  Always = ToGguf | ToFolder
};
} // namespace

static const std::vector<OptionUse> kOptionTable = {
    {"--type", Always},
    {"--head", Always},
    {"--granularity", Trits, "unless --type is sherry"},
    {"--group-size", Trits, "unless --type is sherry"},
    {"--importance", Trits | Blocks, "with --type=F16, BF16 or F32"},
    {"--tokenizer-pre", ToGguf, "with --hf"},
    {"--stq-scale", Always},
    {"--latent", Numbers, "unless --type is F16, BF16 or F32"},
    {"--quantize", Ternary, "unless --type makes trits"},
    {"--strict", MayAsk, "with --quantize, or unless --type makes trits"},
    {"--quiet", Always},
};

static unsigned findModes(bool toFolder, LinearType type, bool quantizes) {
  unsigned modes = toFolder ? ToFolder : ToGguf;
  if (!type || format::isTernary(*type))
    modes |= quantizes ? Ternary : Ternary | MayAsk;
  if (!type)
    return modes | Trits;
  return modes | (format::infoOf(*type).blockInputs > 1 ? Blocks : Numbers);
}

static llvm::Error run(const ExportOptions &options, bool quiet) {
  std::vector<TensorReport> reports;
  bool showsProgress = llvm::errs().is_displayed();
  auto progress = [&](const TensorReport &report, size_t count) {
    reports.push_back(report);
    if (showsProgress)
      llvm::errs() << "\r" << reports.size() << " of " << count << " tensors"
                   << (reports.size() == count ? "\n" : "");
  };
  if (llvm::Error error = exportModel(options, llvm::errs(), progress))
    return error;
  if (quiet)
    return llvm::Error::success();
  llvm::outs() << llvm::formatv("{0,-46} {1,-10} {2,10} {3,8} {4,8} {5,8} "
                                "{6,10}\n",
                                "tensor", "type", "error", "scale >=", "mean",
                                "<=", "changed");
  for (const TensorReport &report : reports)
    printRow(llvm::outs(), report);
  printTotal(llvm::outs(), reports);
  return llvm::Error::success();
}

/// The options that help with problems that the libraries find.
static std::vector<Remedy> listRemedies(bool toFolder) {
  return {
      {Problem::UntrainedWeights,
       std::string("; --type=") + (toFolder ? "F16" : "Q8_0") +
           " keeps the layers as they are, --quantize quantizes them to trits "
           "anyway"},
      {Problem::UnusedGroupSize,
       "; give --granularity=per_group, or leave out --group-size"},
      {Problem::UnusedStqScale, "; --stq-scale has no effect, leave it out"},
      {Problem::IntegerStqScales, "; --stq-scale=f16 reads them as f16"},
      {Problem::UnknownPreTokenizer, "; give one with --tokenizer-pre"},
      {Problem::NeedsFolder, "; write a folder with --hf"},
      {Problem::TritsWithoutPattern,
       "; write a GGUF file with --type=TQ1_0, TQ2_0 or Q2_0"},
  };
}

int main(int argc, char **argv) {
  startTool();
  ExportOptions options;
  CLI::App app("Writes a model in another format: as GGUF, or as a Hugging "
               "Face folder. Prints the changes: for every tensor the squared "
               "error relative to the squares of its weights, the scales of "
               "its blocks, and the number of trits that changed.",
               "sherry-quantize");
  app.set_version_flag("--version", "sherry-quantize " SHERRY_VERSION);
  app.add_option("model", options.model, "A Hugging Face folder or a GGUF file")
      ->required();
  auto *output = app.add_option_group("Output");
  output->require_option(1);
  std::string gguf, folder, type = "STQ1_0", head;
  output->add_option("-o,--output", gguf, "Write this GGUF file");
  output->add_option("--hf", folder, "Write this Hugging Face folder");
  auto *typeOption =
      app.add_option(
             "--type", type,
             "Weights of linear layers: STQ1_0, TQ1_0, TQ2_0, Q2_0, "
             "Q4_0, Q6_K, Q8_0, F16, BF16 or F32 in GGUF; sherry (trits of "
             "the model's codebook, else 3:4-sparse ones, in F16), F16, BF16 "
             "or F32 in a folder (default: STQ1_0, sherry)")
          ->transform(CLI::IsMember(&kLinearTypes, CLI::ignore_case));
  app.add_flag("--latent", options.latent,
               "With --type=F16, BF16 or F32: write the latent weights of "
               "training instead of the trits that the model computes with. "
               "Other programs then run a different model");
  app.add_option("--head", head,
                 "Head and embedding: Q4_0, Q6_K, Q8_0, F16, BF16 or F32 "
                 "(default: unchanged if they are in blocks, or if --type is "
                 "sherry; else Q6_K, or --type if it is F16, BF16 or F32)")
      ->transform(CLI::IsMember(&kHeadTypes, CLI::ignore_case));
  Granularity granularity;
  int64_t groupSize;
  auto *granularityOption =
      app.add_option("--granularity", granularity,
                     "Weights that share a scale with --type=sherry (default: "
                     "the model's, else per_group)")
          ->transform(CLI::CheckedTransformer(kGranularities))
          ->option_text("per_tensor|per_channel|per_group");
  auto *groupSizeOption =
      addNumber(app, "--group-size", groupSize,
                "Inputs that share a scale with --type=sherry, a multiple of 4 "
                "(default: the model's, else 128)")
          ->check(CLI::Range(4, 1 << 24));
  app.add_option("--importance", options.importance,
                 "Importance of the inputs: a GGUF file of llama-imatrix");
  app.add_option("--tokenizer-pre", options.preTokenizer,
                 "tokenizer.ggml.pre of a byte-level tokenizer (default: found "
                 "by its expressions)");
  app.add_option("--stq-scale", options.stqScale,
                 "Type of the scales of STQ1_0 tensors that are read (default: "
                 "auto)")
      ->transform(CLI::CheckedTransformer(kStqScales))
      ->option_text("auto|f16|i16");
  app.add_flag("--quantize", options.quantize,
               "Quantize weights to trits even if they do not look trained for "
               "it; without this option, a question on a terminal");
  app.add_flag("--strict", options.strict,
               "Fail, even on a terminal, where --quantize is needed");
  bool quiet = false;
  app.add_flag("-q,--quiet", quiet, "Do not print the report");
  if (auto exitCode = parseCommandLine(app, argc, argv, [&] {
        options.toFolder = !folder.empty();
        if (options.toFolder && typeOption->count() == 0)
          type = "sherry";
        options.linear = kLinearTypes.at(type);
        refuseWithoutEffect(
            app, kOptionTable,
            findModes(options.toFolder, options.linear, options.quantize), "");
      }))
    return *exitCode;
  options.strict |= llvm::sys::Process::StandardInIsUserInput();

  auto fail = [](const std::string &message) {
    llvm::WithColor::error(llvm::errs(), "sherry-quantize") << message << "\n";
    return 1;
  };
  options.output = options.toFolder ? folder : gguf;
  bool hasBlocks =
      options.linear && format::infoOf(*options.linear).blockInputs > 1;
  if (options.toFolder && hasBlocks)
    return fail("--type=" + type +
                " is a type of GGUF files; with --hf give "
                "sherry, F16, BF16 or F32");
  if (!options.toFolder && !options.linear)
    return fail(
        "--type=sherry needs --hf; GGUF files have STQ1_0 for 3:4-sparse "
        "trits");
  if (!head.empty())
    options.head = kHeadTypes.at(head);
  if (options.toFolder && options.head &&
      format::infoOf(*options.head).blockInputs > 1)
    return fail("--head=" + head +
                " is a type of GGUF files; with --hf give "
                "F16, BF16 or F32");
  if (granularityOption->count() > 0)
    options.granularity = granularity;
  if (groupSizeOption->count() > 0) {
    if (groupSize % format::kDotInputs != 0)
      return fail("--group-size is " + std::to_string(groupSize) +
                  "; it must be a multiple of 4");
    options.groupSize = groupSize;
  }
  options.remedies = listRemedies(options.toFolder);
  if (llvm::Error error = run(options, quiet))
    return fail(explain(std::move(error), options.remedies));
  return 0;
}
