//===- Server.h - Clients of the service ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_SERVER_H
#define SHERRY_TOOLS_SERVE_SERVER_H

#include "Access.h"
#include "Connection.h"
#include "Service.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

namespace sherry::serve {

/// Accepts connections, checks who asks, and passes requests on, in the thread
/// that calls run().
class Server {
public:
  /// Binds the address. Throws std::runtime_error.
  Server(Service &service, const Access &access);

  uint16_t port() const { return acceptor.local_endpoint().port(); }
  /// Until SIGTERM or SIGINT: no more connections are accepted, replies that
  /// are under way have some seconds.
  void run();
  /// Sends what the end of the service has left for clients.
  void flush();

private:
  void accept();
  bool hasRoomFor(const std::string &address) const;
  void forgetClosed();
  void handle(const ExchangePtr &exchange);
  void answerOptions(Exchange &exchange);
  void log(const Exchange &exchange, int status) const;
  void awaitSignal();
  void drain();
  void awaitEnd();

  Service &service;
  const Access &access;
  Totals &totals; ///< outlives what the context holds
  boost::asio::io_context context{1};
  boost::asio::ip::tcp::acceptor acceptor{context};
  boost::asio::steady_timer timer{context}; ///< to accept again, or to end
  boost::asio::signal_set signals{context, SIGINT, SIGTERM};
  std::list<std::weak_ptr<Connection>> connections;
  bool isOver = false; ///< the service has ended, or is about to
  Clock::time_point end = Clock::time_point::max(); ///< of the draining
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SERVER_H
