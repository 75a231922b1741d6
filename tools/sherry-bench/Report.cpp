//===- Report.cpp - Results as text ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Report.h"
#include "sherry-abi/metadata.h"
#include "sherry/support/CpuFeatures.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

using namespace sherry::bench;
using Json = nlohmann::ordered_json;

static std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

static std::string testName(const Result &result) {
  if (!result.isDecode)
    return "pp" + std::to_string(result.tokens);
  return "tg" + std::to_string(result.tokens) +
         (result.contextFill ? "@" + std::to_string(result.contextFill) : "") +
         (result.batch > 1 ? "x" + std::to_string(result.batch) : "");
}

static std::string titleOf(const Result &result) {
  return result.model + ", " + testName(result) + ", " +
         std::to_string(result.threads) + " threads";
}

/// Rows of cells; the first row is the head.
using Table = std::vector<std::vector<std::string>>;

static std::string formatMarkdown(const Table &table) {
  std::vector<size_t> widths(table.front().size(), 0);
  for (const auto &row : table)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (size_t i = 0; i < table.size(); ++i) {
    for (size_t j = 0; j < table[i].size(); ++j)
      text += "| " + table[i][j] +
              std::string(widths[j] - table[i][j].size() + 1, ' ');
    text += "|\n";
    if (i == 0) {
      for (size_t width : widths)
        text += "|" + std::string(width + 2, '-');
      text += "|\n";
    }
  }
  return text;
}

static std::string formatCsv(const Table &table) {
  std::string text;
  for (const auto &row : table) {
    for (size_t i = 0; i < row.size(); ++i) {
      std::string cell = row[i];
      for (size_t at = 0; (at = cell.find('"', at)) != std::string::npos;
           at += 2)
        cell.insert(at, 1, '"');
      text += (i ? ",\"" : "\"") + cell + "\"";
    }
    text += "\n";
  }
  return text;
}

static std::string share(double part, double whole) {
  return whole > 0 ? number(100 * part / whole, 1) : "";
}

static Table makeSpeeds(const std::vector<ModelReport> &reports) {
  Table table{{"model", "threads", "test", "tokens/s", "min", "max", "MB/token",
               "GB/s", "% of plain read", "G mul-adds/s", "% of int8 peak"}};
  const bool hasRanks = std::any_of(
      reports.begin(), reports.end(), [](const ModelReport &report) {
        return !report.results.empty() &&
               report.results.front().receivedPerToken > 0;
      });
  if (hasRanks)
    table.front().push_back("received kB/token");
  for (const ModelReport &report : reports)
    for (const Result &result : report.results) {
      const bool isDecode = result.isDecode;
      table.push_back(
          {result.model, std::to_string(result.threads), testName(result),
           number(result.tokensPerSecond.median, 2),
           number(result.tokensPerSecond.least, 2),
           number(result.tokensPerSecond.most, 2),
           isDecode ? number(result.bytesPerToken / 1e6, 1) : "",
           isDecode ? number(result.bytesPerSecond() / 1e9, 2) : "",
           share(result.bytesPerSecond(), result.plainRead),
           isDecode ? "" : number(result.multiplyAddsPerSecond() / 1e9, 1),
           share(result.multiplyAddsPerSecond(), result.multiplyPeak)});
      if (hasRanks)
        table.back().push_back(number(result.receivedPerToken / 1e3, 2));
    }
  return table;
}

static Table makeLimits(const std::vector<ModelReport> &reports) {
  Table table{{"threads", "limit", "value"}};
  for (const ModelReport &report : reports)
    for (const Result &result : report.results) {
      std::vector<std::string> row{std::to_string(result.threads)};
      if (result.isDecode) {
        row.push_back("plain read of " +
                      number(result.bytesPerToken * result.batch / 1e6, 0) +
                      " MB");
        row.push_back(number(result.plainRead / 1e9, 2) + " GB/s");
      } else {
        row.push_back(result.multiplyInstruction);
        row.push_back(number(result.multiplyPeak / 1e9, 1) + " G mul-adds/s");
      }
      if (std::find(table.begin(), table.end(), row) == table.end())
        table.push_back(row);
    }
  return table;
}

static Table makeFiles(const std::vector<ModelReport> &reports) {
  Table table{
      {"model", "file MB", "target", "load s", "first token s", "resident MB"}};
  for (const ModelReport &report : reports)
    table.push_back(
        {report.path, number(static_cast<double>(report.fileSize) / 1e6, 1),
         Json::parse(report.metadata).value(sherry::metadata::kTargetCpu, ""),
         number(report.loadSeconds, 3), number(report.firstTokenSeconds, 3),
         number(static_cast<double>(report.residentBytes) / 1e6, 1)});
  return table;
}

/// Adds up steps of the same op and weight, and sorts them, the longest first.
static std::vector<Step> mergeSteps(const std::vector<Step> &steps) {
  std::vector<Step> merged;
  for (const Step &step : steps) {
    auto known = std::find_if(merged.begin(), merged.end(), [&](const Step &m) {
      return m.op == step.op && m.weight == step.weight;
    });
    if (known == merged.end()) {
      known = merged.insert(merged.end(), step);
      known->bytes = known->multiplyAdds = 0;
      known->calls = known->seconds = known->waited = 0;
    }
    known->calls += step.calls;
    known->seconds += step.seconds;
    known->waited += step.waited;
    // From here on, bytes are those of all calls.
    known->bytes += static_cast<uint64_t>(step.calls * step.bytes);
    known->multiplyAdds +=
        static_cast<uint64_t>(step.calls * step.multiplyAdds);
  }
  std::sort(merged.begin(), merged.end(), [](const Step &a, const Step &b) {
    return a.seconds + a.waited > b.seconds + b.waited;
  });
  return merged;
}

static Table makeProfile(const Result &result) {
  Table table{{"op", "weight", "calls", "ms", "%", "waiting ms"}};
  const std::vector<Step> merged = mergeSteps(result.steps);
  double total = 0, waited = 0;
  for (const Step &step : merged) {
    total += step.seconds + step.waited;
    waited += step.waited;
  }
  for (const Step &step : merged)
    table.push_back({step.op, step.weight, number(step.calls, 0),
                     number(1e3 * step.seconds, 4), share(step.seconds, total),
                     number(1e3 * step.waited, 4)});
  table.push_back({"waiting for threads", "", "", number(1e3 * waited, 4),
                   share(waited, total), ""});
  table.push_back({"all", "", "", number(1e3 * total, 4), "100.0", ""});
  return table;
}

static Table makeKernels(const Result &result, double tokens) {
  Table table{{"weight", "shape", "ms per call", "G mul-adds/s", "GB/s",
               result.isDecode ? "% of plain read" : "% of int8 peak"}};
  for (const Step &step : mergeSteps(result.steps)) {
    if (step.multiplyAdds == 0)
      continue;
    const double rows = step.isHead() && !result.isDecode ? 1 : tokens;
    const double rate =
        static_cast<double>(step.multiplyAdds) * rows / step.seconds;
    const double bytes = static_cast<double>(step.bytes) / step.seconds;
    table.push_back({step.weight, step.shape,
                     number(1e3 * step.seconds / step.calls, 4),
                     number(rate / 1e9, 1), number(bytes / 1e9, 2),
                     result.isDecode ? share(bytes, result.plainRead)
                                     : share(rate, result.multiplyPeak)});
  }
  return table;
}

static std::string formatDetails(const std::vector<ModelReport> &reports,
                                 const Options &options) {
  std::string text;
  for (const ModelReport &report : reports)
    for (const Result &result : report.results) {
      const std::string title = titleOf(result);
      if (options.profile)
        text += "\nSteps of " +
                std::string(result.isDecode && result.batch == 1 ? "a token"
                                                                 : "a block") +
                " of " + title + ":\n\n" + formatMarkdown(makeProfile(result));
      if (options.kernels)
        text +=
            "\nMatrices of " + title + ":\n\n" +
            formatMarkdown(makeKernels(
                result, result.isDecode ? result.batch : result.blockTokens));
    }
  return text;
}

static Json toJson(const Result &result, const Options &options) {
  Json json = {{"model", result.model},
               {"test", testName(result)},
               {"threads", result.threads},
               {"tokens", result.tokens},
               {"context_fill", result.contextFill},
               {"batch", result.batch},
               {"tokens_per_second", result.tokensPerSecond.median},
               {"tokens_per_second_min", result.tokensPerSecond.least},
               {"tokens_per_second_max", result.tokensPerSecond.most}};
  if (result.isDecode) {
    json["bytes_per_token"] = result.bytesPerToken;
    json["bytes_per_second"] = result.bytesPerSecond();
    json["plain_read_bytes_per_second"] = result.plainRead;
    json["share_of_plain_read"] = result.bytesPerSecond() / result.plainRead;
  } else {
    json["multiply_adds_per_token"] = result.multiplyAddsPerToken;
    json["multiply_adds_per_second"] = result.multiplyAddsPerSecond();
    json["int8_instruction"] = result.multiplyInstruction;
    json["int8_peak_per_second"] = result.multiplyPeak;
    json["share_of_int8_peak"] =
        result.multiplyAddsPerSecond() / result.multiplyPeak;
  }
  if (result.receivedPerToken > 0)
    json["received_bytes_per_token"] = result.receivedPerToken;
  if (options.profile || options.kernels)
    for (const Step &step : mergeSteps(result.steps))
      json["steps"].push_back({{"op", step.op},
                               {"weight", step.weight},
                               {"shape", step.shape},
                               {"calls", step.calls},
                               {"seconds", step.seconds},
                               {"waiting_seconds", step.waited},
                               {"bytes", step.bytes},
                               {"multiply_adds", step.multiplyAdds}});
  return json;
}

static std::string formatJson(const std::vector<ModelReport> &reports,
                              const Options &options) {
  Json json = {{"cpu", sherry::runtime::cpuName()}, {"models", Json::array()}};
  for (const ModelReport &report : reports) {
    Json &model = json["models"].emplace_back();
    model = {{"path", report.path},
             {"file_bytes", report.fileSize},
             {"load_seconds", report.loadSeconds},
             {"first_token_seconds", report.firstTokenSeconds},
             {"resident_bytes", report.residentBytes},
             {"results", Json::array()}};
    Json metadata = Json::parse(report.metadata);
    for (const char *key :
         {sherry::metadata::kSteps, sherry::metadata::kMatrices})
      metadata.erase(key);
    model["metadata"] = metadata;
    for (const Result &result : report.results)
      model["results"].push_back(toJson(result, options));
  }
  return json.dump(2) + "\n";
}

std::string sherry::bench::format(const std::vector<ModelReport> &reports,
                                  const Options &options) {
  if (options.format == "json")
    return formatJson(reports, options);
  const Table speeds = makeSpeeds(reports);
  if (options.format == "csv")
    return formatCsv(speeds);
  return sherry::runtime::cpuName() + "\n\n" + formatMarkdown(speeds) + "\n" +
         formatMarkdown(makeLimits(reports)) + "\n" +
         formatMarkdown(makeFiles(reports)) + formatDetails(reports, options);
}

/// A span of a thread, in microseconds since `begin`.
static Json makeSpan(const std::string &name, const std::string &category,
                     size_t process, const sherry_step_event &event,
                     uint64_t from, uint64_t to, uint64_t begin) {
  return {{"name", name},
          {"cat", category},
          {"ph", "X"},
          {"pid", process},
          {"tid", event.thread},
          {"ts", static_cast<double>(from - begin) / 1e3},
          {"dur", static_cast<double>(to - from) / 1e3}};
}

/// Appends the events of a result.
static void traceResult(const Result &result, size_t process, Json &list) {
  list.push_back({{"name", "process_name"},
                  {"ph", "M"},
                  {"pid", process},
                  {"args", {{"name", titleOf(result)}}}});
  uint64_t begin = UINT64_MAX;
  for (const sherry_step_event &event : result.events)
    begin = std::min(begin, event.begin_ns);
  // The layers call the same function, so events are numbered by layer.
  std::map<std::tuple<uint32_t, uint64_t, uint32_t>, int> layers;
  for (const sherry_step_event &event : result.events) {
    const Step &step = result.tracedSteps.at(event.step);
    const std::string name =
        step.op + (step.weight.empty() ? "" : " " + step.weight);
    Json span = makeSpan(name, step.entry, process, event, event.begin_ns,
                         event.arrival_ns, begin);
    Json &args = span["args"];
    args["block"] = event.block;
    const std::string suffix = "_layer";
    if (step.entry.size() > suffix.size() &&
        step.entry.substr(step.entry.size() - suffix.size()) == suffix)
      args["layer"] = layers[{event.thread, event.block, event.step}]++;
    if (!step.shape.empty())
      args["shape"] = step.shape;
    if (step.bytes > 0)
      args["bytes"] = step.bytes;
    list.push_back(std::move(span));
    if (event.end_ns > event.arrival_ns)
      list.push_back(makeSpan("waiting", "waiting", process, event,
                              event.arrival_ns, event.end_ns, begin));
  }
}

std::string
sherry::bench::formatTrace(const std::vector<ModelReport> &reports) {
  Json list = Json::array();
  size_t process = 0;
  for (const ModelReport &report : reports)
    for (const Result &result : report.results)
      traceResult(result, process++, list);
  return Json{{"displayTimeUnit", "ns"}, {"traceEvents", list}}.dump(
             1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) +
         "\n";
}

std::string sherry::bench::format(const Shape &shape,
                                  const std::vector<PlannedSplit> &splits,
                                  const Options &options) {
  const double alone = splits.front().tokensPerSecond();
  // A split is worth its machines if it is this much faster than all smaller
  // ones.
  constexpr double kWorth = 1.05;
  double best = 0;
  Json json = {{"model", shape.name}, {"splits", Json::array()}};
  Table table{{"machines", "MB/token read", "read ms", "exchanges",
               "received kB/token", "exchange ms", "tokens/s", "of one machine",
               "pays"}};
  for (const PlannedSplit &split : splits) {
    const double speed = split.tokensPerSecond();
    const bool pays = speed > kWorth * best;
    best = std::max(best, speed);
    json["splits"].push_back(
        {{"machines", split.ranks},
         {"read_bytes_per_token", split.readBytes},
         {"read_seconds_per_token", split.readSeconds},
         {"exchanges_per_token", split.exchanges},
         {"received_bytes_per_token", split.receivedBytes},
         {"exchange_seconds_per_token", split.exchangeSeconds},
         {"tokens_per_second", speed},
         {"of_one_machine", speed / alone},
         {"pays", pays}});
    table.push_back(
        {std::to_string(split.ranks), number(split.readBytes / 1e6, 1),
         number(1e3 * split.readSeconds, 2), std::to_string(split.exchanges),
         number(split.receivedBytes / 1e3, 1),
         number(1e3 * split.exchangeSeconds, 2), number(speed, 2),
         number(speed / alone, 2), pays ? "yes" : "no"});
  }
  if (options.format == "json")
    return json.dump(2) + "\n";
  if (options.format == "csv")
    return formatCsv(table);
  return "Predicted decode of " + shape.name + ":\n\n" + formatMarkdown(table);
}
