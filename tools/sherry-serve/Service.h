//===- Service.h - What all requests share ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_SERVICE_H
#define SHERRY_TOOLS_SERVE_SERVICE_H

#include "Grammars.h"
#include "Metrics.h"
#include "Options.h"
#include "Scheduler.h"
#include "Worker.h"
#include "sherry/engine/ChatForm.h"

namespace sherry::serve {

/// The model and who works with it.
struct Service {
  Service(const Options &options, const sherry_model *model, Totals &totals);
  ~Service();

  const Options &options;
  const sherry_model *model;
  const Json description; ///< of the model
  std::string name;       ///< of the model, for clients
  std::string fingerprint;
  int64_t created; ///< seconds since 1970
  sherry_sampler_options sampling;
  std::optional<engine::ChatForm> form;
  std::string formError;    ///< why there is none
  std::string chatTemplate; ///< its text
  std::atomic<bool> isDraining = false;
  Totals &totals; ///< outlives the service and all connections

  Metrics metrics;
  Grammars grammars; ///< of the worker
  Worker worker;
  Scheduler scheduler;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SERVICE_H
