//===- Json.h - JSON from strangers -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers of the readers: JSON without duplicate keys or deep nesting, and
// fields with a type, a range and a good message.
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

/// Reads a file that holds a JSON object, at most 16 MiB.
llvm::Expected<nlohmann::json> readJsonObject(llvm::StringRef path);

/// A member of an object. Null if the member is missing or null, or if `object`
/// is not an object.
const nlohmann::json *member(const nlohmann::json &object,
                             llvm::StringRef name);

/// Text of a value for a message, cut if it is long; also for numbers that JSON
/// cannot write.
std::string printJson(const nlohmann::json &value);

/// Names of the fields of an object in a file that is not JSON, by their paths,
/// such as "rope_scaling.factor".
using FieldNames = std::map<std::string, std::string, std::less<>>;

/// Reads the fields of a JSON object. Keeps the first failure; after it,
/// getters still return a value, and the caller calls takeError() once. A field
/// that is null counts as missing.
class FieldReader {
public:
  /// `error`, empty at first, receives the failure. With `names`, messages name
  /// fields by these keys; `names` must live as long as the reader.
  FieldReader(llvm::StringRef file, const nlohmann::json &object,
              std::string &error, std::string prefix = "",
              const FieldNames *names = nullptr)
      : file(file), object(&object), error(&error), prefix(std::move(prefix)),
        names(names) {}

  /// The value of the field; null if it is missing.
  const nlohmann::json *find(llvm::StringRef name) const;
  bool isEmpty() const { return object->empty(); }
  /// Whether the field exists and is null.
  bool isNull(llvm::StringRef name) const;
  /// The field's name in the file.
  std::string spell(llvm::StringRef name) const;

  /// A reader of the object in field `name`; it shares the error.
  std::optional<FieldReader> getObject(llvm::StringRef name);

  // Without a fallback, the field must exist.
  int64_t getInteger(llvm::StringRef name, int64_t min, int64_t max,
                     std::optional<int64_t> fallback = {});
  double getNumber(llvm::StringRef name, double min, double max,
                   std::optional<double> fallback = {});
  bool getBool(llvm::StringRef name, bool fallback);
  std::string getString(llvm::StringRef name,
                        std::optional<std::string> fallback = {});

  /// Records the error that a field must be `must`.
  void refuse(llvm::StringRef name, const llvm::Twine &must);
  bool failed() const { return !error->empty(); }

private:
  llvm::StringRef file;
  const nlohmann::json *object;
  std::string *error;
  std::string prefix; ///< path of the object, for messages
  const FieldNames *names;
};

} // namespace sherry

#endif // SHERRY_SUPPORT_JSON_H
