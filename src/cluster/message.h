// What ranks say to each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qk {

enum class MessageType : uint8_t {
  // To rank 0.
  kHello,   // text: host, newline, facts of the rank as JSON. The first message of every rank
  kWant,    // number: so many more tasks of this stage can be taken
  kResult,  // number: task; text: its result
  kReturn,  // number: task, which is given back: this rank will not do it
  kBeat,    // number: tasks of this stage that were begun; text: progress, or empty. Once a second
  kFault,   // text: a sentence. The run ends
  kSignal,  // the rank was asked to stop
  kGone,    // the last message of a rank: nothing of it is in hand
  // From rank 0.
  kStage,     // text: what its tasks need. The stage begins
  kTask,      // number: task; text: what is to be done
  kTakeBack,  // number: task. Answered by kReturn if it was not begun, else by kBeat
  kAlive,     // rank 0 lives. Once a second
  kStop,      // begin no further task of this stage
  kLeave,     // number: exit code. The run is over; answered by kGone
  kEnd,       // number: 1 if all ranks have left, else 0. The last message of rank 0
};
inline constexpr int kNumMessageTypes = 15;

struct Message {
  MessageType type = MessageType::kBeat;
  int32_t stage = 0;  // counts from 1; 0: before the first
  int64_t number = 0;
  std::string text = {};
  bool operator==(const Message&) const = default;
};

// A message as bytes is its text and, behind it, what says how to read it: so the text of a message
// that is moved in or out stays where it is, unless the string has to grow.
std::string encode(Message message);

// As encode() of `head` with this text instead of its own, which is copied once.
std::string encode(const Message& head, std::string_view text);

// Throws Error naming `from` if the bytes are no message.
Message decode(std::string bytes, int from);

// Room that encode() needs behind a text: who reserves it spares a copy.
inline constexpr size_t kMessageTailBytes = 32;

}  // namespace qk
