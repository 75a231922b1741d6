//===- render_template.cpp - Renders templates for tests ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Standard input is a JSON object: "templates", a list of texts; "variables", a
// list of objects; and "cases", a list of pairs, the place of a template and
// that of its variables. Each line of the output is the JSON object of a case,
// with its "text" or an "error". The date is the 4th of July 2026.
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Json.h"
#include "sherry/text/jinja/Template.h"

#include <iostream>
#include <optional>

using namespace sherry::jinja;
using Json = nlohmann::ordered_json;

namespace {

/// A template that has been read, or why it cannot be.
struct Form {
  explicit Form(const std::string &source) {
    try {
      form.emplace(source);
    } catch (const Error &found) {
      error = found.what();
    }
  }
  std::optional<Template> form;
  std::string error;
};

} // namespace

static Json render(const Form &form, const Json &input) {
  if (!form.form)
    return {{"error", form.error}};
  Environment environment;
  environment.now.tm_year = 2026 - 1900;
  environment.now.tm_mon = 6;
  environment.now.tm_mday = 4;
  environment.now.tm_wday = 6;
  try {
    Entries variables;
    for (const auto &[name, value] : input.items())
      variables.emplace_back(Text(name), fromJson(value, Origin::Message));
    return {{"text", form.form->render(variables, environment).bytes()}};
  } catch (const Error &error) {
    return {{"error", error.what()}};
  }
}

int main() {
  const Json input = Json::parse(std::cin);
  std::vector<Form> forms;
  for (const Json &source : input.at("templates"))
    forms.emplace_back(source.get<std::string>());
  for (const Json &pair : input.at("cases")) {
    const Form &form = forms.at(pair.at(0).get<size_t>());
    const Json &variables = input.at("variables").at(pair.at(1).get<size_t>());
    std::cout << render(form, variables)
                     .dump(-1, ' ', /*ensure_ascii=*/true,
                           Json::error_handler_t::replace)
              << "\n";
  }
  return std::cout.flush() ? 0 : 1;
}
