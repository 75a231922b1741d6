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

#include <set>

namespace sherry::serve {

/// The model and who works with it.
struct Service {
  Service(const Options &options, const sherry_model *model, Totals &totals);
  ~Service();

  /// Tells, once for each name, of fields that a request has in vain. Of the
  /// worker, as those who have read the request.
  void noteIgnored(const Fields &fields);

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
  Grammars grammars;             ///< of the worker
  std::set<std::string> ignored; ///< names of fields
  Worker worker;
  Scheduler scheduler;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SERVICE_H
