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
  CLI::App app("Serves a compiled model through OpenAI's API.", "sherry-serve");
  app.footer("Answers depend only on the request: not on other requests, "
             "slots, threads or the cache.\nThe log, a line of JSON for each "
             "request, goes to standard error. SIGTERM ends the server\nafter "
             "its replies, a second SIGTERM at once. See docs/Serving.md.");
  app.set_version_flag("--version",
                       std::string("sherry-serve ") + sherry_version());
  app.add_option("model", options.model, "The compiled model, a .so file")
      ->required();
  app.add_option("--host", options.host,
                 "Address to listen on (default: 127.0.0.1); addresses that "
                 "other machines can reach need --api-key-file");
  addNumber(app, "--port", options.port,
            "Port (default: 8080); 0: any free port");
  app.add_option(
      "--alias", options.alias,
      "Name of the model for clients (default: the name of the file)");
  addNumber(app, "--slots", options.context.sequences,
            "Requests that are answered at a time (default: 4, 8 or 16, by the "
            "number of threads); further ones wait");
  addNumber(app, "-c,--ctx", options.context.context,
            "Positions of each slot (default: the model's maximum, at most "
            "4096)");
  addNumber(app, "--pages", options.context.pages,
            "Pages of 64 positions for all slots and kept prefixes (default: "
            "as many as the slots need)");
  addNumber(app, "-t,--threads", options.context.threads,
            "Threads (default: physical cores; at most: processors)");
  app.add_option("--draft", options.draft,
                 "A smaller compiled model of the same vocabulary, which "
                 "drafts tokens of answers, too")
      ->check(CLI::ExistingFile);
  addNumber(
      app, "--draft-max", options.drafts.most,
      "Most tokens of an answer that are drafted and checked together, if this "
      "is faster (default: 16); 0: none. Drafts change no token of the answer");
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
         "How embeddings are made of hidden states: mean (default) or last")
      ->check(CLI::IsMember({"mean", "last"}));
  app.add_option("--api-key-file", options.apiKeyFile,
                 "A file with a key per line; clients must send one of them")
      ->check(CLI::ExistingFile);
  app.add_option("--allowed-host", options.allowedHosts,
                 "A host name by which clients may reach the server, besides "
                 "IP addresses and localhost");
  app.add_option(
      "--cors-origin", options.corsOrigins,
      "An origin, such as https://example.org, whose pages may send requests");
  app.add_flag("--insecure", options.isInsecure,
               "Allow requests without a key on any address");
  CLI::Option *prefixCache = app.add_option(
      "--prefix-cache", options.prefixCache,
      "A folder in which the prefixes of long prompts are kept, for later "
      "prompts that begin with them, also of later servers");
  addNumber(app, "--prefix-cache-bytes", options.prefixCacheBytes,
            "Most bytes of the files of --prefix-cache (default: 8589934592)")
      ->needs(prefixCache);
  addNumber(app, "--max-queued", options.maxQueued,
            "Most requests that wait; further ones are refused (default: 512)");
  addNumber(app, "--max-connections", options.maxConnections,
            "Most connections at a time (default: 4096)");
  addNumber(app, "--max-connections-per-client", options.maxConnectionsOfClient,
            "Most connections of one address, except those of this machine "
            "(default: 64)");
  addNumber(app, "--max-body", options.limits.body,
            "Most bytes of a request's body (default: 8388608)");
  addNumber(app, "--request-timeout", options.limits.requestSeconds,
            "Most seconds for the headers of a request to arrive, and again "
            "for its body (default: 15)");
  addNumber(app, "--max-unsent", options.limits.unsent,
            "Most bytes of a stream that wait for a slow client; with more the "
            "client is disconnected (default: 1048576)");
  addNumber(app, "--drain", options.drainSeconds,
            "Seconds that replies may go on after SIGTERM (default: 10)");
  app.add_flag("-q,--quiet", options.quiet, "Do not log requests");
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
