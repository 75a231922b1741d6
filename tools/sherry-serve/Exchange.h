//===- Exchange.h - A request and its reply ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_EXCHANGE_H
#define SHERRY_TOOLS_SERVE_EXCHANGE_H

#include "Json.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sherry::serve {

using Clock = std::chrono::steady_clock;

inline double secondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// The parts of a client's request that the server uses.
struct HttpRequest {
  std::string method, path; ///< the path without its query
  std::string host, origin, authorization, contentType, acceptEncoding, etag;
  std::string body;
  std::string remote; ///< address of the client
  unsigned version = 11;
  bool keepsAlive = true;
};

/// Counts the bytes of a body in a sum of all bodies, as long as it lives.
class BodyCharge {
public:
  BodyCharge() = default;
  /// The bytes are in the sum already. The sum must outlive the object.
  BodyCharge(std::atomic<size_t> &sum, size_t bytes)
      : sum(&sum), bytes(bytes) {}
  BodyCharge(BodyCharge &&other) noexcept
      : sum(std::exchange(other.sum, nullptr)), bytes(other.bytes) {}
  BodyCharge &operator=(BodyCharge &&other) noexcept {
    std::swap(sum, other.sum);
    std::swap(bytes, other.bytes);
    return *this;
  }
  ~BodyCharge() {
    if (sum)
      *sum -= bytes;
  }

private:
  std::atomic<size_t> *sum = nullptr;
  size_t bytes = 0;
};

using Header = std::pair<std::string, std::string>;

/// Counts of tokens, for the log.
struct Usage {
  size_t promptTokens = 0, cachedTokens = 0, completionTokens = 0;
};

/// A request and its reply: one whole response, or a stream of events. The
/// functions may be called by any thread, one at a time.
class Exchange {
public:
  using Output = std::function<void(std::string bytes, bool isLast)>;

  /// `output` sends bytes of the response; after the last bytes the connection
  /// is free for another request.
  Exchange(HttpRequest request, Output output, BodyCharge charge)
      : request(std::move(request)), charge(std::move(charge)),
        output(std::move(output)) {}
  ~Exchange();

  void respond(int status, const Json &body) {
    respond(status, "application/json", dump(body));
  }
  void respond(int status, const std::string &mediaType, std::string_view body,
               const std::vector<Header> &headers = {});
  void fail(const ApiError &error);
  /// Replies with the error of the exception that is being handled; for catch
  /// blocks.
  void failByException();

  /// Begins a stream of server-sent events.
  void beginStream();
  void event(std::string_view data);
  /// Ends the stream after a last event.
  void endStream(std::string_view data);
  bool hasStream() const { return isStream; }
  /// The bytes of a comment between events.
  std::string comment(std::string_view text) const;

  /// Whether the client has disconnected, so that no reply is needed.
  bool isGone() const { return gone; }
  void setGone() { gone = true; }

  /// Frees the body, which has been parsed.
  void dropBody() {
    request.body = std::string();
    charge = BodyCharge();
  }

  HttpRequest request; ///< only dropBody() changes it
  const Clock::time_point begin = Clock::now();
  std::string owner; ///< of the key
  /// The client whose requests wait for each other: the owner, else the
  /// address.
  const std::string &client() const {
    return owner.empty() ? request.remote : owner;
  }
  std::string allowedOrigin; ///< of a page that may read the response
  Usage usage;
  double firstTokenSeconds = -1; ///< negative: no token
  /// Called at the end, with the status that was sent, or 499 if the client
  /// disconnected.
  std::function<void(const Exchange &, int status)> onDone;

private:
  std::string head(int status, std::vector<Header> headers) const;
  std::string chunk(const std::string &data) const;
  void finish(std::string bytes, int status);

  BodyCharge charge;
  Output output;
  std::atomic<bool> gone = false, isStream = false;
  bool isDone = false;
  int streamStatus = 200;
};

using ExchangePtr = std::shared_ptr<Exchange>;

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_EXCHANGE_H
