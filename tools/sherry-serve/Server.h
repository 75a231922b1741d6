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

/// Accepts connections, checks access and passes requests on, in the thread
/// that calls run().
class Server {
public:
  /// Binds the address. Throws std::runtime_error.
  Server(Service &service, const Access &access);

  uint16_t port() const { return acceptor.local_endpoint().port(); }
  /// Serves until SIGTERM or SIGINT; then accepts no more connections, and
  /// gives the replies that are under way some seconds to end.
  void run();
  /// Sends the last output for clients after the service has ended.
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
  Totals &totals; ///< outlives the handlers in `context`
  boost::asio::io_context context{1};
  boost::asio::ip::tcp::acceptor acceptor{context};
  boost::asio::steady_timer timer{context}; ///< to accept again, or to end
  boost::asio::signal_set signals{context, SIGINT, SIGTERM};
  std::list<std::weak_ptr<Connection>> connections;
  bool isOver = false; ///< the service has ended or is ending
  Clock::time_point end = Clock::time_point::max(); ///< of the draining
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_SERVER_H
