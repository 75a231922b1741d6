//===- embed.cpp - Turns the files of the web page into C++ ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// sherry-embed-page MANIFEST OUTPUT
//
// A line of the manifest is PATH|FORM|SOURCE, where FORM is
//   file     the source as it is,
//   commonjs a CommonJS module, which becomes an ES module whose default export
//            is module.exports, or
//   text:T   a part of a text with several sources, under the title T.
// The output depends on the bytes of the sources and on zlib alone.
//
//===----------------------------------------------------------------------===//

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <zlib.h>

namespace {

std::runtime_error failure(const std::string &what, const std::string &where) {
  return std::runtime_error(what + ": " + where);
}

std::string readFile(const std::string &name) {
  std::ifstream file(name, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file)
    throw failure("cannot read the file", name);
  return bytes;
}

std::string mediaTypeOf(const std::string &source) {
  static const std::map<std::string, std::string> types = {
      {".css", "text/css; charset=utf-8"},
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".svg", "image/svg+xml"},
  };
  std::size_t dot = source.find_last_of("./");
  auto found = types.find(dot == std::string::npos ? "" : source.substr(dot));
  if (found == types.end())
    throw failure("no media type is known for the file", source);
  return found->second;
}

/// A file of the page, joined from the lines with its path.
struct File {
  std::string mediaType;
  std::string bytes;
};

void addSource(std::map<std::string, File> &files, const std::string &path,
               const std::string &form, const std::string &source) {
  static const std::string titled = "text:";
  std::string bytes = readFile(source);
  if (form.compare(0, titled.size(), titled) == 0) {
    std::string title = form.substr(titled.size());
    File &file = files[path];
    file.mediaType = "text/plain; charset=utf-8";
    file.bytes += (file.bytes.empty() ? "" : "\n\n") + title + "\n" +
                  std::string(title.size(), '=') + "\n\n" + bytes;
    return;
  }
  if (form == "commonjs")
    bytes = "const module = {exports: {}};\nconst exports = module.exports;\n" +
            bytes + "\nexport default module.exports;\n";
  else if (form != "file")
    throw failure("the manifest has an unknown form", form);
  if (!files.emplace(path, File{mediaTypeOf(source), std::move(bytes)}).second)
    throw failure("the manifest has this path twice", path);
}

std::map<std::string, File> readManifest(const std::string &name) {
  std::ifstream manifest(name);
  if (!manifest)
    throw failure("cannot read the manifest", name);
  std::map<std::string, File> files;
  for (std::string line; std::getline(manifest, line);) {
    std::size_t first = line.find('|');
    std::size_t second = line.find('|', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      throw failure("a line of the manifest is not PATH|FORM|SOURCE", line);
    addSource(files, line.substr(0, first),
              line.substr(first + 1, second - first - 1),
              line.substr(second + 1));
  }
  return files;
}

/// Like `gzip -9 -n`: without a name and a time.
std::string compress(const std::string &bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 9,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string result(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef *>(
      const_cast<char *>(bytes.data())); // is only read
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef *>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  int status = deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END)
    throw std::runtime_error("zlib could not compress a file");
  return result;
}

/// 64-bit FNV-1a: only distinguishes versions of a file.
std::string hashOf(const std::string &bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3u;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(hash));
  return digits;
}

/// A string literal of `bytes` on lines of moderate length.
std::string literal(std::string_view bytes) {
  std::string text = "\"";
  std::size_t lineStart = 0;
  for (unsigned char byte : bytes) {
    if (text.size() - lineStart > 110) {
      lineStart = text.size();
      text += "\"\n\"";
    }
    // Always three digits, so that the next character is not part of the
    // escape; '?' could begin a trigraph.
    if (byte >= ' ' && byte < 127 && byte != '"' && byte != '\\' &&
        byte != '?') {
      text += static_cast<char>(byte);
    } else {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\%03o", byte);
      text += escape;
    }
  }
  return text + "\"";
}

void write(const std::map<std::string, File> &files, std::ostream &out) {
  out << "// Made by sherry-embed-page.\n#include \"Page.h\"\n\n"
      << "static const sherry::serve::PageFile files[] = {\n";
  for (const auto &[path, file] : files) {
    std::string gzipped = compress(file.bytes);
    out << "{" << literal(path) << ", " << literal(file.mediaType) << ", "
        << literal('"' + hashOf(file.bytes) + '"') << ",\n{" << literal(gzipped)
        << ", " << gzipped.size() << "}, " << file.bytes.size() << "},\n";
  }
  out << "};\n\nsherry::serve::PageFiles sherry::serve::pageFiles() {\n"
      << "  return {files, sizeof files / sizeof *files};\n}\n";
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::cerr << "Usage: sherry-embed-page MANIFEST OUTPUT\n";
    return 1;
  }
  try {
    std::map<std::string, File> files = readManifest(argv[1]);
    std::ofstream out(argv[2], std::ios::binary);
    write(files, out);
    if (!out.flush())
      throw failure("cannot write the file", argv[2]);
  } catch (const std::exception &error) {
    std::cerr << "sherry-embed-page: error: " << error.what() << '\n';
    return 1;
  }
}
