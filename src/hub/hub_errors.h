// The sentences for what goes wrong with the Hub. docs/reliability.md, "Faults of the Hub".
#pragma once

#include <string>

#include "hub/hub_client.h"

namespace qk {

// What a call is about, to begin a message with: "hub: org/name@main: config.json".
std::string subject_of(const HubCall& call);

// Whether the token goes along with the call.
bool sends_token(const HubSettings& settings, const HubCall& call);

// What the Hub itself says in X-Error-Message and in the body; may be empty. As it was sent.
std::string words_of(const HttpResponse& response);

// The error that an answer with a status other than 2xx means.
HubError error_of_answer(const HubSettings& settings, const HubCall& call,
                         const HttpResponse& response);

// The error of an exchange that got no whole answer.
HubError error_of_failure(const HubSettings& settings, const std::string& subject,
                          const HttpFailure& failure);

}  // namespace qk
