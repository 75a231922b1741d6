//===- Service.h - Data that all requests share -----------------*- C++ -*-===//
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

/// The model and the objects that work with it.
struct Service {
  Service(const Options &options, const sherry_model *model, Totals &totals);
  ~Service();

  /// Logs, once for each name, the fields of a request that have no effect. For
  /// the worker's thread.
  void noteIgnored(const Fields &fields);

  const Options &options;
  const sherry_model *model;
  const Json description; ///< of the model
  std::string name;       ///< of the model, for clients
  std::string fingerprint;
  int64_t created; ///< seconds since 1970
  sherry_sampler_options sampling;
  std::optional<engine::ChatForm> form;
  std::string formError;    ///< why there is no form
  std::string chatTemplate; ///< text of the form's template
  std::atomic<bool> isDraining = false;
  Totals &totals; ///< outlives the service and all connections

  Metrics metrics;
  Grammars grammars;             ///< for the worker's thread
  std::set<std::string> ignored; ///< names of fields
  Worker worker;
  Scheduler scheduler;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SERVICE_H
