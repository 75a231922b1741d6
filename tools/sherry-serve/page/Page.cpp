//===- Page.cpp - Looks up the files of the web page ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include <algorithm>
#include <stdexcept>
#include <zlib.h>

using namespace sherry::serve;

const PageFile *sherry::serve::findPageFile(std::string_view path) {
  PageFiles files = pageFiles();
  const PageFile *found = std::lower_bound(
      files.begin(), files.end(), path,
      [](const PageFile &file, std::string_view p) { return file.path < p; });
  return found != files.end() && found->path == path ? found : nullptr;
}

std::string sherry::serve::inflate(const PageFile &file) {
  std::string bytes(file.size, '\0');
  z_stream stream{};
  // 16: the input has the header of gzip.
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
    throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef *>(
      const_cast<char *>(file.gzipped.data())); // zlib only reads it
  stream.avail_in = static_cast<uInt>(file.gzipped.size());
  stream.next_out = reinterpret_cast<Bytef *>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  int status = ::inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (status != Z_STREAM_END || stream.total_out != file.size)
    throw std::logic_error("the page's file " + std::string(file.path) +
                           " does not inflate to its size");
  return bytes;
}
