//===- JinjaTest.cpp - Templates: origins of text, limits, errors ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the language means is tested against Jinja2: see test/Templates.
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Json.h"
#include "sherry/text/jinja/Template.h"

#include <gtest/gtest.h>

using namespace sherry::jinja;

static const nlohmann::ordered_json variables = {{"m", "<s> a,b </s>"},
                                                 {"list", {"<s>", "</s>"}},
                                                 {"object", {{"k", "<s>"}}}};

static Text render(std::string_view source, uint64_t maxSteps = 100'000) {
  Entries entries;
  for (const auto &[name, value] : variables.items())
    entries.emplace_back(Text(name), fromJson(value, Origin::Message));
  Environment environment;
  environment.maxSteps = maxSteps;
  return Template(source).render(entries, environment);
}

/// The text with what comes from a message between braces.
static std::string renderMarked(std::string_view source) {
  const Text text = render(source);
  std::string result;
  Origin before = Origin::Template;
  for (size_t i = 0; i < text.size(); ++i) {
    const Origin origin = text.originAt(i);
    if (origin != before)
      result += origin == Origin::Message ? '{' : '}';
    result += text.bytes()[i];
    before = origin;
  }
  return before == Origin::Message ? result + "}" : result;
}

static std::string renderError(std::string_view source,
                               uint64_t maxSteps = 100'000) {
  try {
    return "no error: " + render(source, maxSteps).bytes().substr(0, 100);
  } catch (const Refusal &error) {
    return std::string("refused: ") + error.what();
  } catch (const LocatedError &error) {
    return error.what();
  }
}

TEST(JinjaTest, TextOfMessagesIsKnownWhateverIsMadeOfIt) {
  EXPECT_EQ(renderMarked("<s>{{ m }}</s>"), "<s>{<s> a,b </s>}</s>");
  EXPECT_EQ(renderMarked("{{ '<s>' + m[:5] }}"), "<s>{<s> a}");
  EXPECT_EQ(renderMarked("{{ m[::-1] ~ '|' ~ m[0] }}"), "{>s/< b,a >s<}|{<}");
  EXPECT_EQ(renderMarked("{{ (' ' + m + ' ') | trim }}"), "{<s> a,b </s>}");
  EXPECT_EQ(renderMarked("{{ m.strip('<s') }}"), "{> a,b </s>}");
  EXPECT_EQ(renderMarked("{{ m.replace('a', '<s>') }}"), "{<s> }<s>{,b </s>}");
  EXPECT_EQ(renderMarked("{{ '<s>|' | replace('|', m) }}"),
            "<s>{<s> a,b </s>}");
  EXPECT_EQ(renderMarked("{{ m.split(',')[1] }}"), "{b </s>}");
  EXPECT_EQ(renderMarked("{{ m.split() | join('<s>') }}"),
            "{<s>}<s>{a,b}<s>{</s>}");
  EXPECT_EQ(renderMarked("{{ ','.join(list) }}"), "{<s>},{</s>}");
  EXPECT_EQ(renderMarked("{{ m | upper | capitalize | title }}"),
            "{<S> A,b </s>}");
  EXPECT_EQ(renderMarked("{{ m | tojson }}"), "\"{<s> a,b </s>}\"");
  EXPECT_EQ(renderMarked("{{ object | tojson }}"), "{\"{k}\": \"{<s>}\"}");
  EXPECT_EQ(renderMarked("{{ list }}"), "['{<s>}', '{</s>}']");
  EXPECT_EQ(renderMarked("{{ m | indent(1, true) }}"), " {<s> a,b </s>}");
  EXPECT_EQ(renderMarked("{{ m * 2 }}"), "{<s> a,b </s><s> a,b </s>}");
  EXPECT_EQ(renderMarked("{% set x %}<s>{{ m }}{% endset %}{{ x }}"),
            "<s>{<s> a,b </s>}");
  EXPECT_EQ(renderMarked("{% macro f(x) %}<s>{{ x }}{% endmacro %}{{ f(m) }}"),
            "<s>{<s> a,b </s>}");
  EXPECT_EQ(renderMarked("{% filter replace('a', 'A') %}a{{ m }}"
                         "{% endfilter %}"),
            "A{<s> }A{,b </s>}");
  EXPECT_EQ(renderMarked("{% for c in m %}{{ c }}{% endfor %}"),
            "{<s> a,b </s>}");
  EXPECT_EQ(
      renderMarked("{% set n = namespace(x='') %}{% for k in list %}"
                   "{% set n.x = n.x + '<s>' + k %}{% endfor %}{{ n.x }}"),
      "<s>{<s>}<s>{</s>}");
}

TEST(JinjaTest, ErrorsNameTheLine) {
  EXPECT_EQ(renderError("a\n{{ nothing.more }}"),
            "line 2: 'nothing' is undefined, so it has no 'more'");
  EXPECT_EQ(renderError("{{ m\n  | frobnicate }}"),
            "line 2: the filter 'frobnicate' is not supported");
  EXPECT_EQ(renderError("{{ m is frobnicated }}"),
            "line 1: the test 'frobnicated' is not supported");
  EXPECT_EQ(renderError("{{ m.frobnicate() }}"),
            "line 1: a text has no method 'frobnicate' that is supported");
  EXPECT_EQ(renderError("{{ frobnicate() }}"), "line 1: the function "
                                               "'frobnicate' is undefined or "
                                               "not supported");
  EXPECT_EQ(renderError("\n\n{% include 'x' %}"),
            "line 3: the tag {% include %} is not supported or does not belong "
            "here");
  EXPECT_EQ(renderError("{% if m %}\n{% for x in list %}\n"),
            "line 2: a tag of this line has no {% endfor %}");
  EXPECT_EQ(renderError("{{ 1 + }}"), "line 1: expected a value, not }}");
  EXPECT_EQ(renderError("{{ m + 1 }}"),
            "line 1: '+' between a text and a number is not supported");
  EXPECT_EQ(renderError("{{ m.replace('a', 'b', kount=1) }}"),
            "line 1: replace: the argument kount is not supported");
  EXPECT_EQ(renderError("{{ list.append('x') }}"),
            "line 1: lists do not change, neither here nor in transformers; "
            "use namespace and + instead of 'append'");
  EXPECT_EQ(renderError("{{ raise_exception('no ' + 'roles') }}"),
            "refused: no roles");
  // What is not reached is no error.
  EXPECT_EQ(
      render("{% if tools %}{{ tools | frobnicate }}{% endif %}x").bytes(),
      "x");
}

static std::string repeat(std::string_view text, size_t count) {
  std::string result;
  while (count-- > 0)
    result += text;
  return result;
}

TEST(JinjaTest, NoTemplateTakesForEver) {
  const std::string tooLong = "line 1: the template takes more than 100000 "
                              "steps";
  EXPECT_EQ(renderError("{% for a in range(100) %}{% for b in range(100) %}"
                        "{% for c in range(100) %}{% endfor %}{% endfor %}"
                        "{% endfor %}"),
            tooLong);
  EXPECT_EQ(renderError("{% set n = namespace(x='x') %}{% for i in range(99) "
                        "%}{% set n.x = n.x + n.x %}{% endfor %}"),
            tooLong);
  const uint64_t many = 1'000'000'000;
  EXPECT_EQ(renderError("{{ 'x' * 20000000 }}", many),
            "line 1: a text becomes longer than 16777216 bytes");
  EXPECT_EQ(renderError("{{ ('x' * 10000).replace('x', 'y' * 10000) }}", many),
            "line 1: a text becomes longer than 16777216 bytes");
  EXPECT_EQ(renderError("{{ range(200000) }}", many),
            "line 1: range: more than 100000 numbers");
  EXPECT_EQ(renderError("{{ [0] * 10000000 }}", many),
            "line 1: a list becomes too large");
  EXPECT_EQ(renderError("{% set n = namespace(x=[1]) %}{% for i in range(60) "
                        "%}{% set n.x = [n.x, n.x] %}{% endfor %}",
                        many),
            "line 1: a list or an object becomes too large");
  EXPECT_EQ(renderError("{{ 10 ** 100 }}"),
            "line 1: a number has more than 63 bits");
  EXPECT_EQ(renderError("{{ ' '.strip('x' * 2000) }}"),
            "line 1: strip: more than 1000 bytes of characters");
  EXPECT_EQ(renderError("{{ " + repeat("x", 300) + " }}"),
            "line 1: a name has more than 255 letters");
}

/// "prefix0 middle prefix1 middle ..."
static std::string number(size_t count, const std::string &prefix,
                          const std::string &middle) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += prefix + std::to_string(i) + middle;
  return result;
}

TEST(JinjaTest, WhatIsGoneThroughIsCounted) {
  auto repeated = [](const std::string &expression) {
    return "{% for i in range(1000) %}{% if " + expression +
           " %}{% endif %}{% endfor %}";
  };
  const std::string lists = "{% set l = [range(100) | list] * 100 %}",
                    many = "{% set l = range(1000) | list %}",
                    text = "{% set t = 'x' * 400 %}";
  for (const std::string &source :
       {lists + "{{ l | sum(start=[]) }}",
        // Names, members of objects and of namespaces.
        number(1000, "{% set a", " = 1 %}") + repeated("b"),
        number(2000, "{% set a", " = 1 %}"),
        "{% set o = {" + number(500, "'a", "': 1, ") + "} %}" +
            repeated("o.b or o.b"),
        "{% set o = namespace(" + number(600, "a", "=1, ") + "z=1) %}" +
            repeated("o.b"),
        "{{ [] | map('x', " + number(1000, "a", "=1, ") + "z=1) }}",
        // Arguments, whatever the element is.
        many + "{{ l | select('in', l) | list }}",
        // The letters of a text.
        text + repeated("' '.join(t)"), text + repeated("t | max"),
        "{% set t = '\\n' * 400 %}" + repeated("t | indent"),
        "{% set t = 'x' * 9999 %}" + repeated("t is lower")})
    EXPECT_EQ(renderError(source),
              "line 1: the template takes more than 100000 steps")
        << source.substr(0, 80);
}

TEST(JinjaTest, TextIsFoundInLinearTime) {
  // Both lengths multiplied would take minutes.
  const std::string texts = "{% set a = 'a' * 1000000 %}"
                            "{% set b = 'a' * 500000 %}";
  EXPECT_EQ(render(texts + "{{ b + 'b' in a }} {{ a.find(b + 'b') }} "
                           "{{ a.rfind('b' + b) }} {{ a.count(b + 'b') }} "
                           "{{ a.split(b + 'b') | length }} "
                           "{{ a.rsplit('b' + b) | length }} "
                           "{{ a.replace(b + 'b', '') | length }} "
                           "{{ a | replace(b + 'b', '') | length }}",
                   10'000'000)
                .bytes(),
            "False -1 -1 0 1 1 1000000 1000000");
  EXPECT_EQ(render("{{ 'aXXXb'.find('XX') }} {{ 'aXXXb'.rfind('XX') }} "
                   "{{ 'aXXXb'.split('XX') }} {{ 'aXXXb'.rsplit('XX') }} "
                   "{{ 'aXXXXb'.rsplit('XX', 1) }} {{ 'a'.rfind('') }} "
                   "{{ ''.rfind('a') }} {{ 'XXXXX'.count('XX') }}")
                .bytes(),
            "1 2 ['a', 'Xb'] ['aX', 'b'] ['aXX', 'b'] 1 -1 2");
}

TEST(JinjaTest, MemoryIsLimited) {
  for (const std::string &source : std::vector<std::string>{
           "{{ ('x' * 10000000) | list }}",
           "{% for x in 'x' * 10000000 %}{% endfor %}",
           "{{ ('x ' * 4000000).split() }}",
           "{% set n = namespace(x=[]) %}{% for i in range(1000) %}"
           "{% set n.x = n.x + ['x' * 100000] %}{% endfor %}",
           "{% for i in range(100000) %}{% set n = namespace(" +
               number(99, "a", "=i, ") + "z=i) %}{% endfor %}"})
    EXPECT_EQ(renderError(source, 1'000'000'000),
              "line 1: the template takes more than 67108864 bytes of memory")
        << source;
  // What is gone does not count, neither within a template nor after it.
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(render("{% for i in range(5) %}{% set x = 'x' * 9000000 %}"
                     "{% endfor %}ok",
                     10'000'000)
                  .bytes(),
              "ok");
}

TEST(JinjaTest, NoTemplateGoesTooDeep) {
  EXPECT_EQ(renderError("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
            "line 1: calls lie within each other too deep");
  EXPECT_EQ(renderError("{% set n = namespace(x=[]) %}{% for i in range(99) %}"
                        "{% set n.x = [n.x] %}{% endfor %}"),
            "line 1: lists lie within each other more than 64 levels deep");
  const std::string tooDeep = "line 1: more than 200 levels lie within each "
                              "other";
  const size_t many = 100'000;
  auto print = [](const std::string &text) { return "{{ " + text + " }}"; };
  for (const std::string &source :
       {print(repeat("(", many) + "1" + repeat(")", many)),
        print(repeat("[", many) + repeat("]", many)),
        print(repeat("- ", many) + "1"), print(repeat("not ", many) + "m"),
        print("m" + repeat(" + m", many)), print("m" + repeat("[0]", many)),
        print("m" + repeat("|trim", many)),
        print("m" + repeat(" if m else m", many)), repeat("{% if m %}", many)})
    EXPECT_EQ(renderError(source), tooDeep) << source.substr(0, 20);
}

TEST(JinjaTest, TheLeastOfOneNeedsNoOrder) {
  EXPECT_EQ(render("{{ ([{'a': 1}] | min).a }}").bytes(), "1");
  EXPECT_EQ(render("{{ [nothing] | max }}").bytes(), "");
  EXPECT_EQ(render("{{ [2, 3, 1] | max }}{{ [2, 3, 1] | min }}").bytes(), "31");
}

TEST(JinjaTest, TimeIsThatOfTheEnvironment) {
  Environment environment;
  environment.now.tm_year = 2024 - 1900;
  environment.now.tm_mon = 6;
  environment.now.tm_mday = 26;
  EXPECT_EQ(Template("{{ strftime_now('%d %b %Y, %-d') }}")
                .render({}, environment)
                .bytes(),
            "26 Jul 2024, 26");
  EXPECT_EQ(renderError("{{ strftime_now('%10000000d') }}"),
            "line 1: strftime_now: the format '%10000000d' is not supported");
}
