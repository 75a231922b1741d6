//===- sherry-serve.cpp - Serves a compiled model -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the address on standard output once clients can connect, and a line
// for each request on standard error.
//
//===----------------------------------------------------------------------===//
#include "../Support/RankedModel.h"
#include "Server.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/prctl.h>
#include <thread>

using namespace sherry;
using namespace sherry::serve;

/// The number of slots that a number of threads can fill: more slots give no
/// more tokens.
static uint32_t chooseSlots(const sherry_model *model, uint32_t wanted) {
  sherry_context_options options = {};
  options.context = 1;
  options.threads = wanted;
  const Context context(check(sherry_context_create(model, &options)));
  const uint32_t threads = sherry_context_threads(context.get());
  return threads < 8 ? 4 : threads < 32 ? 8 : 16;
}

static void serveModel(RankedProcess &process, Options &options) {
  process.join();
  const sherry_weights weights =
      options.map ? SHERRY_WEIGHTS_MAPPED : SHERRY_WEIGHTS_COPIED;
  if (process.isFollower())
    return process.follow(process.open(options.model, weights));
  const Access access(options);
  const Model model = process.open(options.model, weights);
  Model draft;
  if (!options.draft.empty()) {
    draft.reset(check(sherry_model_open(options.draft.c_str(), weights)));
    options.drafts.model = draft.get();
  }
  if (options.context.sequences == 0)
    options.context.sequences =
        chooseSlots(model.get(), options.context.threads);
  Totals totals;
  auto service = std::make_unique<Service>(options, model.get(), totals);
  if (!service->form)
    std::fprintf(stderr, "sherry-serve: warning: no chats: %s\n",
                 service->formError.c_str());
  Server server(*service, access);
  const bool isV6 = options.host.find(':') != std::string::npos;
  std::printf("sherry-serve: %s at http://%s:%u, %zu slots of %zu positions, "
              "%u threads\n",
              service->name.c_str(),
              (isV6 ? "[" + options.host + "]" : options.host).c_str(),
              server.port(), service->scheduler.slots(),
              service->scheduler.capacity(), service->scheduler.threads());
  std::fflush(stdout);
  // The model runs in this thread, which has opened it and has a team of
  // OpenMP.
  std::thread clients([&] {
    server.run();
    service->scheduler.stop();
  });
  service->scheduler.run([&] { return process.isTogether(); });
  if (!process.isTogether()) {
    // Ends the process, so that clients notice it, too.
    reportError("sherry-serve", "another rank is gone", 1);
    std::_Exit(1);
  }
  clients.join();
  // The service ends first, so that its last replies are sent.
  service.reset();
  server.flush();
}

int main(int argc, char **argv) {
  Options options;
  if (auto exitCode = parseOptions(argc, argv, options))
    return *exitCode;
  std::signal(SIGPIPE, SIG_IGN);
  // Child processes cannot gain privileges.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  RankedProcess process;
  try {
    serveModel(process, options);
  } catch (const std::exception &error) {
    reportError("sherry-serve", error.what(), 1);
    return process.leave(1);
  }
  return process.leave(0);
}
