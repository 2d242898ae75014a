#include "cluster/message.h"

#include <bit>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

static_assert(std::endian::native == std::endian::little,
              "messages are written as memory holds them");

constexpr uint64_t kMessageMagic = 0x47415353454D4B51;  // "QKMESSAG"
constexpr uint8_t kMessageVersion = 1;

struct MessageTail {
  uint64_t text_bytes = 0;
  int64_t number = 0;
  int32_t stage = 0;
  uint8_t type = 0;
  uint8_t version = kMessageVersion;
  uint16_t zero = 0;
  uint64_t magic = kMessageMagic;
};
static_assert(sizeof(MessageTail) == kMessageTailBytes);

void append_tail(const Message& head, std::string& text) {
  const MessageTail tail = {.text_bytes = text.size(),
                            .number = head.number,
                            .stage = head.stage,
                            .type = static_cast<uint8_t>(head.type)};
  text.append(reinterpret_cast<const char*>(&tail), sizeof tail);
}

}  // namespace

std::string encode(Message message) {
  std::string bytes = std::move(message.text);
  append_tail(message, bytes);
  return bytes;
}

std::string encode(const Message& head, std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() + kMessageTailBytes);
  bytes.append(text);
  append_tail(head, bytes);
  return bytes;
}

Message decode(std::string bytes, int from) {
  if (bytes.size() < kMessageTailBytes) {
    fail("message of rank {}: expected at least {} bytes, found {}", from, kMessageTailBytes,
         bytes.size());
  }
  MessageTail tail;
  const size_t text_bytes = bytes.size() - kMessageTailBytes;
  std::memcpy(&tail, bytes.data() + text_bytes, sizeof tail);
  if (tail.magic != kMessageMagic) fail("message of rank {}: these are other bytes", from);
  if (tail.version != kMessageVersion) {
    fail("message of rank {}: expected version {}, found {}: is it another qkscope?", from,
         kMessageVersion, tail.version);
  }
  if (tail.text_bytes != text_bytes) {
    fail("message of rank {}: expected {} bytes of text, found {}", from, tail.text_bytes,
         text_bytes);
  }
  if (tail.type >= kNumMessageTypes || tail.zero != 0) {
    fail("message of rank {}: there is no type {}", from, tail.type);
  }
  if (tail.stage < 0) fail("message of rank {}: there is no stage {}", from, tail.stage);
  bytes.resize(text_bytes);
  return {.type = static_cast<MessageType>(tail.type),
          .stage = tail.stage,
          .number = tail.number,
          .text = std::move(bytes)};
}

}  // namespace qk
