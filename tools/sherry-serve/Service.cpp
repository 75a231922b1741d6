//===- Service.cpp - Data that all requests share -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Service.h"
#include "sherry-abi/metadata.h"
#include "sherry/engine/Sampling.h"
#include "sherry/support/Files.h"

#include <ctime>
#include <filesystem>

using namespace sherry;
using namespace sherry::serve;

static sherry_sampler_options readSampling(const sherry_model *model) {
  sherry_sampler_options sampling = engine::kDefaultSampling;
  engine::takeModelSampling(
      model, [](const char *) { return false; }, sampling);
  return sampling;
}

Service::Service(const Options &options, const sherry_model *model,
                 Totals &totals)
    : options(options), model(model),
      description(Json::parse(sherry_model_metadata(model))),
      name(options.alias.empty()
               ? std::filesystem::path(options.model).stem().string()
               : options.alias),
      fingerprint(std::string("sherry-") + sherry_version()),
      created(std::time(nullptr)), sampling(readSampling(model)),
      totals(totals), grammars(model), scheduler(model, options) {
  engine::ChatFormOptions formOptions;
  if (!options.chatTemplate.empty()) {
    formOptions.jinja = readText(options.chatTemplate);
    formOptions.origin = "--template " + options.chatTemplate;
  }
  chatTemplate = formOptions.jinja.value_or(
      description.value(metadata::kChatTemplate, std::string()));
  try {
    form.emplace(model, formOptions);
  } catch (const std::exception &error) {
    // A template that the user gives must work; without the model's own, only
    // chats are missing.
    if (formOptions.jinja)
      throw;
    formError = error.what();
  }
}

void Service::noteIgnored(const Fields &fields) {
  // Clients choose the names, so they are limited.
  constexpr size_t mostNames = 100, mostBytes = 60;
  for (const std::string &name : fields.unread()) {
    if (options.quiet || ignored.size() >= mostNames ||
        !ignored.insert(name.substr(0, mostBytes)).second)
      continue;
    std::fprintf(stderr,
                 "sherry-serve: warning: requests have a field that is not "
                 "known, and ignored: %s%s\n",
                 dump(name.substr(0, mostBytes)).c_str(),
                 ignored.size() == mostNames ? "; further ones are not reported"
                                             : "");
  }
}

Service::~Service() {
  // The worker uses the scheduler, whose requests use the worker.
  worker.stop();
}
