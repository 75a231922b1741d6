//===- Disjoint.cpp - Schemas that no value meets together ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Schema.h"

#include <algorithm>

using namespace sherry::grammar;

namespace {

constexpr unsigned kMaxSteps = 8; ///< into properties and references

/// The schema at the end of a few references.
const Json *follow(const Json &root, const Json *schema, Budget &budget) {
  for (unsigned i = 0; i < kMaxSteps; ++i) {
    const Json *reference = find(*schema, "$ref");
    if (!reference)
      return schema;
    // Members of objects on the way are searched one by one.
    budget.spend(
        reference->is_string()
            ? 1000 * (1 + std::count(
                              reference->get_ref<const std::string &>().begin(),
                              reference->get_ref<const std::string &>().end(),
                              '/'))
            : 1);
    schema = &resolve(root, *reference);
  }
  return schema;
}

/// The types that valid values may have; a superset of them.
unsigned possibleTypes(const Json &schema) {
  unsigned types = namedTypes(schema).value_or(kAllTypes);
  const std::vector<const Json *> values = listedValues(schema);
  if (values.empty())
    return types;
  unsigned listed = 0;
  for (const Json *value : values)
    listed |= typeOf(*value);
  return types & listed;
}

bool haveNoneInCommon(const std::vector<const Json *> &a,
                      const std::vector<const Json *> &b, Budget &budget) {
  if (a.empty() || b.empty())
    return false;
  for (const Json *left : a)
    for (const Json *right : b) {
      // The most time of a comparison of two strings.
      budget.spend(1 + (left->is_string()
                            ? left->get_ref<const std::string &>().size() / 16
                            : 0));
      // Objects are equal if they have the same members in any order.
      const bool isDeep = left->is_structured() && right->is_structured();
      if (isDeep || *left == *right)
        return false;
    }
  return true;
}

/// Calls `function` with the schemas of each property that both require, until
/// it returns true.
template <typename Function>
bool anyRequiredByBoth(const Json &a, const Json &b, Budget &budget,
                       const Function &function) {
  const Json *lists[] = {find(a, "required"), find(b, "required")};
  const Json *properties[] = {find(a, "properties"), find(b, "properties")};
  for (unsigned i = 0; i < 2; ++i)
    if (!lists[i] || !lists[i]->is_array() || !properties[i])
      return false;
  for (const Json &name : *lists[0]) {
    budget.spend(1 + lists[1]->size() + properties[0]->size() +
                 properties[1]->size());
    if (!name.is_string() ||
        std::find(lists[1]->begin(), lists[1]->end(), name) == lists[1]->end())
      continue;
    const auto &text = name.get_ref<const std::string &>();
    const Json *left = find(*properties[0], text);
    const Json *right = find(*properties[1], text);
    if (left && right && function(*left, *right))
      return true;
  }
  return false;
}

} // namespace

bool sherry::grammar::areDisjoint(const Json &root, const Json &first,
                                  const Json &second, Budget &budget,
                                  unsigned depth) {
  if (depth == kMaxSteps)
    return false;
  const Json &a = *follow(root, &first, budget),
             &b = *follow(root, &second, budget);
  budget.spend(1);
  const unsigned common = possibleTypes(a) & possibleTypes(b);
  if (common == 0 || haveNoneInCommon(listedValues(a), listedValues(b), budget))
    return true;
  return common == kObject &&
         anyRequiredByBoth(a, b, budget, [&](const Json &x, const Json &y) {
           return areDisjoint(root, x, y, budget, depth + 1);
         });
}
