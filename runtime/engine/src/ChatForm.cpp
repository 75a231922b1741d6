//===- ChatForm.cpp - Turns chats into tokens -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/ChatForm.h"
#include "sherry-abi/metadata.h"
#include "sherry/engine/Tokens.h"
#include "sherry/owners.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::engine;
using Json = nlohmann::json;

static constexpr char remedy[] =
    "; give the template that it was trained with by --template FILE";

static ChatTemplate parse(const std::string &jinja, const std::string &origin) {
  try {
    return ChatTemplate(jinja);
  } catch (const jinja::Error &error) {
    throw std::runtime_error(origin + ": " + error.what() + remedy);
  }
}

/// The text of the template, and its name in messages.
static std::string chooseTemplate(const sherry_model *model,
                                  const ChatFormOptions &options,
                                  std::string &origin) {
  if (options.jinja) {
    origin = options.origin;
    return *options.jinja;
  }
  origin = "the model's chat template";
  const std::string jinja = Json::parse(sherry_model_metadata(model))
                                .value(metadata::kChatTemplate, std::string());
  if (jinja.empty())
    throw std::runtime_error(std::string("the model has no chat template") +
                             remedy);
  return jinja;
}

/// The name of a special token: from the files of the model or, if they have
/// none, the name of the token.
static std::optional<std::string> findName(const sherry_model *model,
                                           const Json &description,
                                           const char *field, int32_t token) {
  const Json names =
      description.value(metadata::kSpecialTokens, Json::object());
  const auto name = names.find(field);
  if (name != names.end())
    return name->is_string() ? std::optional(name->get<std::string>())
                             : std::nullopt;
  if (token < 0 || !sherry_model_has_tokenizer(model))
    return std::nullopt;
  return std::string(bytesOf(model, token));
}

static ChatSetting describe(const sherry_model *model,
                            const ChatFormOptions &options) {
  const Json description = Json::parse(sherry_model_metadata(model));
  const auto ends = description.find(metadata::kEosTokenIds);
  const bool hasEnd = ends != description.end() && !ends->empty();
  ChatSetting setting;
  setting.bosToken =
      findName(model, description, "bos_token", sherry_model_bos_token(model));
  setting.eosToken = findName(model, description, "eos_token",
                              hasEnd ? ends->front().get<int32_t>() : -1);
  setting.thinking = options.thinking;
  return setting;
}

ChatForm::ChatForm(const sherry_model *model, const ChatFormOptions &options)
    : model(model), form(parse(chooseTemplate(model, options, origin), origin)),
      defaults(describe(model, options)), date(options.date),
      wantsBos(options.bos),
      bosOfTokenizer(engine::tokenize(model, "", SHERRY_TOKENIZE_BOS)),
      bosTokens(bosOfTokenizer) {
  if (const auto token = findToken(defaults.bosToken))
    bosTokens.push_back(*token);
  if (sherry_model_bos_token(model) >= 0)
    bosTokens.push_back(sherry_model_bos_token(model));
  probe(options);
  findEnds();
}

ChatSetting ChatForm::setting() const {
  ChatSetting result = defaults;
  const std::time_t now = std::time(nullptr);
  if (date)
    result.now = *date;
  else
    localtime_r(&now, &result.now);
  return result;
}

ChatParts ChatForm::write(const jinja::Value &messages,
                          const ChatSetting &setting, ChatEnd end) const {
  try {
    return form.write(messages, setting, end);
  } catch (const jinja::Refusal &error) {
    throw jinja::Refusal(origin + " does not take this chat: " + error.what());
  } catch (const jinja::Error &error) {
    throw std::runtime_error(origin + ": " + error.what() + remedy);
  }
}

/// Renders a first question, to check that the template works and uses the
/// options that are set.
void ChatForm::probe(const ChatFormOptions &options) const {
  std::vector<ChatMessage> messages;
  if (!options.system.empty())
    messages.push_back({Role::System, options.system});
  messages.push_back({Role::User, "q"});
  auto join = [&](const ChatSetting &variant) {
    std::string text;
    for (const ChatPart &part :
         write(toValue(messages), variant, ChatEnd::BeforeAnswer))
      text += part.text;
    return text;
  };
  const ChatSetting setting = this->setting();
  const std::string text = join(setting);
  ChatSetting variant = setting;
  variant.thinking = !setting.thinking.value_or(false);
  if (options.thinking && join(variant) == text)
    throw std::runtime_error(
        origin + " does not ask for enable_thinking; leave --thinking and "
                 "--no-thinking out");
  // Some templates write only the day and the month.
  variant = setting;
  variant.now.tm_year += 1;
  variant.now.tm_mon = (setting.now.tm_mon + 1) % 12;
  variant.now.tm_mday = setting.now.tm_mday % 28 + 1;
  variant.now.tm_wday = (setting.now.tm_wday + 1) % 7;
  variant.now.tm_yday = (setting.now.tm_yday + 1) % 365;
  if (options.date && join(variant) == text)
    throw std::runtime_error(origin + " writes no date; leave --date out");
}

std::optional<int32_t>
ChatForm::findToken(const std::optional<std::string> &name) const {
  if (!name || name->empty())
    return std::nullopt;
  const std::vector<int32_t> tokens =
      tokenizeChat(model, {{*name, /*isSpecial=*/true}});
  return tokens.size() == 1 ? std::optional(tokens[0]) : std::nullopt;
}

void ChatForm::findEnds() {
  if (const auto token = findToken(defaults.eosToken))
    ends.push_back(*token);
  const std::string end = form.findAnswerEnd(defaults);
  if (end.empty())
    return;
  // A model without a token of this name may write it letter by letter.
  const bool isName = end.front() == '<' && end.find('>') != std::string::npos;
  endWord = isName ? end.substr(0, end.find('>') + 1)
                   : end.substr(0, end.find_first_of("\r\n"));
  endWord.erase(endWord.find_last_not_of(" \t") + 1);
  const auto found = findSpecialToken(end);
  if (!found)
    return;
  ends.push_back(found->token);
  // Special tokens give no text, so a text with their names never occurs; and
  // the text before the name, such as a full stop, may occur in any answer.
  if (found->place < endWord.size())
    endWord.clear();
}

std::optional<ChatForm::PlacedToken>
ChatForm::findSpecialToken(const std::string &text) const {
  for (int32_t token : tokenizeChat(model, {{text, /*isSpecial=*/true}})) {
    const std::string name(bytesOf(model, token));
    const size_t place = name.empty() ? std::string::npos : text.find(name);
    if (place != std::string::npos &&
        tokenizeChat(model, {{name, /*isSpecial=*/true}}) !=
            tokenizeChat(model, {{name, /*isSpecial=*/false}}))
      return PlacedToken{token, place};
  }
  return std::nullopt;
}

std::vector<int32_t> ChatForm::tokenize(const ChatParts &parts) const {
  std::vector<int32_t> tokens = tokenizeChat(model, parts);
  const bool hasBos =
      !tokens.empty() && std::find(bosTokens.begin(), bosTokens.end(),
                                   tokens[0]) != bosTokens.end();
  if (hasBos && !wantsBos)
    tokens.erase(tokens.begin());
  else if (!hasBos && wantsBos)
    tokens.insert(tokens.begin(), bosOfTokenizer.begin(), bosOfTokenizer.end());
  if (tokens.empty())
    throw std::runtime_error(origin + " writes nothing for this chat");
  return tokens;
}

std::vector<int32_t>
ChatForm::tokenize(const std::vector<ChatMessage> &messages) const {
  return tokenize(write(toValue(messages), setting(), ChatEnd::BeforeAnswer));
}
