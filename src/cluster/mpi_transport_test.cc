#include "cluster/mpi_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace qk {
namespace mpi_transport_test {

// An MPI of two ranks in one thread: `current` is the one that calls. It holds to the rules of the
// real one: a message is copied only when both its send and its receive have begun, and messages come in
// the order of their sends.
struct FakeSend {
  const char* bytes = nullptr;
  int32_t count = 0, tag = 0;
  int from = 0, to = 0;
  bool is_probed = false, is_done = false;
};

struct FakeReceive {
  char* bytes = nullptr;
  size_t send = 0;
  bool is_slow = false;  // done only when told
  bool is_done = false;
};

struct FakeMpi {
  int current = 0;
  std::vector<FakeSend> sends;
  std::vector<FakeReceive> receives;
  std::deque<size_t> under_way;
  bool receives_are_slow = false;
  int dead = -1;             // sends to it and receives from it fail
  bool refuses_any = false;  // to look for messages of anyone
  int num_finalized = 0;
};
FakeMpi fake;

constexpr uint64_t kReceiveBit = uint64_t{1} << 32;

int32_t fake_rank() { return fake.current; }
int32_t fake_size() { return 2; }

int32_t fake_send(const void* bytes, int32_t count, int32_t to, int32_t tag, uint64_t* request) {
  if (to == fake.dead) return 75;
  *request = fake.sends.size();
  fake.under_way.push_back(fake.sends.size());
  fake.sends.push_back({static_cast<const char*>(bytes), count, tag, fake.current, to});
  return 0;
}

int32_t fake_probe(int32_t from, int32_t* found, int32_t* source, int32_t* tag, int32_t* count) {
  *found = 0;
  if (from == QK_MPI_ANY && fake.refuses_any) return 75;
  for (const size_t index : fake.under_way) {
    const FakeSend& send = fake.sends[index];
    if (send.to != fake.current || (from != QK_MPI_ANY && from != send.from)) continue;
    *found = 1;
    *source = send.from;
    *tag = send.tag;
    *count = send.count;
    return 0;
  }
  return 0;
}

int32_t fake_receive(void* bytes, int32_t count, int32_t from, int32_t tag, uint64_t* request) {
  const auto at = std::find_if(fake.under_way.begin(), fake.under_way.end(), [&](size_t index) {
    return fake.sends[index].to == fake.current && fake.sends[index].from == from;
  });
  EXPECT_NE(at, fake.under_way.end());
  EXPECT_EQ(fake.sends[*at].count, count);
  EXPECT_EQ(fake.sends[*at].tag, tag);
  *request = kReceiveBit | fake.receives.size();
  fake.receives.push_back({static_cast<char*>(bytes), *at, fake.receives_are_slow});
  fake.under_way.erase(at);
  return 0;
}

int32_t fake_test(uint64_t* request, int32_t* is_done) {
  *is_done = 0;
  if ((*request & kReceiveBit) == 0) {
    if (fake.sends[*request].to == fake.dead) return 75;
    *is_done = fake.sends[*request].is_done ? 1 : 0;
    return 0;
  }
  FakeReceive& receive = fake.receives[*request & ~kReceiveBit];
  FakeSend& send = fake.sends[receive.send];
  if (send.from == fake.dead) return 75;
  if (receive.is_slow) return 0;
  EXPECT_FALSE(receive.is_done) << "a request was tested after it was done";
  std::copy_n(send.bytes, send.count, receive.bytes);
  receive.is_done = send.is_done = true;
  *is_done = 1;
  return 0;
}

int32_t fake_finalize() { return fake.num_finalized++, 0; }

void fake_error_text(int32_t code, char* text, int32_t size) {
  std::snprintf(text, static_cast<size_t>(size), "fault %d", code);
}

const QkMpiApi kFakeApi = {.api_version = QK_MPI_API_VERSION,
                           .library_version = nullptr,
                           .error_text = fake_error_text,
                           .init = nullptr,
                           .rank = fake_rank,
                           .size = fake_size,
                           .node_ranks = [](int32_t*, int32_t*) -> int32_t { return 3; },
                           .send = fake_send,
                           .receive = fake_receive,
                           .test = fake_test,
                           .probe = fake_probe,
                           .finalize = fake_finalize};

MpiTransport transport_of(int rank, int64_t piece_bytes) {
  fake.current = rank;
  return MpiTransport(kFakeApi, piece_bytes);
}

class MpiTransportTest : public ::testing::Test {
 protected:
  MpiTransportTest() : zero_((fake = FakeMpi(), transport_of(0, 4))), one_(transport_of(1, 4)) {}

  void TearDown() override {
    zero_.leave(true, 0);
    one_.leave(true, 0);
    EXPECT_EQ(fake.num_finalized, 2);
  }

  void send(int from, std::string bytes) {
    fake.current = from;
    (from == 0 ? zero_ : one_).send(1 - from, std::move(bytes));
  }
  std::vector<std::string> received_by(int rank) {
    fake.current = rank;
    std::vector<std::string> out;
    MpiTransport& transport = rank == 0 ? zero_ : one_;
    while (auto message = transport.poll()) {
      EXPECT_EQ(message->from, 1 - rank);
      out.push_back(std::move(message->bytes));
    }
    return out;
  }
  bool is_idle(int rank) {
    fake.current = rank;
    return (rank == 0 ? zero_ : one_).is_idle();
  }

  MpiTransport zero_, one_;
};

using Texts = std::vector<std::string>;

TEST_F(MpiTransportTest, MessagesOfAllSizesInOrder) {
  const Texts texts = {"", "abc", "abcd", "abcde", "abcdefgh", "abcdefghi", "", "x"};
  for (const std::string& text : texts) send(0, text);
  EXPECT_FALSE(is_idle(0));
  EXPECT_EQ(received_by(1), texts);
  EXPECT_TRUE(is_idle(0));
  EXPECT_TRUE(received_by(0).empty());
  // Pieces of 4 bytes: 1, 1, 1, 2, 2, 3, 1 and 1.
  EXPECT_EQ(fake.sends.size(), 12U);
}

TEST_F(MpiTransportTest, ToItself) {
  fake.current = 0;
  zero_.send(0, "me");
  const auto message = zero_.poll();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->from, 0);
  EXPECT_EQ(message->bytes, "me");
  EXPECT_TRUE(fake.sends.empty());
}

// The first message is under way when the second has come.
TEST_F(MpiTransportTest, ALateMessageKeepsItsPlace) {
  fake.receives_are_slow = true;
  send(0, "a long one");
  EXPECT_TRUE(received_by(1).empty());
  fake.receives_are_slow = false;
  send(0, "short");
  EXPECT_TRUE(received_by(1).empty());
  fake.receives[0].is_slow = fake.receives[2].is_slow = false;
  EXPECT_TRUE(received_by(1).empty());  // its second piece is still missing
  fake.receives[1].is_slow = false;
  EXPECT_EQ(received_by(1), (Texts{"a long one", "short"}));
}

TEST_F(MpiTransportTest, ARankThatCannotBeReachedIsDead) {
  send(0, "lost");
  fake.dead = 1;
  EXPECT_TRUE(received_by(0).empty());  // progresses its sends
  EXPECT_TRUE(is_idle(0));
  const size_t num_sends = fake.sends.size();
  send(0, "dropped");
  EXPECT_EQ(fake.sends.size(), num_sends);
  fake.dead = -1;
  send(1, "too late");
  EXPECT_TRUE(received_by(0).empty());
}

TEST_F(MpiTransportTest, ASendThatFailsAtOnce) {
  fake.dead = 1;
  send(0, "lost");
  EXPECT_TRUE(is_idle(0));
  fake.dead = -1;
  send(0, "dropped");
  EXPECT_TRUE(fake.sends.empty());
}

TEST_F(MpiTransportTest, AReceiveThatFails) {
  fake.receives_are_slow = true;
  send(1, "half of it");
  EXPECT_TRUE(received_by(0).empty());
  fake.dead = 1;
  EXPECT_TRUE(received_by(0).empty());
  fake.dead = -1;
  fake.receives_are_slow = false;
  for (FakeReceive& receive : fake.receives) receive.is_slow = false;
  send(1, "more");
  EXPECT_TRUE(received_by(0).empty());
}

// As MPICH does once a rank is dead.
TEST_F(MpiTransportTest, ALibraryThatRefusesToLookForAnyone) {
  fake.refuses_any = true;
  send(0, "hello");
  EXPECT_TRUE(received_by(1).empty());
  EXPECT_EQ(received_by(1), Texts{"hello"});
}

TEST_F(MpiTransportTest, FaultsOfMpiAreExplained) {
  try {
    zero_.node_rank();
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "MPI does not tell the ranks of this node: fault 3");
  }
}

using MpiTransportDeathTest = MpiTransportTest;

TEST_F(MpiTransportDeathTest, LeavesWithoutMpiIfARankIsLost) {
  EXPECT_EXIT(zero_.leave(false, 75), ::testing::ExitedWithCode(75), "");
}

}  // namespace mpi_transport_test
}  // namespace qk
