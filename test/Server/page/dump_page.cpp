//===- dump_page.cpp - Writes what sherry-serve has of its page -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// sherry-dump-page FOLDER
//
// Writes FOLDER/files.json, a list of {path, mediaType, etag, size, file}, and
// the gzipped bytes of each file. Fails if one does not inflate to its size.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

using namespace sherry::serve;

static void writeFile(const std::string &name, std::string_view bytes) {
  std::ofstream file(name, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush())
    throw std::runtime_error("cannot write the file: " + name);
}

static nlohmann::json dump(const PageFile &file, const std::string &folder,
                           const std::string &name) {
  if (findPageFile(file.path) != &file || inflate(file).size() != file.size)
    throw std::runtime_error("the page is broken at " + std::string(file.path));
  writeFile(folder + "/" + name, file.gzipped);
  return {{"path", file.path},
          {"mediaType", file.mediaType},
          {"etag", file.etag},
          {"size", file.size},
          {"file", name}};
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "Usage: sherry-dump-page FOLDER\n";
    return 1;
  }
  try {
    std::string folder = argv[1];
    nlohmann::json list = {{"policy", pagePolicy}};
    for (const PageFile &file : pageFiles())
      list["files"].push_back(
          dump(file, folder, std::to_string(list["files"].size()) + ".gz"));
    if (findPageFile("/page/none"))
      throw std::runtime_error("a file that does not exist is found");
    writeFile(folder + "/files.json", list.dump(1));
  } catch (const std::exception &error) {
    std::cerr << "sherry-dump-page: error: " << error.what() << '\n';
    return 1;
  }
}
