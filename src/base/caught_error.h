// What an exception that nobody has dealt with means to the user.
#pragma once

#include <string>

namespace qk {

inline constexpr int kExitError = 1;
inline constexpr int kExitBug = 2;
// EX_TEMPFAIL of sysexits.h: stopped by a signal or a time limit, and can be continued.
inline constexpr int kExitStopped = 75;

struct CaughtError {
  int exit_code = kExitError;
  std::string sentence = {};
};

// Of the exception that is being handled. REQUIRES: called in a handler of a std::exception.
CaughtError caught_error();

}  // namespace qk
