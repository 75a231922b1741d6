//===- render_template.cpp - Renders templates for tests ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each line of standard input is a JSON object with a "template" and its
// "variables"; each line of the output one with the "text" or an "error". The
// date is the 4th of July 2026.
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Json.h"
#include "sherry/text/jinja/Template.h"

#include <iostream>

using namespace sherry::jinja;
using Json = nlohmann::ordered_json;

static Json render(const Json &input) {
  Environment environment;
  environment.now.tm_year = 2026 - 1900;
  environment.now.tm_mon = 6;
  environment.now.tm_mday = 4;
  environment.now.tm_wday = 6;
  Entries variables;
  for (const auto &[name, value] : input.at("variables").items())
    variables.emplace_back(Text(name), fromJson(value, Origin::Message));
  try {
    const Template form(input.at("template").get<std::string>());
    return {{"text", form.render(variables, environment).bytes()}};
  } catch (const Error &error) {
    return {{"error", error.what()}};
  }
}

int main() {
  for (std::string line; std::getline(std::cin, line);)
    std::cout << render(Json::parse(line))
                     .dump(-1, ' ', /*ensure_ascii=*/true,
                           Json::error_handler_t::replace)
              << "\n";
  return std::cout.flush() ? 0 : 1;
}
