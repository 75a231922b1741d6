//===- Page.h - The files of the web page, inside the program -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SHERRY_SERVE_PAGE_H
#define SHERRY_SERVE_PAGE_H

#include <cstddef>
#include <string>
#include <string_view>

namespace sherry::serve {

/// A file of the page. All texts live as long as the process.
struct PageFile {
  std::string_view path; ///< of the request, such as "/" or "/page/app.mjs"
  std::string_view mediaType; ///< value of Content-Type
  std::string_view etag;    ///< value of ETag with its quotes; names the bytes
  std::string_view gzipped; ///< the bytes, for Content-Encoding: gzip
  std::size_t size;         ///< of the bytes without compression
};

/// All files of the page, in the order of their paths.
struct PageFiles {
  const PageFile *first;
  std::size_t count;

  const PageFile *begin() const { return first; }
  const PageFile *end() const { return first + count; }
};
PageFiles pageFiles();

/// The file at `path`, or null.
const PageFile *findPageFile(std::string_view path);

/// The bytes of `file` without compression, for clients that do not take gzip.
std::string inflate(const PageFile &file);

/// The Content-Security-Policy of responses with a file of the page: scripts,
/// styles, pictures and connections only of this server, nothing inline, no
/// frames.
inline constexpr std::string_view pagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

} // namespace sherry::serve

#endif // SHERRY_SERVE_PAGE_H
