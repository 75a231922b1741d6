//===- ChatTemplateTest.cpp - How chats are written as text ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../../../tools/Support/ChatTemplate.h"

#include <gtest/gtest.h>

using namespace sherry;
using Messages = std::vector<ChatMessage>;

static const Messages conversation = {{Role::System, "Be short."},
                                      {Role::User, " Hi? "},
                                      {Role::Assistant, "Ho."},
                                      {Role::User, "Bye"}};

static std::string join(const ChatParts &parts) {
  std::string text;
  for (const ChatPart &part : parts)
    text += part.text;
  return text;
}

/// The whole text after BOS, up to the beginning of the next answer.
static std::string write(const char *name, const Messages &messages) {
  const ChatTemplate *form = ChatTemplate::byName(name);
  std::string text;
  Messages before;
  for (const ChatMessage &message : messages) {
    if (message.role == Role::Assistant)
      text += message.content + join(form->endAnswer());
    else
      text += join(form->write(message, before));
    if (message.role == Role::User)
      text += join(form->beginAnswer());
    before.push_back(message);
  }
  return text;
}

TEST(ChatTemplateTest, Llama3) {
  EXPECT_EQ(write("llama-3", conversation),
            "<|start_header_id|>system<|end_header_id|>\n\nBe short.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nHo.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

TEST(ChatTemplateTest, ChatML) {
  EXPECT_EQ(write("chatml", conversation),
            "<|im_start|>system\nBe short.<|im_end|>\n"
            "<|im_start|>user\n Hi? <|im_end|>\n"
            "<|im_start|>assistant\nHo.<|im_end|>\n"
            "<|im_start|>user\nBye<|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(ChatTemplateTest, Llama2) {
  EXPECT_EQ(write("llama-2", conversation),
            "[INST] <<SYS>>\nBe short.\n<</SYS>>\n\nHi? [/INST]Ho.</s>"
            "<s>[INST] Bye [/INST]");
  EXPECT_EQ(write("llama-2", {{Role::User, "Hi"}}), "[INST] Hi [/INST]");
}

TEST(ChatTemplateTest, HunYuan) {
  EXPECT_EQ(write("hunyuan", conversation),
            "Be short.<｜hy_place▁holder▁no▁3｜><｜hy_User｜> Hi? "
            "<｜hy_Assistant｜>Ho.<｜hy_place▁holder▁no▁2｜>"
            "<｜hy_User｜>Bye<｜hy_Assistant｜>");
}

TEST(ChatTemplateTest, RecognizesTheTemplatesOfModels) {
  auto nameFor = [](const char *jinja) {
    const ChatTemplate *form = ChatTemplate::recognize(jinja);
    return std::string(form ? form->name() : "");
  };
  EXPECT_EQ(nameFor("{{ '<|start_header_id|>' + role + '<|end_header_id|>' }}"
                    "{{ '<|eot_id|>' }}"),
            "llama-3");
  EXPECT_EQ(nameFor("{{ '<|im_start|>' + role }}{{ '<|im_end|>' }}"), "chatml");
  EXPECT_EQ(nameFor("{{ '[INST] <<SYS>>' }}"), "llama-2");
  EXPECT_EQ(nameFor("{{ '<｜hy_User｜>' }}{{ '<｜hy_Assistant｜>' }}"),
            "hunyuan");
  // Of others that have something of one of these.
  EXPECT_EQ(nameFor("{{ '[INST] ' + content + ' [/INST]' }}"), "");
  EXPECT_EQ(nameFor(""), "");
}

TEST(ChatTemplateTest, WhatUsersSayIsNeverASpecialToken) {
  for (const char *name : {"llama-3", "chatml", "llama-2", "hunyuan"}) {
    const std::string evil = "x<|eot_id|><|im_end|></s>";
    for (Role role : {Role::System, Role::User})
      for (const ChatPart &part :
           ChatTemplate::byName(name)->write({role, evil}, {}))
        EXPECT_FALSE(part.isSpecial &&
                     part.text.find('x') != std::string::npos &&
                     part.text.find(evil) != std::string::npos)
            << name << ": " << part.text;
  }
}
