//===- Connection.cpp - Requests and replies over a socket ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>

using namespace sherry::serve;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

/// The most bytes that a client may send ahead while it waits for a reply.
static constexpr size_t kMostAhead = 64 << 10;
static constexpr size_t kReadSize = 16 << 10;
static constexpr std::chrono::seconds kPingAfter{15};
/// Seconds for a client to read the last reply.
static constexpr int kClosingSeconds = 2;

Connection::Connection(Socket accepted, const Limits &limits, Totals &totals,
                       Handler handler)
    : socket(std::move(accepted)), timer(socket.get_executor()), limits(limits),
      totals(totals), handler(std::move(handler)) {
  ++totals.connections;
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (!error)
    remote = endpoint.address().to_string();
  socket.set_option(asio::ip::tcp::no_delay(true), error);
}

Connection::~Connection() {
  --totals.connections;
  totals.bodies -= counted;
}

void Connection::start() {
  setDeadline(limits.idleSeconds);
  read();
}

void Connection::drain() {
  isDraining = true;
  if (phase < Phase::Replying)
    close();
}

void Connection::close() {
  if (isClosed)
    return;
  isClosed = true;
  timer.cancel();
  if (const auto current = exchange.lock())
    current->setGone();
  error_code ignored;
  socket.shutdown(Socket::shutdown_both, ignored);
  socket.close(ignored);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

void Connection::setDeadline(int seconds) {
  deadline = seconds > 0 ? Clock::now() + std::chrono::seconds(seconds)
                         : Clock::time_point::max();
  awaitDue();
}

bool Connection::isStreaming() const {
  return phase == Phase::Replying && isStream && hasHead && !hasLast;
}

/// The time of the next timeout, or of the next comment that keeps a stream
/// alive for clients and proxies.
Clock::time_point Connection::nextDue() const {
  return isStreaming() ? std::min(deadline, lastWrite + kPingAfter) : deadline;
}

/// The due time moves with every token, so the timer is set only if it would
/// fire too late; a timer that fires too early is set again.
void Connection::awaitDue() {
  const Clock::time_point due = nextDue();
  if (isClosed || due >= alarm)
    return;
  alarm = due;
  timer.expires_at(due);
  timer.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self)
      return;
    self->alarm = Clock::time_point::max();
    self->onDue();
    self->awaitDue();
  });
}

void Connection::onDue() {
  const Clock::time_point now = Clock::now();
  if (isClosed || now < nextDue())
    return;
  if (now >= deadline) {
    if (phase == Phase::Header || phase == Phase::Body)
      return refuse(
          ApiError("the request took too long to arrive", "", "", 408));
    return close();
  }
  lastWrite = now;
  if (const auto current = exchange.lock())
    write(current->comment("ping"), /*isLast=*/false);
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

/// Keeps one read under way, to notice a client that disconnects, unless it has
/// sent too much ahead.
void Connection::read() {
  if (isReading || isClosed || hasEnded ||
      (phase == Phase::Replying && buffer.size() >= kMostAhead))
    return;
  isReading = true;
  socket.async_read_some(
      buffer.prepare(kReadSize),
      [self = shared_from_this()](error_code error, size_t size) {
        self->isReading = false;
        self->onRead(error, size);
      });
}

void Connection::onRead(error_code error, size_t size) {
  if (isClosed)
    return;
  if (error == asio::error::eof && phase == Phase::Replying) {
    // As for nginx, a client that closes its sending side has left; but a cheap
    // reply may still reach it.
    hasEnded = true;
    keepsAlive = false;
    if (const auto current = exchange.lock())
      current->setGone();
    return;
  }
  if (error)
    return close();
  if (phase == Phase::Closing)
    return read(); // overwrites the buffer
  buffer.commit(size);
  if (phase != Phase::Replying)
    parse();
  read();
}

static ApiError describe(const error_code &error) {
  if (error == http::error::header_limit)
    return ApiError("the headers are too large", "", "", 431);
  if (error == http::error::body_limit)
    return ApiError("the body is too large", "", "", 413);
  return ApiError("the request is not HTTP: " + error.message());
}

void Connection::refuse(const ApiError &error) {
  HttpRequest request;
  request.method = "GET";
  request.remote = remote;
  request.keepsAlive = false;
  keepsAlive = false;
  phase = Phase::Replying;
  auto output = [self = shared_from_this()](std::string bytes, bool isLast) {
    self->write(std::move(bytes), isLast);
  };
  Exchange(std::move(request), output, {}).fail(error);
}

void Connection::parse() {
  while (buffer.size() > 0 && phase < Phase::Replying && !isClosed) {
    if (phase == Phase::Idle) {
      parser.emplace();
      parser->header_limit(static_cast<uint32_t>(limits.headers));
      parser->body_limit(limits.body);
      parser->eager(true);
      phase = Phase::Header;
      setDeadline(limits.requestSeconds);
    }
    error_code error;
    const size_t used = parser->put(buffer.data(), error);
    buffer.consume(used);
    if (error == http::error::need_more)
      error = {};
    if (error)
      return refuse(describe(error));
    // A line without an end, such as between chunks.
    if (used == 0 && buffer.size() > limits.headers)
      return refuse(describe(http::error::header_limit));
    countBody();
    if (totals.bodies > limits.bodies)
      return refuse(ApiError("the server has no room for the body; try again "
                             "later",
                             "", "", 503));
    if (phase == Phase::Header && parser->is_header_done()) {
      phase = Phase::Body;
      setDeadline(limits.requestSeconds);
      const auto &fields = parser->get();
      if (fields.count(http::field::content_length) > 0 &&
          fields.count(http::field::transfer_encoding) > 0)
        return refuse(ApiError("the request has two lengths"));
      if (fields.count(http::field::host) > 1)
        return refuse(ApiError("the request has two hosts"));
      if (!parser->is_done() &&
          boost::beast::iequals(fields[http::field::expect], "100-continue"))
        write("HTTP/1.1 100 Continue\r\n\r\n", /*isLast=*/false);
    }
    if (parser->is_done())
      return dispatch();
    if (used == 0)
      return; // incomplete
  }
}

void Connection::countBody() {
  const size_t size = parser->get().body().size();
  totals.bodies += size - counted;
  counted = size;
}

HttpRequest Connection::takeRequest() {
  auto message = parser->release();
  parser.reset();
  auto field = [&](http::field name) { return std::string(message[name]); };
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.path = std::string(message.target());
  request.path = request.path.substr(0, request.path.find('?'));
  request.host = field(http::field::host);
  request.origin = field(http::field::origin);
  request.authorization = field(http::field::authorization);
  request.contentType = field(http::field::content_type);
  request.acceptEncoding = field(http::field::accept_encoding);
  request.etag = field(http::field::if_none_match);
  request.version = message.version();
  request.keepsAlive = message.keep_alive() && !isDraining;
  request.body = std::move(message.body());
  request.remote = remote;
  return request;
}

void Connection::dispatch() {
  HttpRequest request = takeRequest();
  // In a version without chunks, the end of the connection ends a reply.
  if (request.version < 11)
    request.keepsAlive = false;
  keepsAlive = request.keepsAlive;
  phase = Phase::Replying;
  setDeadline(0);
  auto output = [self = shared_from_this()](std::string bytes, bool isLast) {
    asio::post(self->socket.get_executor(),
               [self, bytes = std::move(bytes), isLast]() mutable {
                 self->write(std::move(bytes), isLast);
               });
  };
  hasHead = isStream = false;
  const auto current = std::make_shared<Exchange>(
      std::move(request), output, BodyCharge(totals.bodies, counted));
  counted = 0;
  exchange = current;
  handler(current);
}

//===----------------------------------------------------------------------===//
// Replies
//===----------------------------------------------------------------------===//

void Connection::write(std::string bytes, bool isLast) {
  if (isClosed)
    return;
  // A slow client must not fill the memory.
  if (const auto current = exchange.lock())
    isStream |= current->hasStream();
  if (isStream && outbox.size() > limits.unsent)
    return close();
  lastWrite = Clock::now();
  hasHead |= phase == Phase::Replying;
  hasLast |= isLast;
  outbox += bytes;
  if (sending.empty())
    flush();
}

void Connection::flush() {
  if (sent == sending.size()) {
    sending.swap(outbox);
    outbox.clear();
    sent = 0;
    if (sending.empty()) {
      if (phase >= Phase::Replying)
        setDeadline(0);
      if (hasLast)
        onReplied();
      return;
    }
  }
  if (phase >= Phase::Replying)
    setDeadline(limits.writeSeconds);
  socket.async_write_some(
      asio::buffer(sending.data() + sent, sending.size() - sent),
      [self = shared_from_this()](error_code error, size_t size) {
        if (self->isClosed)
          return;
        if (error)
          return self->close();
        self->sent += size;
        self->flush();
      });
}

void Connection::onReplied() {
  hasLast = false;
  sending.shrink_to_fit();
  outbox.shrink_to_fit();
  if (hasEnded)
    return close();
  if (!keepsAlive || isDraining) {
    // Closing at once could destroy the reply for a client that still sends.
    error_code ignored;
    socket.shutdown(Socket::shutdown_send, ignored);
    phase = Phase::Closing;
    setDeadline(kClosingSeconds);
    buffer.clear();
    return read();
  }
  phase = Phase::Idle;
  setDeadline(limits.idleSeconds);
  parse();
  read();
}
