//===- Chat.cpp - Talks with a model --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "ChatForm.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;

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

  /// Forgets all and begins with these messages.
  void begin(Messages before);
  /// Answers a question. If the user interrupts before it has been read, it is
  /// as if it had not been asked, and the result is false.
  bool answer(const std::string &question);

  const Messages &getMessages() const { return messages; }
  /// The chat without what was said but for the system's message.
  Messages getBeginning() const;
  void printStatistics(double loadSeconds) const {
    run::printStatistics(*engine, options, loadSeconds);
  }

private:
  std::vector<int32_t> makePrompt();
  std::vector<int32_t> write(size_t first) const;
  size_t countTokensBefore(size_t question) const;
  size_t countKept() const;
  std::vector<int32_t> shorten();

  const sherry_model *model;
  const Options &options;
  const ChatForm form;
  const std::unique_ptr<engine::Engine> engine;
  const std::shared_ptr<sherry_sampler> sampler; ///< of all answers
  Messages messages;
  // What the model sees: messages in front that are kept, and those from a
  // question on.
  size_t numKept = 0, firstShown = 0;
  Options answerOptions;
};

} // namespace

Chat::Chat(const sherry_model *model, const Options &options)
    : model(model), options(options), form(model, options),
      engine(makeEngine(model, options)),
      sampler(check(sherry_sampler_create(&options.sampling)),
              sherry_sampler_destroy),
      answerOptions(options) {
  answerOptions.echo = false;
  if (!form.endText().empty())
    answerOptions.stops.push_back(form.endText());
}

Messages Chat::getBeginning() const {
  const bool hasSystem =
      !messages.empty() && messages.front().role == Role::System;
  return hasSystem ? Messages{messages.front()} : Messages{};
}

void Chat::begin(Messages before) {
  messages = std::move(before);
  numKept = firstShown = 0;
}

/// The tokens of what the model sees, if its questions begin with `first`.
std::vector<int32_t> Chat::write(size_t first) const {
  Messages shown(messages.begin(),
                 messages.begin() + static_cast<ptrdiff_t>(numKept));
  shown.insert(shown.end(),
               messages.begin() +
                   static_cast<ptrdiff_t>(std::max(first, numKept)),
               messages.end());
  return form.tokenize(shown, /*beginsAnswer=*/true);
}

/// The tokens that come before what a question says. Templates may refuse a
/// chat that ends before it, so what two questions have in common counts.
size_t Chat::countTokensBefore(size_t question) const {
  Messages shown(messages.begin(),
                 messages.begin() + static_cast<ptrdiff_t>(question));
  shown.push_back({Role::User, "a"});
  const auto one = form.tokenize(shown, /*beginsAnswer=*/true);
  shown.back().content = "b";
  const auto other = form.tokenize(shown, /*beginsAnswer=*/true);
  const auto end =
      std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first;
  return static_cast<size_t>(end - one.begin());
}

/// Messages that are never forgotten: that of the system, and turns that begin
/// within the first tokens that the options say.
size_t Chat::countKept() const {
  size_t count = getBeginning().size();
  while (options.keep > 0 && count + 1 < messages.size() &&
         (count == 0 || countTokensBefore(count) < options.keep))
    count += 2;
  return count;
}

/// Forgets the oldest turns, about half of what may be forgotten. The result is
/// what the model sees then; nothing if only the question is left.
std::vector<int32_t> Chat::shorten() {
  const size_t question = messages.size() - 1;
  numKept = countKept();
  firstShown = std::max(firstShown, numKept);
  if (firstShown >= question)
    return {};
  const size_t least = write(question).size();
  std::vector<int32_t> prompt = write(firstShown);
  const size_t wanted = least + (prompt.size() - least) / 2;
  do
    prompt = write(firstShown += 2);
  while (firstShown < question && prompt.size() > wanted);
  return prompt;
}

/// The chat up to where the model answers the last question.
std::vector<int32_t> Chat::makePrompt() {
  std::vector<int32_t> prompt = write(firstShown);
  while (options.contextShift && prompt.size() > engine->capacity()) {
    std::vector<int32_t> shorter = shorten();
    if (shorter.empty())
      break;
    prompt = std::move(shorter);
  }
  if (prompt.size() > engine->capacity())
    throw std::runtime_error(
        std::to_string(prompt.size()) + " tokens are more than the " +
        std::to_string(engine->capacity()) +
        " positions of the context; use a larger --ctx (the model allows " +
        std::to_string(sherry_model_max_context(model)) + "), or " +
        (!options.contextShift ? "--context-shift to forget what is oldest"
         : options.keep > 0
             ? "let fewer than the first " + std::to_string(options.keep) +
                   " be kept, by a smaller --keep or a shorter beginning"
             : "a shorter message"));
  return prompt;
}

bool Chat::answer(const std::string &question) {
  messages.push_back({Role::User, question});
  try {
    engine::Request request;
    request.prompt = makePrompt();
    request.sampler = sampler;
    request.endTokens = form.endTokens();
    request.shorten = [this] { return shorten(); };
    Answer answer(model, answerOptions);
    answer.attachTo(request);
    bool wasDropped = false;
    request.onEnd = [&, printEnd = std::move(request.onEnd)](
                        const engine::EndEvent &event) {
      wasDropped = !event.hasReadPrompt;
      if (!wasDropped)
        printEnd(event);
    };
    engine->submit(std::move(request));
    runToEnd(*engine);
    if (wasDropped) {
      messages.pop_back();
      return false;
    }
    if (answer.end()->reason == engine::EndReason::ContextFull &&
        !options.quiet)
      std::fputs("sherry-run: the context is full: /reset, or start with "
                 "--context-shift or a larger --ctx\n",
                 stderr);
    messages.push_back({Role::Assistant, answer.text()});
  } catch (...) {
    messages.pop_back();
    throw;
  }
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
  else if (name == "/load" && !argument.empty())
    chat.begin(loadMessages(argument));
  else
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
  chat.begin(findBeginning(options));

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
