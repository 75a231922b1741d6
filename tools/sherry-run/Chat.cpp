//===- Chat.cpp - Talks with a model --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Decoder.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;
using Messages = std::vector<ChatMessage>;

static constexpr char help[] =
    "A message is a line; a line that ends in \\ goes on in the next, and what "
    "lies\nbetween two lines of \"\"\" is one message, even if it begins with "
    "/.\n"
    "  /reset      forget the chat, but for the system's message\n"
    "  /save FILE  write the chat to a file\n"
    "  /load FILE  go on with the chat of a file\n"
    "  /help       print this\n"
    "  /exit       end, as does the end of the input\n"
    "Ctrl-C ends an answer, drops a message that is still being read, and ends "
    "the\nprogram at the prompt.\n";

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static Messages loadMessages(const std::string &path) {
  auto fail = [&](const std::string &what) {
    throw std::runtime_error(path + ": " + what);
  };
  const std::string text = readText(path);
  if (text.empty())
    return {};
  const auto list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_array())
    fail("is no JSON list of messages");
  Messages messages;
  for (const auto &entry : list) {
    const std::string where =
        "message " + std::to_string(messages.size()) + " ";
    const auto role = entry.find("role"), content = entry.find("content");
    if (!entry.is_object() || role == entry.end() || content == entry.end() ||
        !content->is_string())
      fail(where + "must be an object with a role and a text as content");
    // A system's message may come first, then user and assistant take turns.
    const bool isFirst = messages.empty();
    const bool isAnswer = !isFirst && messages.back().role == Role::User;
    const Role expected = isAnswer ? Role::Assistant : Role::User;
    if (isFirst && *role == nameOf(Role::System))
      messages.push_back({Role::System, *content});
    else if (*role == nameOf(expected))
      messages.push_back({expected, *content});
    else
      fail(where + "must be of the " + nameOf(expected));
  }
  if (!messages.empty() && messages.back().role == Role::User)
    fail("the last message has no answer");
  return messages;
}

static void saveMessages(const std::string &path, const Messages &messages) {
  auto list = nlohmann::ordered_json::array();
  for (const ChatMessage &message : messages)
    list.push_back(
        {{"role", nameOf(message.role)}, {"content", message.content}});
  OutputFile file(path);
  file.write(list.dump(1, ' ', false,
                       nlohmann::ordered_json::error_handler_t::replace) +
             "\n");
  file.commit();
}

//===----------------------------------------------------------------------===//
// The chat
//===----------------------------------------------------------------------===//

namespace {

class Chat {
public:
  Chat(const sherry_model *model, const Options &options);

  /// Forgets all and begins with these messages. If the user interrupts, there
  /// are none, and the result is false.
  bool begin(Messages before);
  /// Answers a question. If the user interrupts before it has been read, it is
  /// as if it had not been asked, and the result is false.
  bool answer(const std::string &question);

  const Messages &getMessages() const { return messages; }
  /// The chat without what was said but for the system's message.
  Messages getBeginning() const;
  void printStatistics(double loadSeconds) const {
    decoder.printStatistics(loadSeconds);
  }

private:
  /// A message of the system, or of the user and the beginning of the answer.
  ChatParts write(const ChatMessage &message) const;
  void addTokens(const ChatParts &parts);
  bool readPending();

  const sherry_model *model;
  const Options &options;
  const ChatTemplate *form;
  Decoder decoder;
  Messages messages;
  std::vector<int32_t> pending; ///< of messages and answers, not read yet
  int32_t endToken = -1;
  Options answerOptions;
};

} // namespace

static const ChatTemplate *chooseTemplate(const sherry_model *model,
                                          const Options &options) {
  if (!options.chatTemplate.empty())
    return ChatTemplate::byName(options.chatTemplate); // a name of the list
  const auto metadata = nlohmann::json::parse(sherry_model_metadata(model));
  const std::string jinja = metadata.value("chat_template", std::string());
  if (const ChatTemplate *form = ChatTemplate::recognize(jinja))
    return form;
  throw std::runtime_error(
      std::string(jinja.empty() ? "the model has no chat template"
                                : "the model's chat template is not known") +
      "; give the one that it was trained with by --template: " +
      ChatTemplate::listNames());
}

Chat::Chat(const sherry_model *model, const Options &options)
    : model(model), options(options), form(chooseTemplate(model, options)),
      decoder(model, options), answerOptions(options) {
  const ChatParts end = form->endAnswer();
  const std::vector<int32_t> tokens = tokenizeChat(model, {end.front()});
  if (tokens.size() == 1)
    endToken = tokens[0];
  else // a model without this token may say it letter by letter
    answerOptions.stops.push_back(end.front().text);
}

ChatParts Chat::write(const ChatMessage &message) const {
  ChatParts parts = form->write(message, messages);
  if (message.role == Role::User)
    for (ChatPart &part : form->beginAnswer())
      parts.push_back(std::move(part));
  return parts;
}

void Chat::addTokens(const ChatParts &parts) {
  const std::vector<int32_t> tokens = tokenizeChat(model, parts);
  pending.insert(pending.end(), tokens.begin(), tokens.end());
}

/// False if the user interrupts.
bool Chat::readPending() {
  if (!decoder.append(pending))
    return false;
  pending.clear();
  return true;
}

Messages Chat::getBeginning() const {
  const bool hasSystem =
      !messages.empty() && messages.front().role == Role::System;
  return hasSystem ? Messages{messages.front()} : Messages{};
}

bool Chat::begin(Messages before) {
  decoder.reset();
  messages.clear();
  pending = tokenize(model, "", options.bos ? SHERRY_TOKENIZE_BOS : 0);
  for (ChatMessage &message : before) {
    if (message.role == Role::Assistant) {
      addTokens({{message.content, false}});
      addTokens(form->endAnswer());
    } else {
      if (message.role == Role::User) {
        if (!readPending()) {
          begin({});
          return false;
        }
        if (messages.empty() || messages.back().role == Role::System)
          decoder.keepAll();
        decoder.markTurn();
      }
      addTokens(write(message));
    }
    messages.push_back(std::move(message));
  }
  return true;
}

bool Chat::answer(const std::string &question) {
  if (!readPending())
    return false;
  if (messages.empty() || messages.back().role == Role::System)
    decoder.keepAll();
  decoder.markTurn();
  const ChatMessage message = {Role::User, question};
  if (!decoder.append(tokenizeChat(model, write(message))))
    return false;
  Answer answer(model, answerOptions);
  const EndReason reason = decoder.answer(answer, endToken);
  answer.end(reason);
  if (reason == EndReason::ContextFull && !options.quiet)
    std::fputs("sherry-run: the context is full: /reset, or start with "
               "--context-shift or a larger --ctx\n",
               stderr);
  messages.push_back(message);
  messages.push_back({Role::Assistant, answer.text()});
  // A text that ended the answer is not part of it, and tokens are those that
  // its text would be read as.
  pending = decoder.replaceAnswer(
      tokenizeChat(model, {{answer.text(), /*isSpecial=*/false}}));
  addTokens(form->endAnswer());
  return true;
}

//===----------------------------------------------------------------------===//
// The user
//===----------------------------------------------------------------------===//

/// False at the end of the input and if the user interrupts. `isQuoted`: the
/// message is no command, whatever it begins with.
static bool readMessage(LineReader &input, std::string &message,
                        bool &isQuoted) {
  static constexpr char fence[] = "\"\"\"";
  const bool isTerminal = isatty(STDIN_FILENO);
  auto ask = [&](const char *prompt) {
    if (isTerminal)
      std::fputs(prompt, stderr);
  };
  ask("> ");
  std::string line;
  if (!input.next(message))
    return false;
  isQuoted = message == fence;
  if (isQuoted) {
    message.clear();
    for (ask(". "); input.next(line) && line != fence; ask(". "))
      message += (message.empty() ? "" : "\n") + line;
    return true;
  }
  while (!message.empty() && message.back() == '\\') {
    message.back() = '\n';
    ask(". ");
    if (!input.next(line))
      break;
    message += line;
  }
  return true;
}

/// Obeys a command. Returns false if the chat is over.
static bool obey(Chat &chat, const std::string &command) {
  const size_t space = command.find(' ');
  const std::string name = command.substr(0, space);
  const std::string argument =
      space == std::string::npos ? "" : command.substr(space + 1);
  if (name == "/exit")
    return false;
  if (name == "/reset")
    chat.begin(chat.getBeginning());
  else if (name == "/save" && !argument.empty())
    saveMessages(argument, chat.getMessages());
  else if (name == "/load" && !argument.empty()) {
    if (!chat.begin(loadMessages(argument)))
      std::fputs("sherry-run: interrupted: the chat is empty now\n", stderr);
  } else
    std::fputs(help, stderr);
  return true;
}

/// False if the chat is over.
static bool takeTurn(Chat &chat, const Options &options,
                     const std::string &message, bool isQuoted) {
  if (message.empty())
    return true;
  if (message.front() == '/' && !isQuoted)
    return obey(chat, message);
  if (!chat.answer(message))
    std::fputs("sherry-run: interrupted: the message is dropped\n", stderr);
  else if (!options.history.empty())
    saveMessages(options.history, chat.getMessages());
  return true;
}

/// The chat of the history, or its first message.
static Messages findBeginning(const Options &options) {
  Messages messages;
  if (!options.history.empty() && access(options.history.c_str(), F_OK) == 0)
    messages = loadMessages(options.history);
  if (options.system.empty())
    return messages;
  if (messages.empty())
    messages.push_back({Role::System, options.system});
  if (messages.front().role != Role::System ||
      messages.front().content != options.system)
    throw std::runtime_error(
        options.history + ": the chat does not begin with the message that "
                          "--system gives; leave --system out, or take another "
                          "--history");
  return messages;
}

void sherry::run::chat(const sherry_model *model, const Options &options,
                       double loadSeconds) {
  Chat chat(model, options);
  if (!chat.begin(findBeginning(options)))
    return;

  LineReader input("-");
  const bool isTerminal = isatty(STDIN_FILENO);
  if (isTerminal && !options.quiet)
    std::fputs(help, stderr);
  while (true) {
    std::string message;
    bool isQuoted;
    awaitInterrupt(/*restart=*/false);
    if (!readMessage(input, message, isQuoted) || interrupted())
      break;
    awaitInterrupt(/*restart=*/true);
    try {
      if (!takeTurn(chat, options, message, isQuoted))
        break;
    } catch (const OutputClosed &) {
      throw;
    } catch (const std::exception &error) {
      // Somebody can do something about it, or what follows makes no sense.
      if (!isTerminal)
        throw;
      std::fprintf(stderr, "sherry-run: error: %s\n", error.what());
    }
  }
  if (!options.quiet)
    chat.printStatistics(loadSeconds);
}
