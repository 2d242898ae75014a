#include "ranks/check_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/test_error.h"
#include "cluster/message.h"
#include "ranks/test_rank_faults.h"

namespace qk {
namespace check_ranks_test {

using testing::Contains;
using testing::HasSubstr;

class CheckRanks : public RankFaults {
 protected:
  // What rank 0 of two throws; `watch` looks at the messages.
  std::string error_of_check(const std::function<void(LocalNetwork&)>& watch = {}) {
    LocalNetwork network(2);
    if (watch) watch(network);
    std::string error;
    const auto check = [&](int rank) {
      const TestFolder model;
      PreparedRun run = test_run(texts_, model.path());
      run.config.output.data_root = out_.string();
      RanksOptions options;
      options.times = TestRanks().times;
      options.times.lost = 1;
      options.see_seconds = 5;
      if (rank == 0) {
        options.run.warn = [this](const std::string& sentence) { warnings_.push_back(sentence); };
      }
      const auto transport = network.transport(rank);
      const std::string said = error_of([&] {
        check_ranks(run, options, *transport, [this](const std::vector<CheckedRank>& ranks) {
          num_checked_ = std::ssize(ranks);
          return 0;
        });
      });
      if (rank == 0) error = said;
    };
    std::thread other(check, 1);
    check(0);
    other.join();
    return error;
  }

  std::vector<std::string> warnings_;
  int64_t num_checked_ = 0;
};

TEST_F(CheckRanks, AllSeeOneFolder) {
  EXPECT_EQ(error_of_check(), "");
  EXPECT_EQ(num_checked_, 2);
  EXPECT_FALSE(std::filesystem::exists(out_));
}

// The folder is not to blame.
TEST_F(CheckRanks, ARankThatIsLostIsNamedAsLost) {
  const std::string error = error_of_check([](LocalNetwork& network) {
    network.set_hook([&network](int from, int to, const std::string& bytes) {
      if (from == 0 && to == 1 && decode(bytes, 0).type == MessageType::kTask) network.drop(1);
      return true;
    });
  });
  EXPECT_EQ(error, room_here().host + " (rank 1): was lost while the ranks were checked");
  EXPECT_THAT(warnings_, Contains(HasSubstr("(rank 1): not heard of for 1 s")));
  EXPECT_EQ(num_checked_, 0);
}

}  // namespace check_ranks_test
}  // namespace qk
