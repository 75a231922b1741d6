//===- Chat.cpp - Talks with a model --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/engine/Chat.h"
#include "Answer.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;
using engine::Messages;

static constexpr char help[] =
    "A message is a line; a line that ends in \\ goes on in the next, and the "
    "lines\nbetween two lines of \"\"\" are one message, even if it begins "
    "with "
    "/.\n"
    "  /reset      forget the chat except for the system's message\n"
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
    fail("is not a JSON list of messages");
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

static engine::ChatForm makeForm(const sherry_model *model,
                                 const Options &options) {
  engine::ChatFormOptions formOptions;
  if (!options.chatTemplate.empty()) {
    formOptions.jinja = readText(options.chatTemplate);
    formOptions.origin = "--template " + options.chatTemplate;
  }
  formOptions.thinking = options.thinking;
  formOptions.date = options.date;
  formOptions.system = options.system;
  formOptions.bos = options.bos;
  return {model, formOptions};
}

namespace {

/// A chat whose answers are printed.
class PrintedChat {
public:
  PrintedChat(const sherry_model *model, const Options &options)
      : model(model), options(options), form(makeForm(model, options)),
        engine(makeEngine(model, options)), chat(*engine, form),
        sampler(check(sherry_sampler_create(&options.sampling)),
                sherry_sampler_destroy),
        answerOptions(options) {
    answerOptions.echo = false;
  }

  /// Answers a question. If the user interrupts before it has been read,
  /// removes it and returns false.
  bool answer(const std::string &question);
  engine::Chat &get() { return chat; }
  void printStatistics(double loadSeconds) const {
    run::printStatistics(*engine, options, loadSeconds);
  }

private:
  [[noreturn]] void fail(const engine::PromptTooLong &error) const;

  const sherry_model *model;
  const Options &options;
  const engine::ChatForm form;
  const std::unique_ptr<engine::Engine> engine;
  engine::Chat chat;
  const std::shared_ptr<sherry_sampler> sampler; ///< of all answers
  Options answerOptions;
};

} // namespace

void PrintedChat::fail(const engine::PromptTooLong &error) const {
  throw std::runtime_error(
      std::to_string(error.size) + " tokens are more than the " +
      std::to_string(error.capacity) +
      " positions of the context; use a larger --ctx (the model allows " +
      std::to_string(sherry_model_max_context(model)) + "), or " +
      (!options.contextShift ? "--context-shift to forget the oldest tokens"
       : options.keep > 0
           ? "let fewer than the first " + std::to_string(options.keep) +
                 " be kept, by a smaller --keep or a shorter beginning"
           : "a shorter message"));
}

bool PrintedChat::answer(const std::string &question) {
  engine::Request request;
  request.sampler = sampler;
  Answer answer(model, answerOptions);
  answer.attachTo(request);
  bool wasDropped = false;
  request.onEnd =
      [&, printEnd = std::move(request.onEnd)](const engine::EndEvent &event) {
        wasDropped = !event.hasReadPrompt;
        if (!wasDropped)
          printEnd(event);
      };
  try {
    chat.ask(question, std::move(request));
  } catch (const engine::PromptTooLong &error) {
    fail(error);
  }
  engine->run();
  if (!wasDropped && answer.end()->reason == engine::EndReason::ContextFull &&
      !options.quiet)
    std::fputs("sherry-run: the context is full: /reset, or start with "
               "--context-shift or a larger --ctx\n",
               stderr);
  return !wasDropped;
}

//===----------------------------------------------------------------------===//
// The user
//===----------------------------------------------------------------------===//

/// Reads a message. Returns false at the end of the input, or if the user
/// interrupts. Sets `isQuoted` if the message is never a command.
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

/// Executes a command. Returns false if the chat is over.
static bool obey(engine::Chat &chat, const std::string &command) {
  const size_t space = command.find(' ');
  const std::string name = command.substr(0, space);
  const std::string argument =
      space == std::string::npos ? "" : command.substr(space + 1);
  if (name == "/exit")
    return false;
  if (name == "/reset")
    chat.begin(chat.beginning());
  else if (name == "/save" && !argument.empty())
    saveMessages(argument, chat.messages());
  else if (name == "/load" && !argument.empty())
    chat.begin(loadMessages(argument));
  else
    std::fputs(help, stderr);
  return true;
}

/// Handles a message or a command. Returns false if the chat is over.
static bool takeTurn(PrintedChat &chat, const Options &options,
                     const std::string &message, bool isQuoted) {
  if (message.empty())
    return true;
  if (message.front() == '/' && !isQuoted)
    return obey(chat.get(), message);
  if (!chat.answer(message))
    std::fputs("sherry-run: interrupted: the message is dropped\n", stderr);
  else if (!options.history.empty())
    saveMessages(options.history, chat.get().messages());
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
  PrintedChat chat(model, options);
  chat.get().begin(findBeginning(options));

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
      // At a terminal the user can react; otherwise later messages make no
      // sense.
      if (!isTerminal)
        throw;
      std::fprintf(stderr, "sherry-run: error: %s\n", error.what());
    }
  }
  if (!options.quiet)
    chat.printStatistics(loadSeconds);
}
