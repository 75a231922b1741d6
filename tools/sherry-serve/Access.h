//===- Access.h - Decides which requests are allowed ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_ACCESS_H
#define SHERRY_TOOLS_SERVE_ACCESS_H

#include "Exchange.h"
#include "Options.h"

namespace sherry::serve {

/// Decides which requests are allowed, by the same rules for all routes: by the
/// host in the request, the origin of the page that sends it, and the key.
class Access {
public:
  /// Reads the file of keys, one per line. Throws std::runtime_error.
  explicit Access(const Options &options);

  bool hasKeys() const { return !keys.empty(); }

  /// Sets the owner of the exchange and the origin that may read the response.
  /// Throws ApiError of status 401 or 403. `isOpen`: no key is needed.
  void check(Exchange &exchange, bool isOpen) const;

private:
  void checkHost(const std::string &host) const;
  std::string findOwner(const std::string &authorization) const;

  std::vector<std::string> keys, hosts, origins;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_ACCESS_H
