// The output of `qkscope verify`.
#pragma once

#include <string>

#include "model/model.h"
#include "verify/verification.h"

namespace qk {

// What was compared, one line per layer and kind of head, and the verdict.
std::string verify_text(const Model& model, const Verification& verification);

// The verdict: "PASS: ..." or "FAIL: ...", one line.
std::string verdict_text(const Model& model, const Verification& verification);

}  // namespace qk
