//===- Json.h - JSON from strangers -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the readers share: JSON without duplicate keys or bottomless nesting,
// and fields with a type, a range and a good message.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_JSON_H
#define SHERRY_SUPPORT_JSON_H

#include "sherry/Support/InputFile.h"
#include "sherry/support/Quote.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sherry {

llvm::Error makeError(const llvm::Twine &message);

using runtime::quote;

std::string joinPath(llvm::StringRef directory, llvm::StringRef file);

/// Parses a JSON object. `offset` is where it starts in the file, for messages.
llvm::Expected<nlohmann::json> parseJsonObject(llvm::StringRef text,
                                               llvm::StringRef file,
                                               uint64_t offset = 0);

/// Reads a file that is a JSON object of at most 16 MiB.
llvm::Expected<nlohmann::json> readJsonObject(llvm::StringRef path);

/// A member of an object; null if there is none, it is null, or `object` is
/// something else.
const nlohmann::json *member(const nlohmann::json &object,
                             llvm::StringRef name);

/// A value in a message: cut if it is long; also numbers that JSON has not.
std::string printJson(const nlohmann::json &value);

/// What the fields of an object are called in a file that is no JSON, by their
/// paths, such as "rope_scaling.factor".
using FieldNames = std::map<std::string, std::string, std::less<>>;

/// Reads the fields of a JSON object. The first failure is kept; from then on
/// getters return what they can, and the caller asks takeError() once. A field
/// that is null is missing.
class FieldReader {
public:
  /// `error`, empty at first, receives the failure. With `names` messages speak
  /// of keys of these names, which live as long as the reader.
  FieldReader(llvm::StringRef file, const nlohmann::json &object,
              std::string &error, std::string prefix = "",
              const FieldNames *names = nullptr)
      : file(file), object(&object), error(&error), prefix(std::move(prefix)),
        names(names) {}

  /// Null if the field is missing.
  const nlohmann::json *find(llvm::StringRef name) const;
  bool isEmpty() const { return object->empty(); }
  /// Whether the field is there and null.
  bool isNull(llvm::StringRef name) const;
  /// The field's name in the file.
  std::string spell(llvm::StringRef name) const;

  /// A reader of the object in field `name`, which shares the error.
  std::optional<FieldReader> getObject(llvm::StringRef name);

  // Without a fallback the field must be there.
  int64_t getInteger(llvm::StringRef name, int64_t min, int64_t max,
                     std::optional<int64_t> fallback = {});
  double getNumber(llvm::StringRef name, double min, double max,
                   std::optional<double> fallback = {});
  bool getBool(llvm::StringRef name, bool fallback);
  std::string getString(llvm::StringRef name,
                        std::optional<std::string> fallback = {});

  /// Records that a field is not as it `must` be.
  void refuse(llvm::StringRef name, const llvm::Twine &must);
  bool failed() const { return !error->empty(); }

private:
  llvm::StringRef file;
  const nlohmann::json *object;
  std::string *error;
  std::string prefix; ///< of names in messages: the object's place
  const FieldNames *names;
};

} // namespace sherry

#endif // SHERRY_SUPPORT_JSON_H
