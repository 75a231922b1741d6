//===- Routes.h - The routes of the server ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_ROUTES_H
#define SHERRY_TOOLS_SERVE_ROUTES_H

#include "Service.h"

namespace sherry::serve {

/// A method and path with its handler. Handlers throw ApiError, or reply sooner
/// or later.
struct Route {
  const char *method, *path; ///< a path ending in / is a prefix
  void (*handle)(Service &service, const ExchangePtr &exchange);
  bool isOpen = false;  ///< no key is needed
  bool isHeavy = false; ///< runs in the worker's thread
};

extern const std::vector<Route> routes;

// Routes of the OpenAI API.
void complete(Service &service, const ExchangePtr &exchange);
void completeChat(Service &service, const ExchangePtr &exchange);
void embed(Service &service, const ExchangePtr &exchange);

// Routes of tokens and templates.
void tokenize(Service &service, const ExchangePtr &exchange);
void detokenize(Service &service, const ExchangePtr &exchange);
void tellTokenizer(Service &service, const ExchangePtr &exchange);
void applyTemplate(Service &service, const ExchangePtr &exchange);

// The route of the web page; see page/Page.h.
void sendPage(Service &service, const ExchangePtr &exchange);

// Routes of the server itself.
void listModels(Service &service, const ExchangePtr &exchange);
void tellModel(Service &service, const ExchangePtr &exchange);
void tellHealth(Service &service, const ExchangePtr &exchange);
void tellMetrics(Service &service, const ExchangePtr &exchange);
void tellSlots(Service &service, const ExchangePtr &exchange);
void tellProperties(Service &service, const ExchangePtr &exchange);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_ROUTES_H
