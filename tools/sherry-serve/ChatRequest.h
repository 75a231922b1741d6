//===- ChatRequest.h - Messages to tokens -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_CHATREQUEST_H
#define SHERRY_TOOLS_SERVE_CHATREQUEST_H

#include "Service.h"

namespace sherry::serve {

/// The model's form of chats. Throws ApiError if it has none.
const engine::ChatForm &formOf(const Service &service);

/// The text that the template writes for a request's "messages", with the
/// request's "add_generation_prompt", "continue_final_message" and
/// "chat_template_kwargs" and these tools. Throws ApiError, and the exceptions
/// of ChatForm.
ChatParts writeChat(const Fields &fields, const Service &service,
                    const Json &tools);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_CHATREQUEST_H
