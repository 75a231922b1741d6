//===- Connection.h - Requests and replies over a socket --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_CONNECTION_H
#define SHERRY_TOOLS_SERVE_CONNECTION_H

#include "Exchange.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

namespace sherry::serve {

/// The limits of a client, in bytes and seconds; `bodies` is the limit of all
/// clients together.
struct Limits {
  size_t headers = 16 << 10, body = 8 << 20, bodies = 256 << 20,
         unsent = 1 << 20;
  int idleSeconds = 75, requestSeconds = 15, writeSeconds = 60;
};

/// Totals of all connections.
struct Totals {
  std::atomic<size_t> connections = 0, bodies = 0; ///< the latter in bytes
};

/// Reads requests, one after the other, and writes their replies. Lives as long
/// as an operation is under way. All functions run in the thread of the
/// socket's io_context.
class Connection : public std::enable_shared_from_this<Connection> {
public:
  using Socket = boost::asio::ip::tcp::socket;
  using Handler = std::function<void(const ExchangePtr &)>;

  /// `totals` must outlive the connection.
  Connection(Socket socket, const Limits &limits, Totals &totals,
             Handler handler);
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;
  const std::string &address() const { return remote; }
  void start();
  /// Ends the connection, after the reply that is under way, if any.
  void drain();
  void close();

private:
  enum class Phase { Idle, Header, Body, Replying, Closing };

  void read();
  void onRead(boost::system::error_code error, size_t size);
  void parse();
  void refuse(const ApiError &error);
  void dispatch();
  HttpRequest takeRequest();
  void write(std::string bytes, bool isLast);
  void flush();
  void countBody();
  void onReplied();
  void setDeadline(int seconds);
  bool isStreaming() const;
  Clock::time_point nextDue() const;
  void awaitDue();
  void onDue();

  using Parser =
      boost::beast::http::request_parser<boost::beast::http::string_body>;

  Socket socket;
  boost::asio::steady_timer timer;
  Clock::time_point deadline = Clock::time_point::max();
  Clock::time_point alarm = Clock::time_point::max(); ///< of the timer
  const Limits &limits;
  Totals &totals;
  size_t counted = 0; ///< bytes of the body that has come so far
  const Handler handler;
  std::string remote;

  boost::beast::flat_buffer buffer;
  std::optional<Parser> parser;
  Phase phase = Phase::Idle;
  bool isReading = false, hasEnded = false; ///< no more input comes
  bool isDraining = false, isClosed = false;
  std::weak_ptr<Exchange> exchange;
  bool keepsAlive = true;

  std::string outbox, sending; ///< to be sent; being sent, from `sent` on
  size_t sent = 0;
  bool hasHead = false, hasLast = false; ///< of the reply
  bool isStream = false;                 ///< the reply
  Clock::time_point lastWrite;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_CONNECTION_H
