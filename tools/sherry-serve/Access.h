//===- Access.h - Who may ask -----------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_ACCESS_H
#define SHERRY_TOOLS_SERVE_ACCESS_H

#include "Exchange.h"
#include "Options.h"

namespace sherry::serve {

/// One rule for all routes: the host that is asked, the page that asks, and the
/// key.
class Access {
public:
  /// Reads the file of keys, a line each. Throws std::runtime_error.
  explicit Access(const Options &options);

  bool hasKeys() const { return !keys.empty(); }

  /// Sets the owner and the origin that may read the response. Throws ApiError
  /// of 401 or 403. `isOpen`: without a key.
  void check(Exchange &exchange, bool isOpen) const;

private:
  void checkHost(const std::string &host) const;
  std::string findOwner(const std::string &authorization) const;

  std::vector<std::string> keys, hosts, origins;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_ACCESS_H
