//===- MpiExchange.cpp - Ranks that mpirun has started --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MpiExchange.h"
#include "ExchangePlugin.h"
#include "sherry/support/Error.h"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

using namespace sherry::runtime;

/// The functions of the plugin while this process is connected.
static const sherry_exchange_functions *joined = nullptr;

namespace {
class MpiExchange : public Exchange {
public:
  MpiExchange(const sherry_exchange_functions &functions, uint32_t rank,
              uint32_t size)
      : functions(functions), mine(rank), count(size) {}
  uint32_t rank() const override { return mine; }
  uint32_t size() const override { return count; }
  void allGather(const void *data, void *all, size_t bytes,
                 bool isPatient) override {
    check([&] { return functions.all_gather(data, all, bytes, isPatient); });
  }
  void broadcast(void *data, size_t bytes) override {
    check([&] { return functions.broadcast(data, bytes); });
  }

  void end() override {
    hasEnded = !isBroken;
    if (hasEnded)
      joined = nullptr;
  }
  void leave(int exitCode) override {
    // Otherwise other ranks may not know, and one could wait for ever.
    if (hasEnded)
      functions.leave(exitCode);
  }

private:
  template <typename Function> void check(Function function) {
    if (isBroken)
      throw Error("another rank is gone");
    if (function() == 0)
      return;
    isBroken = true;
    throw Error(functions.message());
  }

  const sherry_exchange_functions &functions;
  uint32_t mine, count;
  bool isBroken = false, hasEnded = false;
};
} // namespace

/// The name or the path of the plugin; empty if this process was started alone.
static std::string findPlugin() {
  if (const char *given = std::getenv("SHERRY_MPI"))
    return given;
  if (std::getenv("OMPI_COMM_WORLD_SIZE"))
    return "openmpi";
  if (std::getenv("PMI_SIZE"))
    return "mpich";
  return "";
}

static std::string pathOf(const std::string &plugin) {
  if (plugin.find('/') != std::string::npos)
    return plugin;
  char program[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", program, sizeof(program));
  if (size <= 0 || size == static_cast<ssize_t>(sizeof(program)))
    throw Error(
        "cannot find the plugin for MPI: the path of the program is not "
        "known; set SHERRY_MPI to the path of the plugin");
  const std::string path(program, static_cast<size_t>(size));
  return path.substr(0, path.rfind('/')) + "/../lib/sherry/sherry-" + plugin +
         ".so";
}

std::unique_ptr<Exchange> sherry::runtime::joinMpi() {
  const std::string plugin = findPlugin();
  if (plugin.empty())
    return nullptr;
  const std::string path = pathOf(plugin);
  // RTLD_GLOBAL: an MPI loads parts of itself, which look for symbols of the
  // other parts. The library stays loaded, because MPI leaves handlers behind.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!library)
    throw Error("cannot load the plugin for MPI: " + std::string(dlerror()) +
                "; build Sherry with SHERRY_BUILD_MPI, or name another plugin "
                "with SHERRY_MPI");
  const auto query = reinterpret_cast<sherry_exchange_plugin_fn>(
      dlsym(library, SHERRY_EXCHANGE_PLUGIN_SYMBOL));
  const sherry_exchange_functions *functions = query ? query() : nullptr;
  if (!functions || functions->version != SHERRY_EXCHANGE_PLUGIN_VERSION)
    throw Error(path + ": is not a plugin for this version of Sherry");
  uint32_t rank = 0, size = 0;
  if (functions->join(&rank, &size) != 0)
    throw Error(functions->message());
  auto result = std::make_unique<MpiExchange>(*functions, rank, size);
  joined = functions;
  if (size > 1)
    return result;
  result->end();
  result->leave(0);
  return nullptr;
}

void sherry::runtime::abortMpi(int code) {
  if (joined)
    joined->abort(code);
}
