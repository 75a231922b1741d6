//===- Server.cpp - Clients of the service --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Server.h"
#include "Routes.h"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <cstdio>
#include <ctime>
#include <sys/resource.h>

using namespace sherry;
using namespace sherry::serve;
namespace asio = boost::asio;
using boost::system::error_code;

/// Raises the limit of descriptors: one for each connection, and a few for
/// files.
static void raiseDescriptors(size_t connections) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  const rlim_t wanted = connections + 64;
  if (limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted)
    std::fprintf(stderr,
                 "sherry-serve: warning: the system allows %llu open files, "
                 "too few for --max-connections %zu\n",
                 static_cast<unsigned long long>(limit.rlim_cur), connections);
}

Server::Server(Service &service, const Access &access)
    : service(service), access(access), totals(service.totals) {
  raiseDescriptors(service.options.maxConnections);
  const Options &options = service.options;
  error_code error;
  const std::string host =
      options.host == "localhost" ? "127.0.0.1" : options.host;
  const auto address = asio::ip::make_address(host, error);
  if (error)
    throw std::runtime_error("--host " + options.host +
                             " is not an address such as 127.0.0.1 or ::");
  const asio::ip::tcp::endpoint endpoint(address, options.port);
  try {
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  } catch (const boost::system::system_error &failure) {
    throw std::runtime_error("cannot listen on " + options.host + " port " +
                             std::to_string(options.port) + ": " +
                             failure.code().message());
  }
}

void Server::run() {
  accept();
  awaitSignal();
  context.run();
  isOver = true;
}

void Server::flush() {
  timer.cancel();
  signals.cancel();
  context.restart();
  context.run_for(std::chrono::milliseconds(500));
}

/// One client must not use up all connections. Connections of this machine are
/// not limited, because they may come from a proxy.
bool Server::hasRoomFor(const std::string &address) const {
  if (totals.connections >= service.options.maxConnections)
    return false;
  error_code error;
  if (asio::ip::make_address(address, error).is_loopback())
    return true;
  size_t count = 0;
  for (const auto &weak : connections)
    if (const auto connection = weak.lock())
      count += connection->address() == address;
  return count < service.options.maxConnectionsOfClient;
}

void Server::forgetClosed() {
  connections.remove_if([](const auto &weak) { return weak.expired(); });
}

void Server::accept() {
  acceptor.async_accept([this](error_code error, Connection::Socket socket) {
    const bool isEnding = end != Clock::time_point::max();
    if (error == asio::error::operation_aborted || isEnding || isOver)
      return;
    if (error) {
      // No descriptor is free; tries again later.
      timer.expires_after(std::chrono::seconds(1));
      return timer.async_wait([this](error_code cancelled) {
        if (!cancelled)
          accept();
      });
    }
    error_code ignored;
    const std::string address =
        socket.remote_endpoint(ignored).address().to_string(ignored);
    // Not for every connection, which would take long if there are many.
    if (connections.size() > 2 * totals.connections + 16)
      forgetClosed();
    if (hasRoomFor(address)) {
      auto connection = std::make_shared<Connection>(
          std::move(socket), service.options.limits, totals,
          [this](const ExchangePtr &exchange) { handle(exchange); });
      connections.push_back(connection);
      connection->start();
    }
    accept();
  });
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

void Server::log(const Exchange &exchange, int status) const {
  if (service.options.quiet)
    return;
  const std::time_t now = std::time(nullptr);
  std::tm calendar;
  gmtime_r(&now, &calendar);
  char time[32];
  std::strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &calendar);
  auto rounded = [](double seconds) {
    return static_cast<double>(static_cast<int64_t>(seconds * 1e6)) / 1e3;
  };
  Json line = {{"time", time},
               {"client", exchange.request.remote},
               {"owner", exchange.owner},
               {"method", exchange.request.method},
               {"path", exchange.request.path},
               {"status", status},
               {"ms", rounded(secondsBetween(exchange.begin, Clock::now()))}};
  if (exchange.usage.promptTokens > 0) {
    line["prompt_tokens"] = exchange.usage.promptTokens;
    line["cached_tokens"] = exchange.usage.cachedTokens;
    line["completion_tokens"] = exchange.usage.completionTokens;
  }
  if (exchange.firstTokenSeconds >= 0)
    line["first_token_ms"] = rounded(exchange.firstTokenSeconds);
  std::fprintf(stderr, "%s\n", dump(line).c_str());
}

static const Route *findRoute(const HttpRequest &request, bool &isPathKnown) {
  isPathKnown = false;
  const bool isHead = request.method == "HEAD";
  for (const Route &route : routes) {
    const std::string_view path = route.path;
    const bool isPrefix = path.size() > 1 && path.back() == '/';
    const bool matches =
        isPrefix ? request.path.compare(0, path.size(), path) == 0 &&
                       request.path.size() > path.size()
                 : request.path == path;
    if (!matches)
      continue;
    isPathKnown = true;
    if (request.method == route.method ||
        (isHead && std::string_view(route.method) == "GET"))
      return &route;
  }
  return nullptr;
}

void Server::handle(const ExchangePtr &exchange) {
  if (isOver)
    return exchange->fail(ApiError("the server ends", "", "", 503));
  bool isPathKnown;
  const Route *route = findRoute(exchange->request, isPathKnown);
  // Only the names of routes, so that clients cannot fill the memory with
  // names.
  const std::string name = route ? route->path : "other";
  exchange->onDone = [this, name](const Exchange &done, int status) {
    service.metrics.count(done, name, status);
    log(done, status);
  };
  try {
    access.check(*exchange, route && route->isOpen);
    if (exchange->request.method == "OPTIONS")
      return answerOptions(*exchange);
    if (!route && isPathKnown)
      throw ApiError("this path needs another method", "", "", 405);
    if (!route)
      throw ApiError("there is no such path", "", "", 404);
    if (exchange->request.method == "POST" &&
        !boost::beast::iequals(exchange->request.contentType.substr(
                                   0, exchange->request.contentType.find(';')),
                               "application/json"))
      throw ApiError("the Content-Type must be application/json", "", "", 415);
    if (!route->isHeavy)
      return route->handle(service, exchange);
    if (service.isDraining)
      throw ApiError("the server is about to end", "", "", 503);
    service.worker.post([this, route, exchange] {
      try {
        if (!exchange->isGone())
          route->handle(service, exchange);
        else
          exchange->fail(ApiError("cancelled", "", "", 503));
        exchange->dropBody();
      } catch (...) {
        exchange->failByException();
      }
    });
  } catch (...) {
    exchange->failByException();
  }
}

/// Answers the preflight request of a browser for a page of another origin.
void Server::answerOptions(Exchange &exchange) {
  exchange.respond(
      204, "", "",
      {{"Allow", "GET, HEAD, POST, OPTIONS"},
       {"Access-Control-Allow-Methods", "GET, POST"},
       {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
       {"Access-Control-Max-Age", "86400"}});
}

//===----------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------===//

void Server::awaitSignal() {
  signals.async_wait([this](error_code error, int) {
    if (error)
      return;
    if (end != Clock::time_point::max()) // the second signal
      return context.stop();
    drain();
    awaitSignal();
  });
}

void Server::drain() {
  service.isDraining = true;
  end = Clock::now() + std::chrono::seconds(service.options.drainSeconds);
  error_code ignored;
  acceptor.close(ignored);
  for (const auto &weak : connections)
    if (const auto connection = weak.lock())
      connection->drain();
  awaitEnd();
}

/// Checks at intervals whether all connections have ended.
void Server::awaitEnd() {
  if (isOver)
    return;
  forgetClosed();
  if (connections.empty() || Clock::now() >= end)
    return context.stop();
  timer.expires_after(std::chrono::milliseconds(50));
  timer.async_wait([this](error_code cancelled) {
    if (!cancelled)
      awaitEnd();
  });
}
