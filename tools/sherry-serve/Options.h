//===- Options.h - The command line of sherry-serve -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_OPTIONS_H
#define SHERRY_TOOLS_SERVE_OPTIONS_H

#include "Connection.h"
#include "sherry/engine/Engine.h"

namespace sherry::serve {

struct Options {
  std::string model, alias;
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  sherry_context_options context = {};
  engine::DraftOptions drafts;
  std::string draft; ///< a model; empty: none
  bool map = false;
  std::string chatTemplate; ///< a file; empty: the model's own
  engine::Pooling pooling = engine::Pooling::Mean;

  std::string apiKeyFile;
  std::vector<std::string> allowedHosts, corsOrigins;
  bool isInsecure = false; ///< no key needed on any address

  std::string prefixCache; ///< a folder; empty: none
  uint64_t prefixCacheBytes = uint64_t{8} << 30;
  size_t maxQueued = 512, maxConnections = 4096, maxConnectionsOfClient = 64;
  Limits limits;
  int drainSeconds = 10;
  bool quiet = false;
};

/// Fills `options`. Returns the exit code if the program is to end now.
std::optional<int> parseOptions(int argc, char **argv, Options &options);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_OPTIONS_H
