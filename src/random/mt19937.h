// The 32-bit Mersenne Twister, the engine under torch's CPU generator and Python's random module.
// The same sequence as std::mt19937, which cannot be seeded the way Python does and makes its words
// one by one; this one makes 624 at a time. Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace qk {

class Mt19937 {
 public:
  static constexpr size_t kWords = 624;

  // State filled from one word.
  explicit Mt19937(uint32_t seed);
  // State filled from an array, least significant word first. REQUIRES: key is not empty.
  explicit Mt19937(std::span<const uint32_t> key);

  uint32_t next() {
    if (used_ == kWords) refill();
    return output_[used_++];
  }
  // The next out.size() words of the sequence.
  void fill(std::span<uint32_t> out);

 private:
  void refill();

  std::array<uint32_t, kWords> state_{};
  std::array<uint32_t, kWords> output_{};
  size_t used_ = kWords;
};

}  // namespace qk
