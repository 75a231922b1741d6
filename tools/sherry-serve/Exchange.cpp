//===- Exchange.cpp - A request and its reply -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Exchange.h"
#include "sherry/text/jinja/Error.h"

#include <boost/beast/http/status.hpp>
#include <sstream>

using namespace sherry::serve;

Exchange::~Exchange() {
  // No object is left that could reply.
  if (!isDone)
    fail(ApiError("the server ends", "", "", 503));
}

std::string Exchange::head(int status, std::vector<Header> headers) const {
  const auto reason = boost::beast::http::obsolete_reason(
      static_cast<boost::beast::http::status>(status));
  std::ostringstream text;
  text << "HTTP/1.1 " << status << ' ' << reason << "\r\n";
  headers.emplace_back("Connection",
                       request.keepsAlive ? "keep-alive" : "close");
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  if (!allowedOrigin.empty()) {
    headers.emplace_back("Access-Control-Allow-Origin", allowedOrigin);
    headers.emplace_back("Vary", "Origin");
  }
  for (const auto &[name, value] : headers)
    text << name << ": " << value << "\r\n";
  text << "\r\n";
  return text.str();
}

void Exchange::finish(std::string bytes, int status) {
  // A client that disconnects after the last byte has got its reply.
  const bool wasGone = gone;
  output(std::move(bytes), /*isLast=*/true);
  isDone = true;
  if (onDone)
    onDone(*this, wasGone ? 499 : status);
}

void Exchange::respond(int status, const std::string &mediaType,
                       std::string_view body,
                       const std::vector<Header> &headers) {
  std::vector<Header> all = headers;
  const bool hasBody = status != 204 && status != 304;
  if (hasBody) {
    all.emplace_back("Content-Type", mediaType);
    all.emplace_back("Content-Length", std::to_string(body.size()));
  }
  std::string bytes = head(status, std::move(all));
  if (hasBody && request.method != "HEAD")
    bytes += body;
  finish(std::move(bytes), status);
}

void Exchange::fail(const ApiError &error) {
  const Json body = error.toJson();
  if (isStream) {
    streamStatus = error.status;
    return endStream(dump(body));
  }
  std::vector<Header> headers;
  if (error.status == 401)
    headers.emplace_back("WWW-Authenticate", "Bearer");
  if (error.status == 429 || error.status == 503)
    headers.emplace_back("Retry-After", "1");
  respond(error.status, "application/json", dump(body), headers);
}

void Exchange::failByException() {
  try {
    throw;
  } catch (const ApiError &error) {
    fail(error);
  } catch (const jinja::Refusal &error) {
    fail(ApiError(error.what(), "messages"));
  } catch (const std::exception &error) {
    fail(ApiError(error.what(), "", "", 500));
  }
}

void Exchange::beginStream() {
  isStream = true;
  std::vector<Header> headers = {{"Content-Type", "text/event-stream"},
                                 {"Cache-Control", "no-cache"},
                                 {"X-Accel-Buffering", "no"}};
  if (request.version >= 11)
    headers.emplace_back("Transfer-Encoding", "chunked");
  output(head(200, std::move(headers)), /*isLast=*/false);
}

static std::string makeEvent(std::string_view data) {
  return "data: " + std::string(data) + "\n\n";
}

std::string Exchange::chunk(const std::string &data) const {
  if (request.version < 11)
    return data;
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", data.size());
  return size + data + "\r\n";
}

void Exchange::event(std::string_view data) {
  output(chunk(makeEvent(data)), /*isLast=*/false);
}

std::string Exchange::comment(std::string_view text) const {
  return chunk(": " + std::string(text) + "\n\n");
}

void Exchange::endStream(std::string_view data) {
  finish(chunk(makeEvent(data)) + (request.version < 11 ? "" : "0\r\n\r\n"),
         streamStatus);
}
