#include "base/caught_error.h"

#include <exception>
#include <filesystem>
#include <new>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"

namespace qk {

CaughtError caught_error() {
  try {
    throw;
  } catch (const Error& error) {
    return {kExitError, error.what()};
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string where =
        error.path1().empty() ? "the current folder" : path_text(error.path1());
    return {kExitError, where + ": " + error.code().message()};
  } catch (const Stopped&) {
    return {kExitStopped, "stopped; the same command goes on from here"};
  } catch (const std::bad_alloc&) {
    return {kExitError, "not enough memory"};
  } catch (const std::exception& error) {
    return {kExitBug, std::string("bug: ") + error.what()};
  }
}

}  // namespace qk
