//===- PageRoutes.cpp - The web page --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Page.h"
#include "Routes.h"

using namespace sherry::serve;

void sherry::serve::sendPage(Service &, const ExchangePtr &exchange) {
  const HttpRequest &request = exchange->request;
  const PageFile *file = findPageFile(request.path);
  if (!file)
    throw ApiError("there is no such path", "", "", 404);
  std::vector<Header> headers = {
      {"Content-Security-Policy", std::string(pagePolicy)},
      {"Referrer-Policy", "no-referrer"},
      {"Cache-Control", "no-cache"},
      {"Vary", "Accept-Encoding"},
      {"ETag", std::string(file->etag)}};
  if (request.etag.find(file->etag) != std::string::npos)
    return exchange->respond(304, "", "", headers);
  const std::string mediaType(file->mediaType);
  if (request.acceptEncoding.find("gzip") == std::string::npos)
    return exchange->respond(200, mediaType, inflate(*file), headers);
  headers.emplace_back("Content-Encoding", "gzip");
  exchange->respond(200, mediaType, file->gzipped, headers);
}
