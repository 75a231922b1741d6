//===- Options.cpp - The command line of sherry-serve ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "../Support/CommandLine.h"

using namespace sherry;
using namespace sherry::serve;

std::optional<int> sherry::serve::parseOptions(int argc, char **argv,
                                               Options &options) {
  CLI::App app("Serves a model that sherry-compile wrote, by OpenAI's API.",
               "sherry-serve");
  app.footer(
      "Answers depend on nothing but the request: not on other requests, "
      "slots, threads or what\nis cached. One line of JSON for each "
      "request goes to standard error. SIGTERM ends the\nserver when "
      "its replies are done, a second one at once. See "
      "docs/Serving.md.");
  app.set_version_flag("--version",
                       std::string("sherry-serve ") + sherry_version());
  app.add_option("model", options.model, "The compiled model, a .so file")
      ->required();
  app.add_option("--host", options.host,
                 "Address to listen on (default: 127.0.0.1); others than those "
                 "of this machine need a key");
  addNumber(app, "--port", options.port,
            "Port (default: 8080); 0: any that is free");
  app.add_option("--alias", options.alias,
                 "The model's name for clients (default: that of the file)");
  addNumber(app, "--slots", options.context.sequences,
            "Requests that are answered together (default: 4, 8 or 16, by the "
            "number of threads); others wait");
  addNumber(app, "-c,--ctx", options.context.context,
            "Positions of each slot (default: the model's maximum, at most "
            "4096)");
  addNumber(app, "--pages", options.context.pages,
            "Pages of 64 positions for all slots and what is kept (default: "
            "what the slots need)");
  addNumber(app, "-t,--threads", options.context.threads,
            "Threads (default: physical cores; at most: processors)");
  app.add_option("--draft", options.draft,
                 "A smaller compiled model of the same vocabulary that guesses "
                 "tokens of answers, too")
      ->check(CLI::ExistingFile);
  addNumber(app, "--draft-max", options.drafts.most,
            "Tokens of an answer that are guessed from its text and checked in "
            "one go, where that is faster (default: 16); 0: none. They change "
            "no token of the answer");
  app.add_flag("--mmap", options.map,
               "Leave the weights in the file, shared with other processes, "
               "instead of copying them to faster memory");
  app.add_option("--template", options.chatTemplate,
                 "A file with a Jinja template for chats (default: the model's "
                 "own)")
      ->check(CLI::ExistingFile);
  app.add_option_function<std::string>(
         "--pooling",
         [&options](const std::string &name) {
           options.pooling =
               name == "mean" ? engine::Pooling::Mean : engine::Pooling::Last;
         },
         "Of hidden states, for embeddings: mean (default) or last")
      ->check(CLI::IsMember({"mean", "last"}));
  app.add_option("--api-key-file", options.apiKeyFile,
                 "A file with a key in each line: clients must send one")
      ->check(CLI::ExistingFile);
  app.add_option("--allowed-host", options.allowedHosts,
                 "A name by which clients may reach the server, besides "
                 "addresses and localhost");
  app.add_option("--cors-origin", options.corsOrigins,
                 "An origin, such as https://example.org, whose pages may ask");
  app.add_flag("--insecure", options.isInsecure,
               "Let everybody who reaches the address ask without a key");
  CLI::Option *prefixCache = app.add_option(
      "--prefix-cache", options.prefixCache,
      "A folder that keeps what long prompts have read, for later prompts that "
      "begin alike, also after the server has ended");
  addNumber(app, "--prefix-cache-bytes", options.prefixCacheBytes,
            "Most bytes of these files (default: 8589934592)")
      ->needs(prefixCache);
  addNumber(app, "--max-queued", options.maxQueued,
            "Requests that may wait; more are refused (default: 512)");
  addNumber(app, "--max-connections", options.maxConnections,
            "Connections at a time (default: 4096)");
  addNumber(app, "--max-connections-per-client", options.maxConnectionsOfClient,
            "Connections of one address, but for those of this machine "
            "(default: 64)");
  addNumber(app, "--max-body", options.limits.body,
            "Bytes of a request's body (default: 8388608)");
  addNumber(app, "--request-timeout", options.limits.requestSeconds,
            "Seconds for a request to arrive, its headers and its body each "
            "(default: 15)");
  addNumber(app, "--max-unsent", options.limits.unsent,
            "Bytes of a stream that wait for a client that does not read; "
            "beyond them it is cut off (default: 1048576)");
  addNumber(app, "--drain", options.drainSeconds,
            "Seconds that replies have to end after SIGTERM (default: 10)");
  app.add_flag("-q,--quiet", options.quiet, "Log no requests");
  return parseCommandLine(app, argc, argv, [&] {
    const bool isLocal = options.host == "localhost" ||
                         options.host.rfind("127.", 0) == 0 ||
                         options.host == "::1";
    if (!isLocal && options.apiKeyFile.empty() && !options.isInsecure)
      throw CLI::ValidationError(
          "--host", "on this address others can ask: give --api-key-file, or "
                    "--insecure");
    if (!options.draft.empty() && options.drafts.most == 0)
      throw CLI::ValidationError(
          "--draft", "has no effect with --draft-max 0; leave it out");
    if (options.maxConnections == 0 || options.maxQueued == 0)
      throw CLI::ValidationError("--max-connections, --max-queued",
                                 "must be 1 or more");
  });
}
