//===- Routes.h - What can be asked of the server ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_ROUTES_H
#define SHERRY_TOOLS_SERVE_ROUTES_H

#include "Service.h"

namespace sherry::serve {

/// A way to ask. Handlers throw ApiError, or reply sooner or later.
struct Route {
  const char *method, *path; ///< a path that ends in / has more behind it
  void (*handle)(Service &service, const ExchangePtr &exchange);
  bool isOpen = false;  ///< needs no key
  bool isHeavy = false; ///< for the worker
};

extern const std::vector<Route> routes;

// Of the OpenAI API, each with a file of its own.
void complete(Service &service, const ExchangePtr &exchange);
void completeChat(Service &service, const ExchangePtr &exchange);
void embed(Service &service, const ExchangePtr &exchange);

// Tokens and templates.
void tokenize(Service &service, const ExchangePtr &exchange);
void detokenize(Service &service, const ExchangePtr &exchange);
void tellTokenizer(Service &service, const ExchangePtr &exchange);
void applyTemplate(Service &service, const ExchangePtr &exchange);

// The web page; see page/Page.h.
void sendPage(Service &service, const ExchangePtr &exchange);

// The server itself.
void listModels(Service &service, const ExchangePtr &exchange);
void tellModel(Service &service, const ExchangePtr &exchange);
void tellHealth(Service &service, const ExchangePtr &exchange);
void tellMetrics(Service &service, const ExchangePtr &exchange);
void tellSlots(Service &service, const ExchangePtr &exchange);
void tellProperties(Service &service, const ExchangePtr &exchange);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_ROUTES_H
