#include "cluster/message.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/test_error.h"

namespace qk {
namespace message_test {
namespace {

TEST(Message, EveryTypeComesBack) {
  for (int type = 0; type < kNumMessageTypes; ++type) {
    const Message message = {.type = static_cast<MessageType>(type),
                             .stage = 7,
                             .number = std::numeric_limits<int64_t>::min() + type,
                             .text = std::string("a\0b\n", 4)};
    EXPECT_EQ(decode(encode(message), 3), message);
    EXPECT_EQ(encode(message, message.text), encode(message));
  }
  EXPECT_EQ(decode(encode(Message()), 0), Message());
}

// Its bytes are fixed: ranks of one run may be of different machines, and are of one build.
TEST(Message, Bytes) {
  const Message message = {
      .type = MessageType::kTask, .stage = 0x01020304, .number = -2, .text = "xy"};
  const std::string expected =
      std::string("xy") + std::string("\2\0\0\0\0\0\0\0", 8) +
      std::string("\xfe\xff\xff\xff\xff\xff\xff\xff", 8) + std::string("\4\3\2\1", 4) +
      std::string(1, static_cast<char>(MessageType::kTask)) + std::string("\1\0\0", 3) + "QKMESSAG";
  EXPECT_EQ(encode(message), expected);
}

TEST(Message, ALongTextIsNotCopied) {
  std::string text(size_t{64} << 20, 'x');
  text.reserve(text.size() + kMessageTailBytes);
  const char* place = text.data();
  std::string bytes = encode(Message{.type = MessageType::kTask, .text = std::move(text)});
  EXPECT_EQ(bytes.data(), place);
  EXPECT_EQ(decode(std::move(bytes), 0).text.data(), place);
}

TEST(Message, OtherBytesAreRefused) {
  const std::string bytes = encode(Message{.type = MessageType::kWant, .stage = 1, .text = "abc"});
  const size_t tail = bytes.size() - kMessageTailBytes;
  const auto refusal = [&](size_t place, char byte) {
    std::string other = bytes;
    other.at(tail + place) = byte;
    return error_of([&] { decode(other, 12); });
  };
  EXPECT_EQ(error_of([] { decode("", 12); }),
            "message of rank 12: expected at least 32 bytes, found 0");
  EXPECT_EQ(error_of([&] { decode(bytes.substr(0, bytes.size() - 1), 12); }),
            "message of rank 12: these are other bytes");
  EXPECT_EQ(error_of([&] { decode(bytes.substr(1), 12); }),
            "message of rank 12: expected 3 bytes of text, found 2");
  EXPECT_EQ(error_of([&] { decode("x" + bytes, 12); }),
            "message of rank 12: expected 3 bytes of text, found 4");
  EXPECT_EQ(refusal(0, 9), "message of rank 12: expected 9 bytes of text, found 3");
  EXPECT_EQ(refusal(7, '\x80'),
            "message of rank 12: expected 9223372036854775811 bytes of text, found 3");
  EXPECT_EQ(refusal(19, '\x80'), "message of rank 12: there is no stage -2147483647");
  EXPECT_EQ(refusal(20, 15), "message of rank 12: there is no type 15");
  EXPECT_EQ(refusal(21, 2),
            "message of rank 12: expected version 1, found 2: is it another qkscope?");
  EXPECT_EQ(refusal(22, 1), "message of rank 12: there is no type 1");
  EXPECT_EQ(refusal(31, 'X'), "message of rank 12: these are other bytes");
}

}  // namespace
}  // namespace message_test
}  // namespace qk
