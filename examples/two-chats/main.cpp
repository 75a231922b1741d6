//===- main.cpp - Two chats at once -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// two-chats MODEL.so TEMPLATE [COUNT] asks in two chats of one engine, whose
// answers of COUNT tokens at most are evaluated together, block by block, and
// prints what each one says as it comes. TEMPLATE is a file with a Jinja
// template; "-" is the model's own.
//
//===----------------------------------------------------------------------===//
#include <sherry/engine/Chat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace sherry;

/// A chat and the lines that it prints.
struct Speaker {
  Speaker(const char *name, engine::Engine &engine,
          const engine::ChatForm &form)
      : name(name), chat(engine, form) {
    sherry_sampler_options sampling = engine::greedySampling();
    sampling.temperature = 0.7F;
    sampling.seed = 1;
    sampler.reset(check(sherry_sampler_create(&sampling)),
                  sherry_sampler_destroy);
  }

  void ask(const std::string &question, int64_t maxTokens) {
    engine::Request request;
    request.sampler = sampler;
    request.maxTokens = maxTokens;
    request.onToken = [this](const engine::TokenEvent &event) {
      std::printf("%s + %s\n", name, event.text.c_str());
      std::fflush(stdout);
    };
    request.onEnd = [this](const engine::EndEvent &) {
      std::printf("%s: %s\n", name, chat.messages().back().content.c_str());
    };
    chat.ask(question, std::move(request));
  }

  const char *name;
  engine::Chat chat;
  std::shared_ptr<sherry_sampler> sampler; ///< of all answers
};

static void talk(const char *path, const std::string &chatTemplate,
                 int64_t maxTokens) {
  const Model model(check(sherry_model_open(path, SHERRY_WEIGHTS_COPIED)));
  engine::ChatFormOptions formOptions;
  if (chatTemplate != "-") {
    std::ifstream file(chatTemplate);
    if (!file)
      throw std::runtime_error(chatTemplate + ": cannot read");
    formOptions.jinja.emplace(std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>());
    formOptions.origin = chatTemplate;
  }
  const engine::ChatForm form(model.get(), formOptions);
  sherry_context_options options = {};
  options.sequences = 2;
  engine::Engine engine(model.get(), options);
  Speaker first("first", engine, form), second("second", engine, form);
  for (const char *question : {"Who are you?", "And what do you know?"}) {
    first.ask(question, maxTokens);
    second.ask(std::string("Speak. ") + question, maxTokens);
    engine.run();
  }
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 4) {
    std::fputs("usage: two-chats MODEL.so TEMPLATE [COUNT]\n", stderr);
    return 2;
  }
  try {
    talk(argv[1], argv[2], argc == 4 ? std::atoll(argv[3]) : 32);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "two-chats: %s\n", error.what());
    return 1;
  }
  return 0;
}
