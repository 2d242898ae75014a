// For tests only: runs over ranks as threads that do not go as they should.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ranks/test_ranks.h"

namespace qk {

class RankFaults : public testing::Test {
 protected:
  TestRanks ranks(int count) const {
    TestRanks out;
    out.count = count;
    out.texts = texts_;
    out.out = out_;
    return out;
  }
  // Exit codes and errors of all ranks, for messages.
  static std::string ends_text(const std::vector<RankEnd>& ends) {
    std::string out;
    for (const RankEnd& rank : ends) {
      out += fmt::format("[{}] {} {}\n", rank.end.exit_code, rank.error, rank.end.sentence);
    }
    return out;
  }
  bool has_dataset() const { return std::filesystem::exists(out_ / "README.md"); }

  const std::vector<std::string> texts_ = some_texts(12);
  const TestFolder folder_;
  const std::filesystem::path out_ = folder_ / "data";
};

}  // namespace qk
