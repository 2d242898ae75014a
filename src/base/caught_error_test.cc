#include "base/caught_error.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <stdexcept>

#include "base/error.h"
#include "base/stopped.h"

namespace qk {
namespace caught_error_test {

namespace fs = std::filesystem;

template <typename Exception>
void expect_caught(const Exception& exception, int exit_code, const std::string& sentence) {
  try {
    throw exception;
  } catch (const std::exception&) {
    const CaughtError caught = caught_error();
    EXPECT_EQ(caught.exit_code, exit_code);
    EXPECT_EQ(caught.sentence, sentence);
  }
}

TEST(CaughtError, TellsUsersErrorsFromBugs) {
  const std::error_code denied = std::make_error_code(std::errc::permission_denied);
  expect_caught(Error("a: is not there"), 1, "a: is not there");
  expect_caught(fs::filesystem_error("status", "some/folder", denied), 1,
                "some/folder: Permission denied");
  expect_caught(fs::filesystem_error("current_path", denied), 1,
                "the current folder: Permission denied");
  expect_caught(std::bad_alloc(), 1, "not enough memory");
  expect_caught(Stopped(), 75, "stopped; the same command goes on from here");
  expect_caught(std::out_of_range("vector::at"), 2, "bug: vector::at");
}

}  // namespace caught_error_test
}  // namespace qk
