// The Hugging Face Hub: address, token, cache.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "doctor/finding.h"

namespace qk {

// What the Hub says about the account, one line. Throws Error if it does not answer, or not for us.
using AskHub = std::function<std::string()>;

// dotenv: the file .env that was read, or empty. ask: none: the Hub is not asked.
FindingSection hub_findings(const std::filesystem::path& dotenv, const AskHub& ask);

}  // namespace qk
