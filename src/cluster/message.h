// What ranks say to each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qk {

enum class MessageType : uint8_t {
  // To rank 0.
  kHello,   // text: facts of the rank, JSON. The first message of every rank
  kWant,    // number: so many more tasks of this stage can be taken
  kResult,  // number: task; text: its result
  kBeat,    // text: progress, JSON, or empty. Once a second
  kFault,   // text: a sentence. The run ends
  kSignal,  // the rank was asked to stop
  kGone,    // the last message of a rank: nothing of it is in hand
  // From rank 0.
  kStage,  // text: what its tasks need. The stage begins
  kTask,   // number: task; text: what is to be done
  kAlive,  // rank 0 lives. Once a second
  kStop,   // begin no further task
  kLeave,  // number: exit code. The run is over
};
inline constexpr int kNumMessageTypes = 12;

struct Message {
  MessageType type = MessageType::kBeat;
  int32_t stage = 0;  // counts from 1; 0: before the first
  int64_t number = 0;
  std::string text = {};
  bool operator==(const Message&) const = default;
};

std::string encode(const Message& message);

// Throws Error naming `from` if the bytes are no message.
Message decode(std::string_view bytes, int from);

}  // namespace qk
