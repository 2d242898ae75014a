// The account of the Hub's token, for people.
#pragma once

#include <string>

#include "hub/hub_api.h"

namespace qk {

// "me, token from HF_TOKEN, role write, ...; organisations: ..."
std::string account_text(const WhoAmI& me, const std::string& token_origin);

}  // namespace qk
