//===- sherry-compile.cpp - Compiles a model to a shared object -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "OptionTable.h"
#include "Tuner.h"
#include "sherry-abi/limits.h"
#include "sherry/InitAll.h"
#include "sherry/Support/ToolProcess.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;
using namespace sherry;

enum class Activations { I8, I8Token, F32 };
enum class Groups { Contiguous, Strided };
/// A format, or trits.
enum class Head {
  BF16 = static_cast<int>(format::DenseFormat::BF16),
  F16 = static_cast<int>(format::DenseFormat::F16),
  F32 = static_cast<int>(format::DenseFormat::F32),
  Q8_0 = static_cast<int>(format::DenseFormat::Q8_0),
  Q6_K = static_cast<int>(format::DenseFormat::Q6_K),
  Q4_0 = static_cast<int>(format::DenseFormat::Q4_0),
  Ternary
};

static cl::OptionCategory category("Compiler options");

static cl::opt<std::string> model(cl::Positional, cl::Required,
                                  cl::desc("MODEL"), cl::cat(category));
static cl::opt<std::string>
    output("o",
           cl::desc("Output file; - is standard output (default: the folder's "
                    "name with .so, or - for text)"),
           cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string>
    from("from",
         cl::desc("Continue from this IR, written by --emit or sherry-opt, "
                  "instead of the graph of MODEL"),
         cl::value_desc("file.mlir"), cl::cat(category));
static cl::opt<std::string> targetCpu(
    "target-cpu",
    cl::desc("CPU to compile for: native, x86-64-v2, x86-64-v3, x86-64-v4 or "
             "an LLVM CPU name (default: native)"),
    cl::value_desc("cpu"), cl::init("native"), cl::cat(category));
static cl::opt<Activations> activations(
    "activations",
    cl::desc("Activations of linear layers (default: i8, or i8-token if the "
             "model was trained with it):"),
    cl::values(clEnumValN(Activations::I8, "i8",
                          "8-bit integers, exact integer sums"),
               clEnumValN(Activations::I8Token, "i8-token",
                          "the same with one scale per token, as BitNet models "
                          "are trained"),
               clEnumValN(Activations::F32, "f32", "32-bit floats")),
    cl::init(Activations::I8), cl::cat(category));
static cl::opt<format::Granularity> granularity(
    "granularity",
    cl::desc("Weights that share a scale (default: the model's, else "
             "per_group):"),
    cl::values(clEnumValN(format::Granularity::PerTensor, "per_tensor",
                          "all of a matrix"),
               clEnumValN(format::Granularity::PerChannel, "per_channel",
                          "one output"),
               clEnumValN(format::Granularity::PerGroup, "per_group",
                          "--group-size inputs of an output")),
    cl::cat(category));
static cl::opt<int64_t> groupSize(
    "group-size",
    cl::desc("Inputs per scale, a multiple of 4 (default: as config.json "
             "says, else 128)"),
    cl::value_desc("n"), cl::cat(category));
static cl::opt<format::ScaleType>
    scaleType("scale-type", cl::desc("Type of the scales (default: f16):"),
              cl::values(clEnumValN(format::ScaleType::F16, "f16", "16 bits"),
                         clEnumValN(format::ScaleType::F32, "f32", "32 bits")),
              cl::init(format::ScaleType::F16), cl::cat(category));
static cl::opt<std::string> codebook(
    "codebook",
    cl::desc(
        "Trits of the groups of projected weights: 3:4, one 0 in four; 2:6, "
        "four 0 in six; or dense, any three (default: the model's, else 3:4)"),
    cl::value_desc("name"), cl::cat(category));
static cl::opt<Head> head(
    "head",
    cl::desc("Type of the output head, and of a tied embedding (default: the "
             "GGUF file's if it is in blocks, else q8_0, or with "
             "--activations=f32 the checkpoint's):"),
    cl::values(clEnumValN(Head::Q8_0, "q8_0", "8 bits in blocks of 32"),
               clEnumValN(Head::Q6_K, "q6_K", "6 bits in blocks of 16"),
               clEnumValN(Head::Q4_0, "q4_0", "4 bits in blocks of 32"),
               clEnumValN(Head::BF16, "bf16", "16 bits"),
               clEnumValN(Head::F16, "f16", "16 bits, half precision"),
               clEnumValN(Head::F32, "f32", "32 bits"),
               clEnumValN(Head::Ternary, "ternary",
                          "trits as in linear layers, also for the embedding")),
    cl::cat(category));
static cl::opt<StqScale> stqScale(
    "stq-scale",
    cl::desc("Type of the scales of STQ1_0 tensors in a GGUF file "
             "(default: auto):"),
    cl::values(clEnumValN(StqScale::Auto, "auto",
                          "the type that gives plausible scales"),
               clEnumValN(StqScale::F16, "f16", "half precision"),
               clEnumValN(StqScale::I16, "i16", "16-bit integers, in 1/32768")),
    cl::init(StqScale::Auto), cl::cat(category));
static cl::opt<CacheType>
    kv("kv",
       cl::desc("Keys and values of past tokens (default: f16, or f32 with "
                "--activations=f32):"),
       cl::values(clEnumValN(CacheType::F32, "f32", "32 bits"),
                  clEnumValN(CacheType::F16, "f16", "16 bits"),
                  clEnumValN(CacheType::I8, "i8",
                             "8 bits and a scale per position and head")),
       cl::cat(category));
static cl::opt<bool> emulateFma(
    "emulate-fma",
    cl::desc("On a CPU without FMA, round as with FMA: logits are then equal "
             "bit for bit to those of other CPUs, but slow"),
    cl::cat(category));
static cl::opt<bool>
    noQuantize("no-quantize",
               cl::desc("Keep the weights of linear layers in bf16, or with "
                        "--activations=f32 in the checkpoint's type"),
               cl::cat(category));
static cl::opt<bool> quantize(
    "quantize",
    cl::desc(
        "Quantize the weights of linear layers to trits even if they do not "
        "look trained for it; without this option, a question on a terminal"),
    cl::cat(category));
static cl::opt<bool>
    strict("strict",
           cl::desc("Fail, even on a terminal, where --quantize is needed"),
           cl::cat(category));
static cl::opt<std::string> randomWeights(
    "random-weights", cl::ValueOptional,
    cl::desc("Use random weights; the folder needs only a config.json"),
    cl::value_desc("seed"), cl::cat(category));
static cl::opt<Groups> grouping(
    "grouping",
    cl::desc("Groups of four of random weights (default: contiguous):"),
    cl::values(clEnumValN(Groups::Contiguous, "contiguous",
                          "adjacent inputs, as Sherry trains them"),
               clEnumValN(Groups::Strided, "strided",
                          "inputs that are 16 apart, as in STQ1_0")),
    cl::init(Groups::Contiguous), cl::cat(category));
// describeSchedule() adds their ranges.
static cl::opt<int64_t> maxBlock("max-block",
                                 cl::desc("Most tokens of one prefill call"),
                                 cl::value_desc("n"), cl::cat(category));
static cl::opt<int64_t>
    prefetch("prefetch",
             cl::desc("Distance in bytes at which decoding prefetches weights; "
                      "0: no prefetch"),
             cl::value_desc("n"), cl::cat(category));
static cl::opt<int64_t>
    prefetchL2("prefetch-l2",
               cl::desc("Distance of a second prefetch, into the second-level "
                        "cache"),
               cl::value_desc("n"), cl::cat(category));
static cl::opt<int64_t> interleaveTiles(
    "interleave",
    cl::desc("Tiles of 32 outputs whose weights alternate in the file"),
    cl::value_desc("n"), cl::cat(category));
static cl::opt<bool> tuneSchedule(
    "tune",
    cl::desc(
        "Choose --max-block, --prefetch, --prefetch-l2 and --interleave by "
        "measurements on this machine, and store them for the next time"),
    cl::cat(category));
static cl::opt<int64_t> ranks(
    "ranks",
    cl::desc("Cut the model among this many processes, which run it together; "
             "writes a file for each: file.0-of-n.so and so on (default: 1)"),
    cl::value_desc("n"), cl::init(1), cl::cat(category));
static cl::opt<Stage> emitStage(
    "emit", cl::desc("Kind of output (default: so):"),
    cl::values(
        clEnumValN(Stage::Sherry, "sherry", "the graph as imported"),
        clEnumValN(Stage::Layout, "layout",
                   "specialised graphs, weights with layouts and offsets"),
        clEnumValN(Stage::Loops, "loops", "loops over buffers, affine"),
        clEnumValN(Stage::Kernel, "kernel", "loops of a thread, kernel ops"),
        clEnumValN(Stage::LLVMDialect, "llvm-mlir", "the LLVM dialect"),
        clEnumValN(Stage::LLVM, "llvm", "optimized LLVM IR"),
        clEnumValN(Stage::Assembly, "asm", "assembly"),
        clEnumValN(Stage::Object, "obj", "an object file"),
        clEnumValN(Stage::SharedObject, "so", "a compiled model")),
    cl::init(Stage::SharedObject), cl::cat(category));
/// LLVM has an option `stats` already; here it prints our statistics.
static cl::Option &adoptStatsOption() {
  cl::Option *option = cl::getRegisteredOptions().lookup("stats");
  option->setDescription("Print time and memory per stage, bytes, and bits per "
                         "weight on standard error");
  option->setHiddenFlag(cl::NotHidden);
  option->addCategory(category);
  return *option;
}

/// The options of kScheduleFields, in its order.
static cl::opt<int64_t> *const scheduleOptions[] = {
    &maxBlock, &prefetch, &prefetchL2, &interleaveTiles};

/// Adds the range of each number of the schedule to the text of its option.
static void describeSchedule() {
  static std::string texts[std::size(kScheduleFields)];
  for (auto [field, option, text] :
       zip_equal(kScheduleFields, scheduleOptions, texts)) {
    text = option->HelpStr.str() + " (" + field.range() +
           "; default: what suits the CPU)";
    option->setDescription(text);
  }
}

/// The schedule of the options, with the CPU's defaults for the others.
static Expected<Schedule> chooseSchedule() {
  if (!from.empty())
    return Schedule(); // unused: the file has one
  Expected<TargetModel> target = TargetModel::get(targetCpu);
  if (!target)
    return createStringError("--target-cpu: " + toString(target.takeError()));
  Schedule schedule = target->getSchedule();
  for (auto [field, option] : zip_equal(kScheduleFields, scheduleOptions))
    if (option->getNumOccurrences())
      schedule.*field.value = *option;
  return schedule;
}

/// The first given option that is only for weights that become trits.
static StringRef findProjectionOption() {
  if (noQuantize)
    return noQuantize.ArgStr;
  if (quantize)
    return quantize.ArgStr;
  for (const cl::Option *option : std::initializer_list<const cl::Option *>{
           &granularity, &groupSize, &scaleType, &codebook, &grouping})
    if (option->getNumOccurrences())
      return option->ArgStr;
  return "";
}

/// The options that help with problems that the libraries find.
static std::vector<Remedy> listRemedies() {
  return {
      {Problem::ScaleRange, "; compile with --scale-type=f32"},
      {Problem::BlockRange,
       "; if it is the embedding or the head, compile with --head=bf16"},
      {Problem::UntrainedWeights,
       "; --no-quantize keeps the layers as they are, --quantize quantizes "
       "them to trits anyway"},
      {Problem::NothingToProject,
       ("; --" + findProjectionOption() + " has no effect, leave it out")
           .str()},
      {Problem::UnusedGroupSize,
       "; give --granularity=per_group, or leave out --group-size"},
      {Problem::UnusedStqScale, "; --stq-scale has no effect, leave it out"},
      {Problem::IntegerStqScales, "; --stq-scale=f16 reads them as f16"},
      {Problem::CacheHeadSize, "; use --kv=f16"},
      {Problem::LaterStage, "; give a later stage with --emit"},
  };
}

static std::string defaultOutput() {
  if (emitStage != Stage::SharedObject && emitStage != Stage::Object)
    return "-";
  SmallString<128> path(model);
  sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  StringRef name = sys::path::filename(path);
  name.consume_back(".gguf");
  if (name.empty() || name == "." || name == "..")
    name = "model";
  return (name + (emitStage == Stage::Object ? ".o" : ".so")).str();
}

int main(int argc, char **argv) {
  startTool();
  // startTool() handles a closed pipe; LLVM must not.
  InitLLVM init(argc, argv, /*InstallPipeSignalExitHandler=*/false);
  cl::Option &stats = adoptStatsOption();
  describeSchedule();
  // Options of mlir-opt, such as --mlir-timing and --mlir-print-ir-after=PASS.
  registerAllPasses();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](raw_ostream &out) {
    out << "sherry-compile " SHERRY_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
  });
  cl::ParseCommandLineOptions(
      argc, argv,
      "Compiles MODEL to a shared object for one CPU: a Hugging Face folder\n"
      "(config.json, *.safetensors, tokenizer.json or tokenizer.model), "
      "trained "
      "with\nSherry, or a GGUF file.\n");

  CompileOptions options;
  options.model = model;
  options.output = output.empty() ? defaultOutput() : output;
  options.from = from;
  options.usesPassOptions = true;
  options.targetCpu = targetCpu;
  options.emulateFma = emulateFma;
  options.quantizeActivations = activations != Activations::F32;
  if (activations.getNumOccurrences())
    options.hasScalesPerToken = activations == Activations::I8Token;
  if (granularity.getNumOccurrences())
    options.weights.granularity = granularity;
  if (groupSize.getNumOccurrences())
    options.weights.groupSize = groupSize;
  if (scaleType.getNumOccurrences())
    options.weights.scaleType = scaleType;
  if (head == Head::Ternary)
    options.weights.isVocabularyTernary = true;
  else if (head.getNumOccurrences())
    options.weights.head = static_cast<format::DenseFormat>(head.getValue());
  if (codebook.getNumOccurrences()) {
    options.weights.codebook = format::findCodebook(codebook.getValue());
    if (!options.weights.codebook) {
      WithColor::error(errs(), "sherry-compile")
          << "--codebook: there is no '" << codebook << "'; there are "
          << format::listCodebooks() << "\n";
      return 1;
    }
  }
  options.stqScale = stqScale;
  if (kv.getNumOccurrences())
    options.cacheType = kv;
  if (quantize && noQuantize) {
    WithColor::error(errs(), "sherry-compile")
        << "--quantize and --no-quantize exclude each other\n";
    return 1;
  }
  if (quantize || noQuantize)
    options.weights.quantize = quantize;
  options.strict = strict || sys::Process::StandardInIsUserInput();
  if (randomWeights.getNumOccurrences()) {
    uint64_t seed = 0;
    if (!randomWeights.empty() &&
        StringRef(randomWeights).getAsInteger(10, seed)) {
      WithColor::error(errs(), "sherry-compile")
          << "--random-weights: the seed '" << randomWeights
          << "' is not a number from 0 to 2^64 - 1\n";
      return 1;
    }
    options.randomSeed = seed;
  }
  options.weights.isStrided = grouping == Groups::Strided;
  options.lastStage = emitStage;
  options.ranks = ranks;
  if (ranks < 1 || ranks > SHERRY_ABI_MAX_RANKS) {
    WithColor::error(errs(), "sherry-compile")
        << "--ranks is " << ranks << "; it must be from 1 to "
        << SHERRY_ABI_MAX_RANKS << "\n";
    return 1;
  }
  // Compiler.cpp checks it, too, but only at the end.
  if (ranks > 1 && emitStage == Stage::SharedObject && options.output == "-") {
    WithColor::error(errs(), "sherry-compile")
        << "a model that is cut among ranks has several files; name them with "
           "-o\n";
    return 1;
  }
  options.remedies = listRemedies();
  options.printStats = stats.getNumOccurrences();
  stats.setDefault();
  options.showProgress = errs().is_displayed();
  Expected<Schedule> schedule = chooseSchedule();
  Error error = schedule.takeError();
  if (!error)
    error = refuseWithoutEffect(category, options, tuneSchedule);
  if (!error) {
    options.schedule = *schedule;
    if (tuneSchedule)
      error = tune(options, errs());
  }
  if (!error)
    error = compile(options, errs());
  if (!error)
    return 0;
  handleAllErrors(std::move(error), [&](const ErrorInfoBase &info) {
    WithColor::error(errs(), "sherry-compile")
        << explain(info, options.remedies) << "\n";
  });
  return 1;
}
