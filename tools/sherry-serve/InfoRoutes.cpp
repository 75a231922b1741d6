//===- InfoRoutes.cpp - Routes about the server itself --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Routes.h"

#include <charconv>

using namespace sherry;
using namespace sherry::serve;

const std::vector<Route> sherry::serve::routes = {
    {"POST", "/v1/completions", complete, false, true},
    {"POST", "/v1/chat/completions", completeChat, false, true},
    {"POST", "/v1/embeddings", embed, false, true},
    {"GET", "/v1/models", listModels},
    {"GET", "/v1/models/", tellModel},
    {"POST", "/tokenize", tokenize, false, true},
    {"POST", "/detokenize", detokenize, false, true},
    {"GET", "/tokenizer_info", tellTokenizer},
    {"POST", "/apply-template", applyTemplate, false, true},
    {"GET", "/health", tellHealth, true},
    // Browsers send these requests without a key.
    {"GET", "/", sendPage, true},
    {"GET", "/licences.txt", sendPage, true},
    {"GET", "/page/", sendPage, true},
    {"GET", "/metrics", tellMetrics},
    {"GET", "/slots", tellSlots},
    {"GET", "/props", tellProperties},
};

static Json describe(const Service &service) {
  return {{"id", service.name},
          {"object", "model"},
          {"created", service.created},
          {"owned_by", "sherry"},
          {"max_model_len", service.scheduler.capacity()}};
}

void sherry::serve::listModels(Service &service, const ExchangePtr &exchange) {
  exchange->respond(
      200, {{"object", "list"}, {"data", Json::array({describe(service)})}});
}

void sherry::serve::tellModel(Service &service, const ExchangePtr &exchange) {
  constexpr std::string_view prefix = "/v1/models/";
  if (exchange->request.path.substr(prefix.size()) != service.name)
    throw ApiError("there is no such model; /v1/models lists them", "model",
                   "model_not_found", 404);
  exchange->respond(200, describe(service));
}

void sherry::serve::tellHealth(Service &service, const ExchangePtr &exchange) {
  if (service.isDraining)
    throw ApiError("the server is about to end", "", "", 503);
  exchange->respond(200, {{"status", "ok"}});
}

void sherry::serve::tellMetrics(Service &service, const ExchangePtr &exchange) {
  exchange->respond(200, "text/plain; version=0.0.4; charset=utf-8",
                    service.metrics.print(service.scheduler.state(),
                                          service.totals.connections));
}

void sherry::serve::tellSlots(Service &service, const ExchangePtr &exchange) {
  const Scheduler::State state = service.scheduler.state();
  exchange->respond(200, {{"slots", service.scheduler.slots()},
                          {"active", state.active},
                          {"queued", state.queued},
                          {"pages", state.pages},
                          {"pages_free", state.freePages}});
}

/// The double with the fewest digits that is the same float.
static double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  double result = value;
  std::from_chars(text, end, result);
  return result;
}

void sherry::serve::tellProperties(Service &service,
                                   const ExchangePtr &exchange) {
  const sherry_sampler_options &sampling = service.sampling;
  exchange->respond(
      200, {{"model", service.name},
            {"n_ctx", service.scheduler.capacity()},
            {"slots", service.scheduler.slots()},
            {"threads", service.scheduler.threads()},
            {"has_chat_template", service.form.has_value()},
            {"version", sherry_version()},
            {"default_generation_settings",
             {{"temperature", shortest(sampling.temperature)},
              {"top_k", sampling.top_k},
              {"top_p", shortest(sampling.top_p)},
              {"min_p", shortest(sampling.min_p)},
              {"typical_p", shortest(sampling.typical_p)},
              {"repetition_penalty", shortest(sampling.repetition_penalty)}}}});
}
