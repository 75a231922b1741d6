//===- Access.cpp - Decides which requests are allowed --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Access.h"
#include "sherry/support/Files.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <sstream>

using namespace sherry;
using namespace sherry::serve;

Access::Access(const Options &options)
    : hosts(options.allowedHosts), origins(options.corsOrigins) {
  hosts.push_back(options.host);
  if (options.apiKeyFile.empty())
    return;
  std::istringstream lines(readText(options.apiKeyFile));
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() &&
           std::isspace(static_cast<unsigned char>(line.back())))
      line.pop_back();
    if (!line.empty() && line.front() != '#')
      keys.push_back(line);
  }
  if (keys.empty())
    throw std::runtime_error(options.apiKeyFile +
                             ": has no keys; write one per line");
}

/// A host without its port, and an IPv6 address without its brackets.
static std::string withoutPort(const std::string &host) {
  if (!host.empty() && host.front() == '[')
    return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.rfind(':'));
}

/// A foreign page can make its own name point to this server and then send
/// requests as the same origin (DNS rebinding); it cannot do so with an
/// address.
void Access::checkHost(const std::string &host) const {
  const std::string name = withoutPort(host);
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  const std::string local = ".localhost";
  const bool isLocal =
      boost::beast::iequals(name, "localhost") ||
      (name.size() > local.size() &&
       boost::beast::iequals(name.substr(name.size() - local.size()), local));
  const bool isNamed =
      std::any_of(hosts.begin(), hosts.end(), [&](const std::string &known) {
        return boost::beast::iequals(known, name);
      });
  if (error && !isLocal && !isNamed)
    throw ApiError("this host is not served here; --allowed-host allows it", "",
                   "host_not_allowed", 403);
}

/// Takes the same time for all texts of the same length.
static bool isEqual(const std::string &a, const std::string &b) {
  if (a.size() != b.size())
    return false;
  volatile unsigned char different = 0;
  for (size_t i = 0; i < a.size(); ++i)
    different = different | static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

std::string Access::findOwner(const std::string &authorization) const {
  const std::string scheme = "Bearer ";
  std::string given;
  if (authorization.size() >= scheme.size() &&
      boost::beast::iequals(authorization.substr(0, scheme.size()), scheme))
    given = authorization.substr(scheme.size());
  size_t found = keys.size();
  for (size_t i = 0; i < keys.size(); ++i)
    if (isEqual(given, keys[i]))
      found = i;
  if (found == keys.size())
    throw ApiError("the API key is missing or wrong: send it as "
                   "\"Authorization: Bearer KEY\"",
                   "", "invalid_api_key", 401);
  // The owner does not depend on other keys, because its prefixes may be kept
  // in files. The key cannot be derived from the owner.
  return to_string(
      boost::uuids::name_generator_sha1(boost::uuids::ns::oid())(keys[found]));
}

void Access::check(Exchange &exchange, bool isOpen) const {
  const HttpRequest &request = exchange.request;
  checkHost(request.host);
  if (!request.origin.empty()) {
    const bool isOwn = request.origin == "http://" + request.host ||
                       request.origin == "https://" + request.host;
    const bool isAllowed = std::find(origins.begin(), origins.end(),
                                     request.origin) != origins.end();
    if (!isOwn && !isAllowed)
      throw ApiError(
          "pages of this origin may not send requests; --cors-origin allows "
          "them",
          "", "origin_not_allowed", 403);
    if (isAllowed)
      exchange.allowedOrigin = request.origin;
  }
  // A browser sends OPTIONS, without a key, before a request with a key.
  if (!isOpen && hasKeys() && request.method != "OPTIONS")
    exchange.owner = findOwner(request.authorization);
}
